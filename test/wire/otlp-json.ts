import type { AttributeValue } from "../../src/model/attributes.ts";
import { SPAN_KINDS, STATUS_CODES } from "../../src/model/span.ts";
import {
  type AttributesSpec,
  DEFAULT_START_NS,
  DEFAULT_TRACE_ID,
  type LogSpec,
  type MetricSpec,
  type RecordSpec,
  type SpanSpec,
} from "../support/otlp-build.ts";

/** The same requests as the test builder makes, as OTLP/JSON objects for JSON.stringify. One entry a record. */

export function tracesJson(spans: readonly SpanSpec[]): object {
  return { resourceSpans: spans.map((span, i) => entry(span, "scopeSpans", "spans", spanJson(span, i))) };
}

export function logsJson(logs: readonly LogSpec[]): object {
  return { resourceLogs: logs.map((log, i) => entry(log, "scopeLogs", "logRecords", logJson(log, i))) };
}

export function metricsJson(metrics: readonly MetricSpec[]): object {
  return { resourceMetrics: metrics.map((each) => entry(each, "scopeMetrics", "metrics", metricJson(each))) };
}

function entry(spec: RecordSpec, scopes: string, records: string, record: object): object {
  const { name = "test-scope", version } = spec.scope ?? {};
  return {
    [scopes]: [{ scope: { name, version }, [records]: [record] }],
    resource: { attributes: keyValues(spec.resource ?? { "service.name": "shop" }) },
  };
}

function spanJson(span: SpanSpec, position: number): object {
  const startNs = span.startNs ?? DEFAULT_START_NS + BigInt(position) * 1_000_000n;
  return {
    traceId: (span.traceId ?? DEFAULT_TRACE_ID).toUpperCase(),
    spanId: span.spanId ?? (position + 1).toString(16).padStart(16, "0"),
    parentSpanId: span.parentSpanId ?? "",
    traceState: span.traceState,
    name: span.name ?? "operation",
    kind: SPAN_KINDS.indexOf(span.kind ?? "internal"),
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(span.endNs ?? BigInt.asUintN(64, startNs + 1_000_000n)),
    attributes: keyValues(span.attributes),
    droppedAttributesCount: 0,
    events: (span.events ?? []).map((event) => ({
      timeUnixNano: String(event.timeNs ?? startNs),
      name: event.name ?? "event",
      attributes: keyValues(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({ ...link, attributes: keyValues(link.attributes) })),
    status: span.status && {
      code: STATUS_CODES.indexOf(span.status.code ?? "unset"),
      message: span.status.message,
    },
    flags: span.flags,
  };
}

function logJson(log: LogSpec, position: number): object {
  return {
    timeUnixNano: String(log.timeNs ?? DEFAULT_START_NS + BigInt(position) * 1_000_000n),
    observedTimeUnixNano: String(log.observedNs ?? 0n),
    severityNumber: log.severity,
    severityText: log.severityText,
    eventName: log.eventName,
    body: log.body === undefined ? undefined : anyValueJson(log.body),
    attributes: keyValues(log.attributes),
    traceId: log.traceId,
    spanId: log.spanId,
    flags: log.flags,
  };
}

function metricJson(metric: MetricSpec): object {
  const { name, description, unit, gauge, sum, histogram } = metric;
  return {
    name,
    description,
    unit,
    gauge: gauge && { dataPoints: gauge.map(pointJson) },
    sum: sum && {
      dataPoints: sum.points.map(pointJson),
      aggregationTemporality: sum.temporality ?? 2,
      isMonotonic: sum.monotonic ?? true,
    },
    histogram: histogram && {
      dataPoints: histogram.points.map(pointJson),
      aggregationTemporality: histogram.temporality ?? 2,
    },
  };
}

type Point = Omit<NonNullable<MetricSpec["gauge"]>[number], "value"> & {
  readonly value?: number | bigint;
  readonly count?: number;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bounds?: readonly number[];
  readonly counts?: readonly number[];
};

function pointJson(point: Point): object {
  return {
    startTimeUnixNano: String(point.startNs ?? 0n),
    timeUnixNano: String(point.timeNs),
    attributes: keyValues(point.attributes),
    flags: point.flags,
    exemplars: point.exemplars?.map((exemplar) => ({
      timeUnixNano: String(exemplar.timeNs ?? 0n),
      asDouble: doubleJson(exemplar.value),
      traceId: exemplar.traceId,
      spanId: exemplar.spanId,
    })),
    asInt: typeof point.value === "bigint" ? String(point.value) : undefined,
    asDouble: typeof point.value === "number" ? doubleJson(point.value) : undefined,
    count: point.count === undefined ? undefined : String(point.count),
    sum: doubleJson(point.sum),
    min: doubleJson(point.min),
    max: doubleJson(point.max),
    explicitBounds: point.bounds?.map(doubleJson),
    bucketCounts: point.counts?.map(String),
  };
}

function keyValues(attributes: AttributesSpec | undefined): object[] {
  return Object.entries(attributes ?? {}).map(([key, value]) => ({ key, value: anyValueJson(value) }));
}

function anyValueJson(value: AttributeValue): object {
  if (value === null) return {};
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "bigint") return { intValue: String(value) };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: doubleJson(value) };
  }
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) {
    return { arrayValue: { values: (value as readonly AttributeValue[]).map(anyValueJson) } };
  }
  return { kvlistValue: { values: keyValues(value as AttributesSpec) } };
}

/** JSON has no NaN, no infinities and, as JSON.stringify writes it, no -0. */
function doubleJson(value: number | undefined): number | string | undefined {
  if (value === undefined || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}
