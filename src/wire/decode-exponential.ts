import type { Exemplar } from "../model/metric.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { decodeKeyValue, newAttributes } from "./decode-attributes.ts";
import { decodeExemplar, newPoint, type PointData, valuesStart } from "./decode-point.ts";
import { sint32At, uint32At } from "./decode-scalars.ts";

/** Buckets of one sign: `counts[i]` is of bucket `offset + i`. */
interface Buckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

const NO_BUCKETS: Buckets = { offset: 0, counts: [] };

/**
 * ExponentialHistogramDataPoint {1 attributes, 2 start, 3 time, 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive,
 * 9 negative, 10 flags, 11 exemplars, 12 min, 13 max}, its buckets given as explicit bounds.
 */
export function decodeExponentialPoint(bytes: Buffer): PointData {
  const point = newPoint();
  const attributes = newAttributes();
  const exemplars: Exemplar[] = [];
  const end = bytes.length;
  let scale = 0;
  let zeroCount = 0;
  let positive = NO_BUCKETS;
  let negative = NO_BUCKETS;
  point.count = 0;
  let p = 0;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x0a) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, attributes);
    else if (tag === 0x11) point.startNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x19) point.timeNs = bytes.readBigUInt64LE(valueAt);
    else if (tag === 0x21) point.count = Number(bytes.readBigUInt64LE(valueAt));
    else if (tag === 0x29) point.sum = bytes.readDoubleLE(valueAt);
    else if (tag === 0x30) scale = sint32At(bytes, valueAt);
    else if (tag === 0x39) zeroCount = Number(bytes.readBigUInt64LE(valueAt));
    else if (tag === 0x42) positive = decodeBuckets(bytes, payloadStart(bytes, valueAt, p), p, positive);
    else if (tag === 0x4a) negative = decodeBuckets(bytes, payloadStart(bytes, valueAt, p), p, negative);
    else if (tag === 0x50) point.flags = uint32At(bytes, valueAt);
    else if (tag === 0x5a) exemplars.push(decodeExemplar(bytes, payloadStart(bytes, valueAt, p), p));
    else if (tag === 0x61) point.min = bytes.readDoubleLE(valueAt);
    else if (tag === 0x69) point.max = bytes.readDoubleLE(valueAt);
  }
  return { ...point, attributes, exemplars, ...explicitBuckets(scale, zeroCount, positive, negative) };
}

/** Buckets {1 offset, 2 bucket_counts}, added to what the same field said `before`. */
function decodeBuckets(bytes: Buffer, at: number, end: number, before: Buckets): Buckets {
  let offset = before.offset;
  const counts = [...before.counts];
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x08) {
      offset = sint32At(bytes, valueAt);
    } else if (tag === 0x12 || tag === 0x10) {
      for (let q = valuesStart(bytes, valueAt, p, tag); q < p; q = varintEnd(bytes, q, p)) {
        counts.push(varintValue(bytes, q));
      }
    }
  }
  return { offset, counts };
}

/**
 * Bucket `i` holds base^i < value <= base^(i+1), with base = 2^(2^-scale) (OTLP data model, ExponentialHistogram):
 *
 * ```
 *   below    negative, large to small     zero      positive, small to large     above
 *     0   │   n2   │   n1   │   n0   │   zeroCount   │   p0   │   p1   │   p2   │   0
 * ```
 * A side without buckets has no bounds, and the zero bucket is open to it.
 */
function explicitBuckets(
  scale: number,
  zeroCount: number,
  positive: Buckets,
  negative: Buckets,
): { bounds: number[]; counts: number[] } {
  const bound = (index: number): number => 2 ** (index * 2 ** -scale);
  const bounds: number[] = [];
  const counts: number[] = [];
  if (negative.counts.length > 0) {
    counts.push(0);
    for (let i = negative.counts.length; i > 0; i--) {
      bounds.push(-bound(negative.offset + i));
      counts.push(negative.counts[i - 1]!);
    }
    bounds.push(-bound(negative.offset));
  }
  counts.push(zeroCount);
  if (positive.counts.length > 0) {
    bounds.push(bound(positive.offset));
    positive.counts.forEach((count, i) => {
      counts.push(count);
      bounds.push(bound(positive.offset + i + 1));
    });
    counts.push(0);
  }
  return { bounds, counts };
}
