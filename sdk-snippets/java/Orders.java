import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.logging.Logger;

/** A service in two routes. Nothing here sets up OpenTelemetry: the agent does. */
class Orders {
  private static final Logger LOG = Logger.getLogger("orders");

  public static void main(String[] arguments) throws IOException {
    int port = Integer.parseInt(Optional.ofNullable(System.getenv("PORT")).orElse("8080"));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext("/orders/", Orders::order);
    server.createContext("/fail", Orders::fail);
    server.start();
    System.out.println("listening on " + server.getAddress().getPort());
  }

  private static void order(HttpExchange exchange) throws IOException {
    String id = exchange.getRequestURI().getPath().substring("/orders/".length());
    // Asked for here and not in a static field: the agent is ready before `main`, whatever loads first.
    Tracer tracer = GlobalOpenTelemetry.getTracer("orders");
    Span span = tracer.spanBuilder("load order").setAttribute("order.id", id).startSpan();
    try (Scope scope = span.makeCurrent()) {
      LOG.info("order " + id + " loaded");
    } finally {
      span.end();
    }
    answer(exchange, 200, "{\"order\":\"" + id + "\"}");
  }

  private static void fail(HttpExchange exchange) throws IOException {
    IllegalStateException error = new IllegalStateException("the warehouse is closed");
    Span span = Span.current();
    span.recordException(error);
    span.setStatus(StatusCode.ERROR, error.getMessage());
    answer(exchange, 500, error.getMessage());
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
