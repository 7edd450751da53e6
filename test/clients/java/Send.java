import static io.opentelemetry.api.common.AttributeKey.longArrayKey;
import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;
import static io.opentelemetry.api.common.AttributeKey.stringKey;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Sends one trace, two logs and three metrics through each exporter of the Java SDK with each of its HTTP clients,
 * and prints what it sent.
 *
 * <p>Usage: Send http://127.0.0.1:PORT. Prints one line of JSON for each exporter: what test/clients/sent.ts calls
 * Sent.
 */
public final class Send {
  /** Above 2^53: printed as text, since JSON readers round it. */
  private static final long BIG = 9007199254740993L;

  /** The clients that exporters can send with, by the providers that make them. */
  private static final Map<String, String> SENDERS =
      Map.of(
          "http-okhttp", "io.opentelemetry.exporter.sender.okhttp.internal.OkHttpHttpSenderProvider",
          "http-jdk", "io.opentelemetry.exporter.sender.jdk.internal.JdkHttpSenderProvider",
          "grpc-okhttp", "io.opentelemetry.exporter.sender.okhttp.internal.OkHttpGrpcSenderProvider",
          "grpc-netty", "io.opentelemetry.exporter.sender.grpc.managedchannel.internal.UpstreamGrpcSenderProvider");

  private final String endpoint;
  private final boolean grpc;
  private final String compression;
  private final Resource resource;

  private Send(String endpoint, boolean grpc, String compression, String service) {
    this.endpoint = endpoint;
    this.grpc = grpc;
    this.compression = compression;
    this.resource =
        Resource.create(
            Attributes.of(stringKey("service.name"), service, stringKey("service.version"), "4.5.6"));
  }

