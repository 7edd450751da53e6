import { context, logs, TraceFlags, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";

// A service that prints its log as pino does and sends the same record, as with a logging instrumentation. All of
// where it sends comes from the OTEL_* variables that it was started with.
process.env.OTEL_LOGS_EXPORTER = "otlp";
process.env.OTEL_TRACES_EXPORTER = "none";
process.env.OTEL_METRICS_EXPORTER = "none";
const sdk = new NodeSDK();
sdk.start();
const ids = { traceId: "3".repeat(32), spanId: "4".repeat(16), traceFlags: TraceFlags.SAMPLED };
logs.getLogger("shop").emit({
  severityNumber: 9,
  body: "order placed",
  context: trace.setSpanContext(context.active(), ids),
});
const line = { level: 30, time: Date.now(), trace_id: ids.traceId, span_id: ids.spanId, msg: "order placed" };
console.log(JSON.stringify(line));
await sdk.shutdown();
