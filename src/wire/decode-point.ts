import type { Exemplar, MetricPoint } from "../model/metric.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { decodeKeyValue, newAttributes } from "./decode-attributes.ts";
import { idAt, numberIfExact, uint32At } from "./decode-scalars.ts";
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from "./scan-words.ts";

/** What a data point says by itself, without its metric. */
export type PointData = Omit<
  MetricPoint,
  "kind" | "name" | "description" | "unit" | "type" | "temporality" | "monotonic" | "resource" | "scope"
>;

/** A point being filled. */
export type PointDraft = { -readonly [K in keyof PointData]: PointData[K] };

/** DataPointFlags: the point says that there is no value, which ends a series. */
const NO_RECORDED_VALUE = 1;

/** A point with nothing set yet. */
export function newPoint(): PointDraft {
  return { startNs: 0n, timeNs: 0n, flags: 0, attributes: newAttributes(), value: null, exemplars: [] };
}

/** NumberDataPoint {2 start, 3 time, 4 as_double, 5 exemplars, 6 as_int, 7 attributes, 8 flags}. */
export function decodeNumberPoint(bytes: Buffer): PointData {
  const point = newPoint();
  const attributes = newAttributes();
  const exemplars: Exemplar[] = [];
  const end = bytes.length;
  let p = 0;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x11) point.startNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x19) point.timeNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x21) point.value = bytes.readDoubleLE(valueAt);
    else if (tag === 0x2a) exemplars.push(decodeExemplar(bytes, payloadStart(bytes, valueAt, p), p));
    else if (tag === 0x31) point.value = numberIfExact(bytes.readBigInt64LE(valueAt));
    else if (tag === 0x3a) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, attributes);
    else if (tag === 0x40) point.flags = uint32At(bytes, valueAt);
  }
  if ((point.flags & NO_RECORDED_VALUE) !== 0) point.value = null;
  return { ...point, attributes, exemplars };
}

/**
 * HistogramDataPoint {2 start, 3 time, 4 count, 5 sum, 6 bucket_counts, 7 explicit_bounds, 8 exemplars,
 * 9 attributes, 10 flags, 11 min, 12 max}.
 */
export function decodeHistogramPoint(bytes: Buffer): PointData {
  const point = newPoint();
  const attributes = newAttributes();
  const exemplars: Exemplar[] = [];
  const bounds: number[] = [];
  const counts: number[] = [];
  const end = bytes.length;
  point.count = 0;
  let p = 0;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x11) point.startNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x19) point.timeNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x21) point.count = Number(bytes.readBigUInt64LE(valueAt));
    else if (tag === 0x29) point.sum = bytes.readDoubleLE(valueAt);
    else if (tag === 0x32 || tag === 0x31) {
      for (let q = valuesStart(bytes, valueAt, p, tag); q < p; q += 8) {
        counts.push(Number(bytes.readBigUInt64LE(q)));
      }
    } else if (tag === 0x3a || tag === 0x39) {
      for (let q = valuesStart(bytes, valueAt, p, tag); q < p; q += 8) bounds.push(bytes.readDoubleLE(q));
    } else if (tag === 0x42) exemplars.push(decodeExemplar(bytes, payloadStart(bytes, valueAt, p), p));
    else if (tag === 0x4a) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, attributes);
    else if (tag === 0x50) point.flags = uint32At(bytes, valueAt);
    else if (tag === 0x59) point.min = bytes.readDoubleLE(valueAt);
    else if (tag === 0x61) point.max = bytes.readDoubleLE(valueAt);
  }
  return { ...point, attributes, exemplars, bounds, counts };
}

/** SummaryDataPoint {2 start, 3 time, 4 count, 5 sum, 6 quantile_values {1, 2}, 7 attributes, 8 flags}. */
export function decodeSummaryPoint(bytes: Buffer): PointData {
  const point = newPoint();
  const attributes = newAttributes();
  const quantiles: { quantile: number; value: number }[] = [];
  const end = bytes.length;
  point.count = 0;
  point.sum = 0;
  let p = 0;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x11) point.startNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x19) point.timeNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x21) point.count = Number(bytes.readBigUInt64LE(valueAt));
    else if (tag === 0x29) point.sum = bytes.readDoubleLE(valueAt);
    else if (tag === 0x32) quantiles.push(decodeQuantile(bytes, payloadStart(bytes, valueAt, p), p));
    else if (tag === 0x3a) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, attributes);
    else if (tag === 0x40) point.flags = uint32At(bytes, valueAt);
  }
  return { ...point, attributes, quantiles };
}

/**
 * First value of a repeated number: in the payload when the field is packed (wire type 2), at `valueAt` when it is
 * one value. Parsers must take both.
 */
export function valuesStart(bytes: Buffer, valueAt: number, end: number, tag: number): number {
  return (tag & 7) === 2 ? payloadStart(bytes, valueAt, end) : valueAt;
}

/** Exemplar {2 time, 3 as_double, 4 span_id, 5 trace_id, 6 as_int, 7 filtered_attributes}. */
export function decodeExemplar(bytes: Buffer, at: number, end: number): Exemplar {
  let timeNs = 0n;
  let value: number | bigint = 0;
  let traceId = "";
  let spanId = "";
  const attributes = newAttributes();
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x11) timeNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x19) value = bytes.readDoubleLE(valueAt);
    else if (tag === 0x22) spanId = idAt(bytes, valueAt, p, SPAN_ID_BYTES);
    else if (tag === 0x2a) traceId = idAt(bytes, valueAt, p, TRACE_ID_BYTES);
    else if (tag === 0x31) value = numberIfExact(bytes.readBigInt64LE(valueAt));
    else if (tag === 0x3a) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, attributes);
  }
  return { timeNs, value, traceId, spanId, attributes };
}

function decodeQuantile(bytes: Buffer, at: number, end: number): { quantile: number; value: number } {
  let quantile = 0;
  let value = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x09) quantile = bytes.readDoubleLE(valueAt);
    else if (tag === 0x11) value = bytes.readDoubleLE(valueAt);
  }
  return { quantile, value };
}