  public static void main(String[] arguments) {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String transport : List.of("http-okhttp", "http-jdk", "grpc-okhttp", "grpc-netty")) {
      boolean grpc = transport.startsWith("grpc");
      String provider = "io.opentelemetry.sdk.common.export." + (grpc ? "Grpc" : "Http") + "SenderProvider";
      System.setProperty(provider, SENDERS.get(transport));
      for (String compression : List.of("none", "gzip")) {
        String service = "java-" + transport + "-" + compression;
        Send send = new Send(arguments[0], grpc, compression, service);
        List<Span> spans = send.sendSpans();
        Map<String, Object> sent = new LinkedHashMap<>();
        sent.put("service", service);
        sent.put("spans", spans.stream().map(Send::sentSpan).collect(Collectors.toList()));
        sent.put("logs", send.sendLogs(spans.get(0).getSpanContext()));
        sent.put("metrics", send.sendMetrics());
        out.println(json(sent));
      }
    }
    // Idle threads of the HTTP clients must not keep the program running.
    System.exit(0);
  }

  private List<Span> sendSpans() {
    SpanExporter exporter =
        grpc
            ? OtlpGrpcSpanExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
            : OtlpHttpSpanExporter.builder()
                .setEndpoint(endpoint + "/v1/traces")
                .setCompression(compression)
                .build();
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(resource)
            .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
            .build();
    Tracer tracer = provider.tracerBuilder("checkout").setInstrumentationVersion("1.2.3").build();
    Span parent =
        tracer
            .spanBuilder("GET /cart")
            .setSpanKind(SpanKind.SERVER)
            .setAttribute("user.name", "Zoë ☕")
            .setAttribute("cart.empty", true)
            .setAttribute("cart.weight", 0.25)
            .setAttribute("cart.id", BIG)
            .setAttribute("cart.delta", -7)
            .setAttribute(stringArrayKey("cart.tags"), List.of("a", "b"))
            .setAttribute(longArrayKey("cart.counts"), List.of(1L, 2L, 300L))
            .startSpan();
    parent.addEvent("cache miss", Attributes.of(stringKey("cache.name"), "carts"));
    Span child =
        tracer
            .spanBuilder("SELECT cart")
            .setParent(Context.root().with(parent))
            .setSpanKind(SpanKind.CLIENT)
            .addLink(parent.getSpanContext(), Attributes.of(stringKey("link.reason"), "retry"))
            .startSpan();
    child.end();
    parent.setStatus(StatusCode.ERROR, "no cart");
    parent.end();
    check(provider.forceFlush());
    check(provider.shutdown());
    return List.of(parent, child);
  }

  private static Map<String, Object> sentSpan(Span span) {
    SpanData data = ((ReadableSpan) span).toSpanData();
    Map<String, Object> sent = new LinkedHashMap<>();
    sent.put("traceId", data.getTraceId());
    sent.put("spanId", data.getSpanId());
    sent.put("parentSpanId", data.getParentSpanContext().isValid() ? data.getParentSpanId() : "");
    sent.put("name", data.getName());
    sent.put("kind", data.getKind().name().toLowerCase(Locale.ROOT));
    sent.put("startNs", Long.toString(data.getStartEpochNanos()));
    sent.put("endNs", Long.toString(data.getEndEpochNanos()));
    sent.put("statusCode", data.getStatus().getStatusCode().name().toLowerCase(Locale.ROOT));
    sent.put("statusMessage", data.getStatus().getDescription());
    sent.put("attributes", sentAttributes(data.getAttributes()));
    sent.put(
        "events",
        data.getEvents().stream()
            .map(
                event ->
                    Map.of(
                        "name", event.getName(),
                        "timeNs", Long.toString(event.getEpochNanos()),
                        "attributes", sentAttributes(event.getAttributes())))
            .collect(Collectors.toList()));
    sent.put(
        "links",
        data.getLinks().stream()
            .map(
                link ->
                    Map.of(
                        "traceId", link.getSpanContext().getTraceId(),
                        "spanId", link.getSpanContext().getSpanId(),
                        "attributes", sentAttributes(link.getAttributes())))
            .collect(Collectors.toList()));
    return sent;
  }

  private static Map<String, Object> sentAttributes(Attributes attributes) {
    Map<String, Object> sent = new LinkedHashMap<>();
    attributes.forEach(
        (key, value) -> sent.put(key.getKey(), value.equals(BIG) ? Long.toString(BIG) : value));
    return sent;
  }

  private List<Object> sendLogs(SpanContext span) {
    LogRecordExporter exporter =
        grpc
            ? OtlpGrpcLogRecordExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
            : OtlpHttpLogRecordExporter.builder()
                .setEndpoint(endpoint + "/v1/logs")
                .setCompression(compression)
                .build();
    SdkLoggerProvider provider =
        SdkLoggerProvider.builder()
            .setResource(resource)
            .addLogRecordProcessor(BatchLogRecordProcessor.builder(exporter).build())
            .build();
    Logger logger = provider.get("checkout");
    Context context = Context.root().with(Span.wrap(span));
    long firstNs = nowNs();
    logger
        .logRecordBuilder()
        .setContext(context)
        .setTimestamp(firstNs, TimeUnit.NANOSECONDS)
        .setSeverity(Severity.WARN)
        .setSeverityText("WARN")
        .setBody("cart is empty: Zoë")
        .setAttribute("cart.items", 3)
        .emit();
    long secondNs = nowNs();
    logger
        .logRecordBuilder()
        .setContext(context)
        .setTimestamp(secondNs, TimeUnit.NANOSECONDS)
        .setSeverity(Severity.INFO)
        .setSeverityText("INFO")
        .setBody(
            Value.of(
                KeyValue.of("step", Value.of("load")),
                KeyValue.of("tries", Value.of(Value.of(1), Value.of(2)))))
        .emit();
    check(provider.forceFlush());
    check(provider.shutdown());
    return List.of(
        sentLog(span, firstNs, 13, "WARN", "cart is empty: Zoë", Map.of("cart.items", 3)),
        sentLog(span, secondNs, 9, "INFO", Map.of("step", "load", "tries", List.of(1, 2)), Map.of()));
  }

  private static Map<String, Object> sentLog(
      SpanContext span, long timeNs, int severity, String text, Object body, Map<String, Object> attributes) {
    return Map.of(
        "traceId", span.getTraceId(),
        "spanId", span.getSpanId(),
        "timeNs", Long.toString(timeNs),
        "severity", severity,
        "severityText", text,
        "body", body,
        "attributes", attributes);
  }

  private static long nowNs() {
    Instant now = Instant.now();
    return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
  }

  private List<Object> sendMetrics() {
    MetricExporter exporter =
        grpc
            ? OtlpGrpcMetricExporter.builder().setEndpoint(endpoint).setCompression(compression).build()
            : OtlpHttpMetricExporter.builder()
                .setEndpoint(endpoint + "/v1/metrics")
                .setCompression(compression)
                .build();
    SdkMeterProvider provider =
        SdkMeterProvider.builder()
            .setResource(resource)
            .registerMetricReader(
                PeriodicMetricReader.builder(exporter).setInterval(Duration.ofHours(1)).build())
            .build();
    Meter meter = provider.get("checkout");
    Attributes labels = Attributes.of(stringKey("shop"), "north");
    meter.counterBuilder("carts").setUnit("1").build().add(3, labels);
    DoubleHistogram histogram = meter.histogramBuilder("latency").setUnit("ms").build();
    histogram.record(12.5, labels);
    histogram.record(80, labels);
    meter.gaugeBuilder("temperature").build().set(-3.5, labels);
    check(provider.forceFlush());
    check(provider.shutdown());
    Map<String, Object> sent = Map.of("shop", "north");
    return List.of(
        Map.of("name", "carts", "type", "sum", "value", 3, "attributes", sent),
        Map.of("name", "latency", "type", "histogram", "count", 2, "sum", 92.5, "attributes", sent),
        Map.of("name", "temperature", "type", "gauge", "value", -3.5, "attributes", sent));
  }

  private static void check(CompletableResultCode result) {
    if (!result.join(20, TimeUnit.SECONDS).isSuccess()) {
      throw new IllegalStateException("not flushed");
    }
  }

  private static String json(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(entry -> json(entry.getKey()) + ":" + json(entry.getValue()))
          .collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Send::json).collect(Collectors.joining(",", "[", "]"));
    }
    // Nothing sent here holds a quote or a backslash.
    return value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
  }
}
