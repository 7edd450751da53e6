/**
 * Durations counted in buckets whose width grows with the value, so that a summary of any number of spans stays
 * small and two of them can be added up:
 *
 * ```
 *  bucket b holds values around 1 µs · 2^(b/16), so neighbours are 4.4 % apart:  0 → 1 µs   160 → 1.02 ms   320 → 1.05 s
 *  buckets  [[b, count], …] ascending by b, no empty ones. All below 1 µs count as 1 µs.
 * ```
 * Serialises as JSON as it stands.
 */
export interface LogHistogram {
  readonly count: number;
  /** Sum of the values in ns, exact up to 2^53. */
  readonly sumNs: number;
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
}

const BUCKETS_PER_DOUBLING = 16;
const FLOOR_NS = 1_000;
/** Natural logarithm of the ratio between neighbouring buckets. */
const BUCKET_LOG = Math.LN2 / BUCKETS_PER_DOUBLING;

/** Nothing counted yet. */
export const EMPTY_HISTOGRAM: LogHistogram = { count: 0, sumNs: 0, buckets: [] };

function bucketOf(valueNs: number): number {
  return valueNs <= FLOOR_NS ? 0 : Math.round(Math.log2(valueNs / FLOOR_NS) * BUCKETS_PER_DOUBLING);
}

/** The value in ns that stands for a bucket. */
export function bucketNs(bucket: number): number {
  return FLOOR_NS * 2 ** (bucket / BUCKETS_PER_DOUBLING);
}

/** Counts values in ns; negative ones count as 0. */
export function histogramOf(valuesNs: Iterable<number>): LogHistogram {
  const counts = new Map<number, number>();
  let count = 0;
  let sumNs = 0;
  for (const value of valuesNs) {
    const bucket = bucketOf(value);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    count += 1;
    sumNs += Math.max(0, value);
  }
  return { count, sumNs, buckets: sortBuckets(counts) };
}

/** Both together. */
export function mergeHistograms(a: LogHistogram, b: LogHistogram): LogHistogram {
  const counts = new Map(a.buckets);
  for (const [bucket, count] of b.buckets) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  return { count: a.count + b.count, sumNs: a.sumNs + b.sumNs, buckets: sortBuckets(counts) };
}

/** The value in ns that `share` (0 to 1) of the values do not exceed, to within 2.2 %; NaN without values. */
export function histogramQuantile(histogram: LogHistogram, share: number): number {
  const bucket = quantileBucket(histogram.buckets, histogram.count, share);
  return bucket === undefined ? Number.NaN : bucketNs(bucket);
}

/** Robust spread of the values' logarithms: 1.4826 × the median distance from the median (natural log); 0 without values. */
export function histogramLogSpread(histogram: LogHistogram): number {
  const middle = quantileBucket(histogram.buckets, histogram.count, 0.5);
  if (middle === undefined) return 0;
  const distances = new Map<number, number>();
  for (const [bucket, count] of histogram.buckets) {
    const distance = Math.abs(bucket - middle);
    distances.set(distance, (distances.get(distance) ?? 0) + count);
  }
  return 1.4826 * BUCKET_LOG * quantileBucket(sortBuckets(distances), histogram.count, 0.5)!;
}

function quantileBucket(buckets: LogHistogram["buckets"], count: number, share: number): number | undefined {
  const rank = Math.min(count, Math.max(1, Math.floor(share * count) + 1));
  let seen = 0;
  for (const [bucket, inBucket] of buckets) {
    seen += inBucket;
    if (seen >= rank) return bucket;
  }
  return undefined;
}

function sortBuckets(counts: Map<number, number>): [number, number][] {
  return [...counts].sort((a, b) => a[0] - b[0]);
}
