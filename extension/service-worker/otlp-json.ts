import type { Attributes, AttributeValue, BrowserLog, BrowserRecord, BrowserSpan } from "../model/records.ts";

/*
 * OTLP 1.x as JSON (opentelemetry-proto, "JSON Protobuf encoding"): ids in hex, 64-bit numbers as decimal text.
 */

/** A record with what the worker knows of where it came from. */
export interface QueuedRecord {
  readonly record: BrowserRecord;
  readonly sessionId: string;
  /** Of the frame, masked. */
  readonly url: string;
}

interface KeyValue {
  readonly key: string;
  readonly value: object;
}

const SCOPE = "gasoline360";

/** Body of `POST /v1/traces`. */
export function tracesRequest(spans: readonly QueuedRecord[], resource: Attributes): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(resource) },
        scopeSpans: [
          {
            scope: { name: SCOPE },
            spans: spans.flatMap((queued) =>
              queued.record.kind === "span" ? [otlpSpan(queued.record, queued)] : [],
            ),
          },
        ],
      },
    ],
  };
}

/** Body of `POST /v1/logs`; an app's own events stand in a scope of their own. */
export function logsRequest(logs: readonly QueuedRecord[], resource: Attributes): object {
  const inScope = (scope: string): object[] =>
    logs.flatMap((queued) =>
      queued.record.kind === "log" && (queued.record.scope ?? SCOPE) === scope
        ? [otlpLog(queued.record, queued)]
        : [],
    );
  return {
    resourceLogs: [
      {
        resource: { attributes: keyValues(resource) },
        scopeLogs: [SCOPE, "gasoline.custom"]
          .map((name) => ({ scope: { name }, logRecords: inScope(name) }))
          .filter(({ logRecords }) => logRecords.length > 0),
      },
    ],
  };
}

function otlpSpan(span: BrowserSpan, queued: QueuedRecord): object {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: span.spanKind,
    startTimeUnixNano: span.startNs,
    endTimeUnixNano: span.endNs,
    attributes: keyValues(withOrigin(span.attributes, queued)),
    ...(span.error === undefined ? {} : { status: { code: 2, message: span.error } }),
    ...(span.links === undefined ? {} : { links: span.links }),
  };
}

function otlpLog(log: BrowserLog, queued: QueuedRecord): object {
  return {
    timeUnixNano: log.timeNs,
    observedTimeUnixNano: log.timeNs,
    severityNumber: log.severity,
    ...(log.eventName === "" ? {} : { eventName: log.eventName }),
    body: { stringValue: log.body },
    attributes: keyValues(withOrigin(log.attributes, queued)),
    ...(log.traceId === "" ? {} : { traceId: log.traceId, spanId: log.spanId }),
  };
}

function withOrigin(attributes: Attributes, { sessionId, url }: QueuedRecord): Attributes {
  return { "session.id": sessionId, ...(url === "" ? {} : { "url.full": url }), ...attributes };
}

function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (typeof value === "string") return { stringValue: value };
  return { arrayValue: { values: value.map((item) => ({ stringValue: item })) } };
}
