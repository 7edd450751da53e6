import type { AttributeValue } from "../../src/model/attributes.ts";
import { SPAN_KINDS, type SpanKind, STATUS_CODES, type StatusCode } from "../../src/model/span.ts";
import { ProtoWriter } from "./proto-writer.ts";

/**
 * OTLP requests from plain objects, for tests and benchmarks. Everything has a default; consecutive records with
 * the same `resource` and `scope` (compared by value) share one entry, as an exporter's batch does.
 */
export interface RecordSpec {
  /** Resource attributes; `{ "service.name": "shop" }` when absent. */
  readonly resource?: AttributesSpec;
  readonly scope?: { readonly name?: string; readonly version?: string };
}

/** Integral numbers and bigints become ints, other numbers doubles. */
export type AttributesSpec = { readonly [key: string]: AttributeValue };

export interface SpanSpec extends RecordSpec {
  /** Hex. Default: trace 1, and a span id from the span's position in the request. */
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly name?: string;
  readonly kind?: SpanKind;
  /** Default: 2026-01-01T00:00:00Z plus one millisecond a position. */
  readonly startNs?: bigint;
  /** Default: one millisecond after the start. */
  readonly endNs?: bigint;
  readonly attributes?: AttributesSpec;
  readonly events?: readonly {
    readonly name?: string;
    readonly timeNs?: bigint;
    readonly attributes?: AttributesSpec;
  }[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes?: AttributesSpec;
  }[];
  readonly status?: { readonly code?: StatusCode; readonly message?: string };
}

export interface LogSpec extends RecordSpec {
  readonly traceId?: string;
  readonly spanId?: string;
  readonly flags?: number;
  /** Default: as a span's start. */
  readonly timeNs?: bigint;
  readonly observedNs?: bigint;
  readonly severity?: number;
  readonly severityText?: string;
  readonly eventName?: string;
  readonly body?: AttributeValue;
  readonly attributes?: AttributesSpec;
}

interface PointSpec {
  readonly startNs?: bigint;
  readonly timeNs?: bigint;
  readonly attributes?: AttributesSpec;
  readonly flags?: number;
  readonly exemplars?: readonly {
    readonly timeNs?: bigint;
    readonly value: number;
    readonly traceId?: string;
    readonly spanId?: string;
  }[];
}

interface NumberPointSpec extends PointSpec {
  /** A bigint is as_int, a number as_double; absent is a point without a value. */
  readonly value?: number | bigint;
}

interface HistogramPointSpec extends PointSpec {
  readonly count: number;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bounds?: readonly number[];
  readonly counts?: readonly number[];
}

type Temporality = 0 | 1 | 2;

export interface MetricSpec extends RecordSpec {
  readonly name?: string;
  readonly description?: string;
  readonly unit?: string;
  readonly gauge?: readonly NumberPointSpec[];
  readonly sum?: {
    readonly points: readonly NumberPointSpec[];
    readonly temporality?: Temporality;
    readonly monotonic?: boolean;
  };
  readonly histogram?: { readonly points: readonly HistogramPointSpec[]; readonly temporality?: Temporality };
}

export const DEFAULT_TRACE_ID = "00000000000000000000000000000001";
/** 2026-01-01T00:00:00Z. */
export const DEFAULT_START_NS = 1_767_225_600_000_000_000n;
const MS = 1_000_000n;

/** ExportTraceServiceRequest bytes. */
export function buildTracesRequest(spans: readonly SpanSpec[]): Uint8Array {
  return request(spans, buildSpan);
}

/** ExportLogsServiceRequest bytes. */
export function buildLogsRequest(logs: readonly LogSpec[]): Uint8Array {
  return request(logs, buildLog);
}

/** ExportMetricsServiceRequest bytes. */
export function buildMetricsRequest(metrics: readonly MetricSpec[]): Uint8Array {
  return request(metrics, buildMetric);
}

/** Span message bytes; `position` makes the default ids and times. */
export function buildSpan(span: SpanSpec, position = 0): Uint8Array {
  const startNs = span.startNs ?? DEFAULT_START_NS + BigInt(position) * MS;
  const writer = new ProtoWriter()
    .hex(1, span.traceId ?? DEFAULT_TRACE_ID)
    .hex(2, span.spanId ?? (position + 1).toString(16).padStart(16, "0"))
    .text(3, span.traceState)
    .hex(4, span.parentSpanId)
    .text(5, span.name ?? "operation")
    .varint(6, SPAN_KINDS.indexOf(span.kind ?? "internal"))
    .fixed64(7, startNs)
    .fixed64(8, span.endNs ?? startNs + MS);
  writeAttributes(writer, 9, span.attributes);
  for (const event of span.events ?? []) {
    const nested = new ProtoWriter().fixed64(1, event.timeNs ?? startNs).text(2, event.name ?? "event");
    writer.message(11, writeAttributes(nested, 3, event.attributes));
  }
  for (const link of span.links ?? []) {
    const nested = new ProtoWriter().hex(1, link.traceId).hex(2, link.spanId);
    writer.message(13, writeAttributes(nested, 4, link.attributes));
  }
  if (span.status !== undefined) {
    const code = STATUS_CODES.indexOf(span.status.code ?? "unset");
    writer.message(15, new ProtoWriter().text(2, span.status.message).varint(3, code));
  }
  return writer.fixed32(16, span.flags).finish();
}

