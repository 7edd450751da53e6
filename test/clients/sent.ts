import type { AttributeValue } from "../../src/model/attributes.ts";
import type { StoredLog, StoredPoint, StoredSpan } from "../../src/store/telemetry-store.ts";

/** What a client says it sent through one exporter. Times and integers above 2^53 are text. */
export interface Sent {
  readonly service: string;
  readonly spans: readonly SentRecord[];
  readonly logs: readonly SentRecord[];
  readonly metrics: readonly SentRecord[];
}

export type SentRecord = { readonly [field: string]: unknown };

/** The lines that a client printed. */
export function parseSent(output: string): Sent[] {
  return output
    .trim()
    .split("\n")
    .map((line): Sent => JSON.parse(line));
}

/** A stored span in the words of `Sent`. */
export function spanAsSent(span: StoredSpan): SentRecord {
  const { traceId, spanId, parentSpanId, name, statusCode, statusMessage } = span;
  return {
    traceId,
    spanId,
    parentSpanId,
    name,
    kind: span.spanKind,
    startNs: String(span.startNs),
    endNs: String(span.endNs),
    statusCode,
    statusMessage,
    attributes: asJson(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeNs: String(event.timeNs),
      attributes: asJson(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      attributes: asJson(link.attributes),
    })),
  };
}

/** A stored log in the words of `Sent`. */
export function logAsSent(log: StoredLog): SentRecord {
  const { traceId, spanId, severity, severityText } = log;
  return {
    traceId,
    spanId,
    timeNs: String(log.timeNs),
    severity,
    severityText,
    body: asJson(log.body),
    attributes: asJson(log.attributes),
  };
}

/** A stored point in the words of `Sent`: a histogram by its count and sum, the others by their value. */
export function pointAsSent(point: StoredPoint): SentRecord {
  const { name, type } = point;
  const attributes = asJson(point.attributes);
  if (type === "histogram") return { name, type, count: point.count, sum: point.sum, attributes };
  return { name, type, value: point.value, attributes };
}

/** A value as JSON would hold it: integers above 2^53 as text, attributes with a prototype. */
function asJson(value: AttributeValue): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map(asJson);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item)]));
}
