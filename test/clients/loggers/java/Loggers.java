import java.nio.file.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.ThreadContext;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Writes the same three statements with the logger named in the first argument, as its users set it up. */
public class Loggers {
  private static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
  private static final String SPAN_ID = "b7ad6b7169203331";

  public static void main(String[] args) {
    String config = Path.of(System.getProperty("loggers.config"), args[0] + ".xml").toString();
    if (args[0].startsWith("logback")) {
      System.setProperty("logback.configurationFile", config);
      useLogback();
    } else {
      System.setProperty("log4j2.configurationFile", config);
      useLog4j();
    }
  }

  private static void useLogback() {
    org.slf4j.Logger log = LoggerFactory.getLogger("com.shop.Pay");
    MDC.put("trace_id", TRACE_ID);
    MDC.put("span_id", SPAN_ID);
    MDC.put("orderId", "7");
    log.info("order placed");
    MDC.clear();
    log.warn("slow query");
    log.error("payment failed", new IllegalStateException("no card"));
  }

  private static void useLog4j() {
    org.apache.logging.log4j.Logger log = LogManager.getLogger("com.shop.Pay");
    ThreadContext.put("trace.id", TRACE_ID);
    ThreadContext.put("span.id", SPAN_ID);
    ThreadContext.put("orderId", "7");
    log.info("order placed");
    ThreadContext.clearAll();
    log.warn("slow query");
    log.error("payment failed", new IllegalStateException("no card"));
  }
}
