import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

// Pages have no environment: the endpoint is a parameter of the script, `<script data-endpoint=…>`.
const { endpoint = "http://localhost:7890" } = document.currentScript?.dataset ?? {};

const provider = new WebTracerProvider({
  resource: resourceFromAttributes({ "service.name": "orders-page" }),
  spanProcessors: [
    new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }), {
      scheduledDelayMillis: 500,
    }),
  ],
});
provider.register();
// The page's own origin gets `traceparent` by default; name here what else may.
registerInstrumentations({
  instrumentations: [new FetchInstrumentation({ propagateTraceHeaderCorsUrls: [/^http:\/\/localhost[:/]/] })],
});

const tracer = trace.getTracer("orders-page");

/** Runs `work` in a span; what it throws fails the span and is thrown on. */
async function inSpan(name, work) {
  const span = tracer.startSpan(name);
  try {
    return await context.with(trace.setSpan(context.active(), span), work);
  } catch (error) {
    span.recordException(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    throw error;
  } finally {
    span.end();
  }
}

async function load(path) {
  // `context.with` holds until the first await, so `fetch` is called at once.
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.text();
}

for (const button of document.querySelectorAll("button[data-path]")) {
  const { path } = button.dataset;
  button.addEventListener("click", () => {
    inSpan(`click ${button.textContent}`, () => load(path)).then(
      (text) => show(text),
      (error) => show(error.message),
    );
  });
}

function show(text) {
  document.querySelector("output").textContent = text;
}
