import { type AnyValue, type HrTime, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { Clock } from "../model/time.ts";
import { VERSION } from "../version.ts";
import { createSendQueue, type SendOutcome } from "./send-queue.ts";

type ReadableLogRecord = Parameters<OTLPLogExporter["export"]>[0][number];
type ReadableSpan = Parameters<OTLPTraceExporter["export"]>[0][number];
type Resource = ReadableLogRecord["resource"];

/** Attribute values that can be sent: whatever JSON can hold. Nested objects become OTLP key-value lists. */
export type SendableAttributes = { readonly [key: string]: AnyValue };

/** A log record to send. Times are [seconds, nanoseconds] since 1970; ids are lower-case hex, `""` when unknown. */
export interface LogToSend {
  /** When it happened; absent: when `log` was called. */
  readonly time?: HrTime | undefined;
  readonly severity: number;
  readonly severityText?: string;
  readonly eventName?: string;
  readonly body: AnyValue;
  readonly attributes: SendableAttributes;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly flags?: number;
}

/** A span to send, ended. Ids are lower-case hex; no `parentSpanId` makes it a root. Status is unset unless given. */
export interface SpanToSend {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  readonly kind?: SpanKind;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly attributes: SendableAttributes;
  readonly status?: { readonly code: SpanStatusCode; readonly message?: string };
  readonly events?: readonly {
    readonly time: HrTime;
    readonly name: string;
    readonly attributes: SendableAttributes;
  }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** What sends for one resource (one service, container or file). */
export interface OtlpSource {
  log(record: LogToSend): void;
  span(span: SpanToSend): void;
}

/** Counts since the client was made. `dropped` is of records that were never delivered, for `droppedReason`. */
export interface ClientStats {
  readonly sent: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly droppedReason: string;
}

/**
 * The one OTLP client of all adapters. Records wait in a bounded queue and go out in batches through the
 * OpenTelemetry exporters; a call never blocks and never throws. While no daemon answers they are kept, the oldest
 * making room for the newest, and what is dropped is counted.
 */
export interface OtlpClient {
  /** `resource` should hold `service.name`; records of one source share one OTLP resource and scope. */
  source(resource: SendableAttributes): OtlpSource;
  /** False while much waits: a source that can wait without harm (a file) should, and then loses nothing. */
  hasRoom(): boolean;
  stats(): ClientStats;
  /** Resolves true when nothing waits, false when there is no daemon or `capMs` passed first. */
  flush(capMs: number): Promise<boolean>;
  /** Flushes, then counts what still waits as dropped. Returns the final counts. */
  close(capMs: number): Promise<ClientStats>;
}

export interface OtlpClientOptions {
  /**
   * Base URL of the daemon, or `undefined` while there is none. Asked before the first batch and again after one
   * that could not be delivered, so that a daemon that starts later, or on another port, is found.
   */
  readonly endpoint: () => Promise<string | undefined>;
  /** `""` when none is required. */
  readonly apiKey: string;
  readonly clock: Clock;
  /** Bytes of records that may wait, approximately. */
  readonly queueBytesMax?: number;
}

const QUEUE_BYTES_MAX = 32 * 1024 ** 2;
/** What a record takes beside its texts: object, attributes, place in the queue. */
const RECORD_BYTES = 300;
/** Per request; the exporter retries once inside it, then the batch returns to the queue. */
const REQUEST_TIMEOUT_MS = 2_000;

export function createOtlpClient(options: OtlpClientOptions): OtlpClient {
  const { clock, apiKey } = options;
  const headers = apiKey === "" ? {} : { "x-api-key": apiKey };
  const settings = { headers, timeoutMillis: REQUEST_TIMEOUT_MS };
  const bytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX;

  const logs = createSendQueue<ReadableLogRecord>({
    bytesMax,
    endpoint: options.endpoint,
    connect: (url) => sender(new OTLPLogExporter({ ...settings, url: `${url}/v1/logs` })),
  });
  const spans = createSendQueue<ReadableSpan>({
    bytesMax,
    endpoint: options.endpoint,
    connect: (url) => sender(new OTLPTraceExporter({ ...settings, url: `${url}/v1/traces` })),
  });

  function stats(): ClientStats {
    const [ofLogs, ofSpans] = [logs.stats(), spans.stats()];
    return {
      sent: ofLogs.sent + ofSpans.sent,
      waiting: ofLogs.waiting + ofSpans.waiting,
      dropped: ofLogs.dropped + ofSpans.dropped,
      droppedReason: ofLogs.droppedReason || ofSpans.droppedReason,
    };
  }

  async function flush(capMs: number): Promise<boolean> {
    const flushed = await Promise.all([logs.flush(capMs), spans.flush(capMs)]);
    return flushed.every(Boolean);
  }

  return {
    source: (attributes) => {
      const resource = resourceOf(attributes);
      return {
        log: (record) => logs.push(readableLog(record, resource, clock), logBytes(record)),
        span: (span) => spans.push(readableSpan(span, resource), RECORD_BYTES * 2),
      };
    },
    hasRoom: () => logs.hasRoom() && spans.hasRoom(),
    stats,
    flush,
    close: async (capMs) => {
      await flush(capMs);
      logs.close();
      spans.close();
      return stats();
    },
  };
}

/** One attempt to deliver a batch with an exporter of the SDK. */
function sender<T>(exporter: {
  export(items: T[], done: (result: { code: number; error?: Error }) => void): void;
}): (items: T[]) => Promise<SendOutcome> {
  return (items) =>
    new Promise((resolve) => {
      exporter.export(items, ({ code, error }) => {
        if (code === 0) resolve({ delivered: true });
        else
          resolve({ delivered: false, again: !isRefusal(error), reason: error?.message ?? "export failed" });
      });
    });
}

/** True when the daemon answered and will answer the same again (400, 401, 413 …): no use in trying once more. */
function isRefusal(error: Error | undefined): boolean {
  return error !== undefined && "code" in error && typeof error.code === "number";
}

const SCOPE = { name: "gasoline360", version: VERSION };

/** The SDK's own constructor of resources is in a package that is not a direct dependency; exporters read no more. */
function resourceOf(attributes: SendableAttributes): Resource {
  const resource: Resource = {
    attributes: sdkAttributes(attributes),
    merge: () => resource,
    getRawAttributes: () => [],
  };
  return resource;
}

/** The SDK's type of attributes leaves nested values out, its serializer does not. */
function sdkAttributes(attributes: SendableAttributes): ReadableLogRecord["attributes"] {
  return attributes as ReadableLogRecord["attributes"];
}

function readableLog(record: LogToSend, resource: Resource, clock: Clock): ReadableLogRecord {
  const observed = hrTimeOfMs(clock.nowMs());
  const traced = record.traceId !== undefined && record.traceId !== "";
  return {
    hrTime: record.time ?? observed,
    hrTimeObserved: observed,
    severityNumber: record.severity,
    ...(record.severityText === undefined ? {} : { severityText: record.severityText }),
    ...(record.eventName === undefined ? {} : { eventName: record.eventName }),
    ...(traced
      ? {
          spanContext: {
            traceId: record.traceId,
            spanId: record.spanId ?? "",
            traceFlags: record.flags ?? 0,
          },
        }
      : {}),
    body: record.body,
    attributes: sdkAttributes(record.attributes),
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: SCOPE,
  };
}

function readableSpan(span: SpanToSend, resource: Resource): ReadableSpan {
  const context = (spanId: string, traceId = span.traceId) => ({ traceId, spanId, traceFlags: 1 });
  return {
    name: span.name,
    kind: span.kind ?? SpanKind.INTERNAL,
    spanContext: () => context(span.spanId),
    ...(span.parentSpanId === undefined ? {} : { parentSpanContext: context(span.parentSpanId) }),
    startTime: span.start,
    endTime: span.end,
    duration: [0, 0],
    ended: true,
    status: span.status ?? { code: SpanStatusCode.UNSET },
    attributes: sdkAttributes(span.attributes),
    events: (span.events ?? []).map(({ time, name, attributes }) => ({
      time,
      name,
      attributes: sdkAttributes(attributes),
    })),
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ context: context(spanId, traceId) })),
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Near enough: the texts that can be long, and an estimate of the rest. */
function logBytes(record: LogToSend): number {
  let bytes = RECORD_BYTES + (typeof record.body === "string" ? record.body.length : 0);
  for (const key of LONG_TEXTS) {
    const text = record.attributes[key];
    if (typeof text === "string") bytes += text.length;
  }
  return bytes;
}

const LONG_TEXTS = ["log.record.original", "exception.stacktrace", "exception.message"];

/** Unix milliseconds, with their fraction, as [seconds, nanoseconds]. */
export function hrTimeOfMs(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
