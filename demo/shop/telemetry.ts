import { fileURLToPath } from "node:url";
import { getCallSites } from "node:util";
import type { Attributes, Span, SpanOptions } from "@opentelemetry/api";
import { context, logs, SeverityNumber, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { NodeSDK } from "@opentelemetry/sdk-node";

/** A running OpenTelemetry SDK. */
export interface Telemetry {
  /** Resolves when everything ended so far was answered by the receiver, or its export failed. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Starts the SDK as its users do: endpoint, service name and batch delays come from `OTEL_*` variables. Only
 * the trace exporter is made here, since `flush` must also wait for a batch that is already on its way, which
 * the batch processor's own flush does not.
 */
export function startTelemetry(http: HttpInstrumentation): Telemetry {
  const traceExporter = new OTLPTraceExporter();
  const sdk = new NodeSDK({ traceExporter, instrumentations: [http] });
  sdk.start();
  // The instrumentation patches node:http when it is next required; ES imports share the patched object.
  process.getBuiltinModule("node:module").createRequire(import.meta.url)("node:http");
  return {
    flush: async () => {
      await Promise.allSettled([forceFlush(trace.getTracerProvider()), forceFlush(logs.getLoggerProvider())]);
      await traceExporter.forceFlush();
    },
    shutdown: () => sdk.shutdown(),
  };
}

/** The API types no `forceFlush`; the SDK's providers have one, the tracer's behind the API's proxy. */
async function forceFlush(provider: object): Promise<void> {
  const delegate =
    "getDelegate" in provider && callable(provider.getDelegate) ? provider.getDelegate() : provider;
  if (typeof delegate === "object" && delegate !== null && "forceFlush" in delegate) {
    if (callable(delegate.forceFlush)) await delegate.forceFlush.call(delegate);
  }
}

function callable(value: unknown): value is () => unknown {
  return typeof value === "function";
}

/**
 * Runs `work` in a span of its own, which ends with it. What it throws is recorded on the span and thrown on.
 */
export function inSpan<T>(name: string, options: SpanOptions, work: (span: Span) => T): T {
  return trace.getTracer("shop").startActiveSpan(name, options, (span) => {
    try {
      const result = work(span);
      if (!(result instanceof Promise)) {
        span.end();
        return result;
      }
      // The caller handles the rejection of `result` itself; this branch only ends the span.
      result.then(
        () => span.end(),
        (error: unknown) => endFailed(span, error),
      );
      return result;
    } catch (error) {
      endFailed(span, error);
      throw error;
    }
  });
}

function endFailed(span: Span, error: unknown): void {
  recordError(span, error);
  span.end();
}

/** Marks a span failed, with exception event and `error.type`. */
export function recordError(span: Span, error: unknown): void {
  const exception = error instanceof Error ? error : new Error(String(error));
  span.recordException(exception);
  span.setAttribute("error.type", errorType(exception));
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception.message });
}

/** The library's own code (`ECONNREFUSED`, `ERR_SQLITE_ERROR`) where there is one, else the class. */
function errorType(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

/** Structured logs: `message` is constant text, what varies is in the attributes. The active span is attached. */
export const log = {
  info: (message: string, attributes: Attributes = {}): void =>
    emit(SeverityNumber.INFO, "INFO", message, attributes),
  warn: (message: string, attributes: Attributes = {}): void =>
    emit(SeverityNumber.WARN, "WARN", message, attributes),
  error: (message: string, error: unknown, attributes: Attributes = {}): void =>
    emit(SeverityNumber.ERROR, "ERROR", message, { ...attributes, ...exceptionAttributes(error) }),
};

function emit(
  severityNumber: SeverityNumber,
  severityText: string,
  body: string,
  attributes: Attributes,
): void {
  logs.getLogger("shop").emit({
    severityNumber,
    severityText,
    body,
    attributes,
    context: context.active(),
    timestamp: Date.now(),
  });
}

function exceptionAttributes(error: unknown): Attributes {
  if (!(error instanceof Error)) return { "exception.message": String(error) };
  return {
    "exception.type": error.name,
    "exception.message": error.message,
    "exception.stacktrace": error.stack ?? "",
  };
}

/**
 * `code.*` attributes of the line that called the function that calls this one (semantic conventions, code).
 * `functionName` replaces the caller's name where that would be the whole module.
 */
export function codeOfCaller(functionName?: string): Attributes {
  const site = getCallSites(3)[2];
  if (site === undefined) return {};
  const file = site.scriptName.startsWith("file:") ? fileURLToPath(site.scriptName) : site.scriptName;
  return {
    "code.function.name": functionName ?? site.functionName,
    "code.file.path": file,
    "code.line.number": site.lineNumber,
  };
}