/** LogRecord message bytes. */
export function buildLog(log: LogSpec, position = 0): Uint8Array {
  const writer = new ProtoWriter()
    .fixed64(1, log.timeNs ?? DEFAULT_START_NS + BigInt(position) * MS)
    .varint(2, log.severity)
    .text(3, log.severityText);
  if (log.body !== undefined) writer.message(5, anyValue(log.body));
  return writeAttributes(writer, 6, log.attributes)
    .fixed32(8, log.flags)
    .hex(9, log.traceId)
    .hex(10, log.spanId)
    .fixed64(11, log.observedNs)
    .text(12, log.eventName)
    .finish();
}

/** Metric message bytes, data points included. */
function buildMetric(metric: MetricSpec, position = 0): Uint8Array {
  const writer = new ProtoWriter()
    .text(1, metric.name ?? "metric")
    .text(2, metric.description)
    .text(3, metric.unit);
  if (metric.gauge !== undefined) {
    const gauge = new ProtoWriter();
    for (const point of metric.gauge) gauge.message(1, numberPoint(point, position));
    writer.message(5, gauge);
  }
  if (metric.sum !== undefined) {
    const sum = new ProtoWriter();
    for (const point of metric.sum.points) sum.message(1, numberPoint(point, position));
    writer.message(7, sum.varint(2, metric.sum.temporality ?? 2).varint(3, metric.sum.monotonic ?? true));
  }
  if (metric.histogram !== undefined) {
    const histogram = new ProtoWriter();
    for (const point of metric.histogram.points) histogram.message(1, histogramPoint(point, position));
    writer.message(9, histogram.varint(2, metric.histogram.temporality ?? 2));
  }
  return writer.finish();
}

/** AnyValue message. */
export function anyValue(value: AttributeValue): ProtoWriter {
  const writer = new ProtoWriter();
  if (value === null) return writer;
  if (typeof value === "string") return writer.text(1, value);
  if (typeof value === "boolean") return writer.varint(2, value);
  if (typeof value === "bigint") return writer.varint(3, value);
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? writer.varint(3, value) : writer.double(4, value);
  }
  if (value instanceof Uint8Array) return writer.bytes(7, value);
  if (Array.isArray(value)) {
    const list = new ProtoWriter();
    for (const each of value as readonly AttributeValue[]) list.message(1, anyValue(each));
    return writer.message(5, list);
  }
  return writer.message(6, writeAttributes(new ProtoWriter(), 1, value as AttributesSpec));
}

/** Appends KeyValue messages as `field`. */
export function writeAttributes(
  writer: ProtoWriter,
  field: number,
  attributes: AttributesSpec | undefined,
): ProtoWriter {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    writer.message(field, new ProtoWriter().text(1, key).message(2, anyValue(value)));
  }
  return writer;
}

function numberPoint(point: NumberPointSpec, position: number): ProtoWriter {
  const writer = pointTimes(point, position);
  if (typeof point.value === "bigint") writer.fixed64(6, point.value);
  else writer.double(4, point.value);
  writeExemplars(writer, 5, point);
  return writeAttributes(writer, 7, point.attributes).varint(8, point.flags);
}

function histogramPoint(point: HistogramPointSpec, position: number): ProtoWriter {
  const writer = pointTimes(point, position).fixed64(4, point.count).double(5, point.sum);
  const counts = new ProtoWriter();
  for (const count of point.counts ?? []) counts.raw(new ProtoWriter().fixed64(1, count).finish().slice(1));
  const bounds = new ProtoWriter();
  for (const bound of point.bounds ?? []) bounds.raw(new ProtoWriter().double(1, bound).finish().slice(1));
  writer.message(6, counts).message(7, bounds);
  writeExemplars(writer, 8, point);
  return writeAttributes(writer, 9, point.attributes)
    .varint(10, point.flags)
    .double(11, point.min)
    .double(12, point.max);
}

function pointTimes(point: PointSpec, position: number): ProtoWriter {
  const timeNs = point.timeNs ?? DEFAULT_START_NS + BigInt(position) * MS;
  return new ProtoWriter().fixed64(2, point.startNs).fixed64(3, timeNs);
}

function writeExemplars(writer: ProtoWriter, field: number, point: PointSpec): void {
  for (const exemplar of point.exemplars ?? []) {
    const nested = new ProtoWriter()
      .fixed64(2, exemplar.timeNs)
      .double(3, exemplar.value)
      .hex(4, exemplar.spanId)
      .hex(5, exemplar.traceId);
    writer.message(field, nested);
  }
}

function request<Spec extends RecordSpec>(
  records: readonly Spec[],
  build: (record: Spec, position: number) => Uint8Array,
): Uint8Array {
  const writer = new ProtoWriter();
  for (let first = 0; first < records.length; ) {
    const group = groupOf(records[first]!);
    const scopeEntry = group.scope;
    let next = first;
    while (next < records.length && sameGroup(records[first]!, records[next]!)) {
      scopeEntry.bytes(2, build(records[next]!, next));
      next++;
    }
    writer.message(1, new ProtoWriter().message(1, group.resource).message(2, scopeEntry));
    first = next;
  }
  return writer.finish();
}

function groupOf(record: RecordSpec): { resource: ProtoWriter; scope: ProtoWriter } {
  const resource = writeAttributes(new ProtoWriter(), 1, record.resource ?? { "service.name": "shop" });
  const scope = new ProtoWriter().text(1, record.scope?.name ?? "test-scope").text(2, record.scope?.version);
  return { resource, scope: new ProtoWriter().message(1, scope) };
}

function sameGroup(a: RecordSpec, b: RecordSpec): boolean {
  if (a.resource === b.resource && a.scope === b.scope) return true;
  const [left, right] = [groupOf(a), groupOf(b)];
  return (
    Buffer.compare(left.resource.finish(), right.resource.finish()) === 0 &&
    Buffer.compare(left.scope.finish(), right.scope.finish()) === 0
  );
}
