import { createServer } from "node:http";
import { logs, SeverityNumber, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("orders");
const logger = logs.getLogger("orders");

function loadOrder(id) {
  return tracer.startActiveSpan("load order", { attributes: { "order.id": id } }, (span) => {
    logger.emit({
      severityNumber: SeverityNumber.INFO,
      severityText: "INFO",
      body: `order ${id} loaded`,
    });
    span.end();
    return { order: id };
  });
}

function fail() {
  throw new Error("the warehouse is closed");
}

const server = createServer((request, response) => {
  try {
    const [, route, id] = request.url.split("/");
    const body = route === "fail" ? fail() : loadOrder(id);
    response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  } catch (error) {
    const span = trace.getActiveSpan();
    span?.recordException(error);
    span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    response.writeHead(500).end(error.message);
  }
});

server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on ${server.address().port}`);
});
