import { type Attributes, stringAttribute } from "../model/attributes.ts";
import type { LogRecord } from "../model/log.ts";

/** Trace and span ids found in a record's own words; `spanId` is `""` where only the trace is named. */
export interface ContextIds {
  /** 32 hex digits, or the lower 16 where the writer keeps no more (Datadog). */
  readonly traceId: string;
  readonly spanId: string;
}

const TRACE_KEYS = [
  "trace_id",
  "traceId",
  "traceID",
  "trace.id",
  "otelTraceID",
  "otel_trace_id",
  "@tr",
  "dd.trace_id",
  "logging.googleapis.com/trace",
  "traceparent",
];
const SPAN_KEYS = ["span_id", "spanId", "spanID", "span.id", "otelSpanID", "@sp", "dd.span_id"];

const TRACEPARENT = /\b[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\b/i;
const GCP_TRACE = /\btraces\/([0-9a-f]{32})\b/i;
const AWS_TRACE = /\b1-([0-9a-f]{8})-([0-9a-f]{24})\b/i;
/** `trace_id=…`, `"traceId": "…"`, `TraceID: …` and their like. */
const NAMED_TRACE = /\btrace[_.\- ]?id\b["'\]]?\s*[:=]?\s*\[?["']?([0-9a-f]{32}|[0-9a-f]{16})\b/i;
const NAMED_SPAN = /\bspan[_.\- ]?id\b["'\]]?\s*[:=]?\s*\[?["']?([0-9a-f]{16})\b/i;
const NAMED_DECIMAL = /\bdd\.trace_id["']?\s*[:=]\s*["']?(\d{1,20})\b/i;

const TEXT_CHARS_MAX = 4_000;
const ZEROS = /^0+$/;

/**
 * Ids that a log record carries in its attributes or its text, where its own id fields are empty: W3C traceparent, the
 * spellings of common loggers, AWS (`1-…-…`), Google Cloud and Datadog. Undefined when there are none.
 */
export function contextIdsOf(log: LogRecord): ContextIds | undefined {
  const named = firstOf(log.attributes, TRACE_KEYS);
  if (named !== undefined) {
    const ids = readTrace(named);
    const spanId = firstOf(log.attributes, SPAN_KEYS) ?? "";
    if (ids !== undefined) return { traceId: ids.traceId, spanId: ids.spanId || readSpan(spanId) };
  }
  const { body } = log;
  if (typeof body === "string") return idsInText(body);
  if (typeof body !== "object" || body === null || Array.isArray(body) || body instanceof Uint8Array)
    return undefined;
  const fields = body as Attributes;
  const traceId = firstOf(fields, TRACE_KEYS);
  const ids = traceId === undefined ? undefined : readTrace(traceId);
  return ids && { traceId: ids.traceId, spanId: ids.spanId || readSpan(firstOf(fields, SPAN_KEYS) ?? "") };
}

function idsInText(body: string): ContextIds | undefined {
  const text = body.slice(0, TEXT_CHARS_MAX);
  const parent = TRACEPARENT.exec(text);
  if (parent !== null) return { traceId: parent[1]!.toLowerCase(), spanId: parent[2]!.toLowerCase() };
  const traceId =
    NAMED_TRACE.exec(text)?.[1] ??
    GCP_TRACE.exec(text)?.[1] ??
    awsTrace(text) ??
    decimalTrace(NAMED_DECIMAL.exec(text)?.[1]);
  if (traceId === undefined || ZEROS.test(traceId)) return undefined;
  const spanId = NAMED_SPAN.exec(text)?.[1] ?? "";
  return { traceId: traceId.toLowerCase(), spanId: ZEROS.test(spanId) ? "" : spanId.toLowerCase() };
}

/** The value of a field that names a trace, in whatever form. */
function readTrace(value: string): ContextIds | undefined {
  const parent = TRACEPARENT.exec(value);
  if (parent !== null) return { traceId: parent[1]!.toLowerCase(), spanId: parent[2]!.toLowerCase() };
  const hex = /^(?:[0-9a-f]{32}|[0-9a-f]{16})$/i.test(value) ? value : undefined;
  const traceId =
    hex ?? GCP_TRACE.exec(value)?.[1] ?? awsTrace(value) ?? decimalTrace(/^\d{1,20}$/.exec(value)?.[0]);
  return traceId === undefined || ZEROS.test(traceId)
    ? undefined
    : { traceId: traceId.toLowerCase(), spanId: "" };
}

function readSpan(value: string): string {
  return /^[0-9a-f]{16}$/i.test(value) && !ZEROS.test(value) ? value.toLowerCase() : "";
}

function awsTrace(text: string): string | undefined {
  const found = AWS_TRACE.exec(text);
  return found === null ? undefined : found[1]! + found[2]!;
}

/** Datadog writes the lower 64 bits as a decimal number. */
function decimalTrace(digits: string | undefined): string | undefined {
  if (digits === undefined) return undefined;
  const hex = BigInt(digits).toString(16);
  return hex.length > 16 ? undefined : hex.padStart(16, "0");
}

function firstOf(attributes: Attributes, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = stringAttribute(attributes, key);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}
