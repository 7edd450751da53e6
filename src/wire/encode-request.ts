import type { MetricHeader, ScopeGroup } from "../model/scan-table.ts";
import { ByteWriter } from "./byte-writer.ts";
import { fieldEnd, fieldNumber, payloadStart, varintEnd, varintValue } from "./cursor.ts";

/** One span or log record as stored: its message's bytes, and who sent it. */
export interface RawRecord {
  readonly group: ScopeGroup;
  readonly bytes: Uint8Array;
}

/** One data point as stored: its message's bytes, the metric it belongs to, and who sent it. */
export interface RawPoint extends RawRecord {
  readonly header: MetricHeader;
}

/**
 * ExportTraceServiceRequest bytes of these spans, in order. Consecutive spans of one `group` object share a
 * resource and scope entry. No records make an empty request: zero bytes. A `writer` is cleared and written to; the
 * bytes are then a view of it.
 */
export function encodeTraces(records: readonly RawRecord[], writer?: ByteWriter): Uint8Array {
  return encodeGroups(
    records,
    (out, group) => {
      for (const record of group) out.bytesField(2, record.bytes);
    },
    writer,
  );
}

/** `encodeTraces` for log records: ExportLogsServiceRequest has the same field numbers. */
export function encodeLogs(records: readonly RawRecord[], writer?: ByteWriter): Uint8Array {
  return encodeTraces(records, writer);
}

/**
 * ExportMetricsServiceRequest bytes of these points, in order. Consecutive points of one `group` share a resource
 * and scope entry, and those of one `header` object a Metric.
 */
export function encodeMetrics(points: readonly RawPoint[]): Uint8Array {
  return encodeGroups(points, (writer, group) => {
    for (const run of runsOf(group, (point) => point.header)) {
      writer.bytesField(2, encodeMetric(run[0]!.header, run));
    }
  });
}

/** Bytes of most messages' lengths; others are moved once they are known. */
const LENGTH_BYTES = 2;
/** Framing of a run: the tags and lengths around resource, scope and record. */
const FRAMING_BYTES = 64;

/** All in one writer, since neighbours seldom share a group: a writer for each message costs more than its bytes. */
function encodeGroups<Raw extends RawRecord>(
  records: readonly Raw[],
  writeRecords: (writer: ByteWriter, group: readonly Raw[]) => void,
  reused?: ByteWriter,
): Uint8Array {
  const bytes = records.reduce((sum, record) => sum + record.bytes.length + FRAMING_BYTES, 0);
  const writer = reused ?? new ByteWriter(bytes);
  writer.clear();
  writer.reserve(bytes);
  for (const run of runsOf(records, (record) => record.group)) {
    const { resource, resourceSchemaUrl, scope, scopeSchemaUrl } = run[0]!.group;
    const resourceEntry = writer.beginField(1, LENGTH_BYTES);
    writer.bytesField(1, resource);
    const scopeEntry = writer.beginField(2, LENGTH_BYTES);
    writer.bytesField(1, scope);
    writeRecords(writer, run);
    if (scopeSchemaUrl.length > 0) writer.bytesField(3, scopeSchemaUrl);
    writer.endMessage(scopeEntry, LENGTH_BYTES);
    if (resourceSchemaUrl.length > 0) writer.bytesField(3, resourceSchemaUrl);
    writer.endMessage(resourceEntry, LENGTH_BYTES);
  }
  return writer.finish();
}

/**
 * A Metric with the points in its data. They are written into the header's data message rather than beside it as a
 * second one: protobuf would merge the two, but not every receiver does.
 */
function encodeMetric(header: MetricHeader, points: readonly RawPoint[]): Uint8Array {
  const metric = new ByteWriter();
  const data = new ByteWriter();
  const bytes = header.bytes;
  const end = bytes.length;
  let p = 0;
  while (p < end) {
    const fieldAt = p;
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (fieldNumber(tag) === header.dataField) data.raw(bytes.subarray(payloadStart(bytes, valueAt, p), p));
    else metric.raw(bytes.subarray(fieldAt, p));
  }
  for (const point of points) data.bytesField(1, point.bytes);
  metric.bytesField(header.dataField, data.finish());
  return metric.finish();
}

/** Longest runs of neighbours with the same key (by identity). */
function runsOf<T>(items: readonly T[], keyOf: (item: T) => unknown): T[][] {
  const runs: T[][] = [];
  let key: unknown;
  for (const item of items) {
    const next = keyOf(item);
    const last = runs.at(-1);
    if (last !== undefined && next === key) last.push(item);
    else runs.push([item]);
    key = next;
  }
  return runs;
}
