const BUCKET_NS = 10_000_000_000;
/** 28 hours of buckets: longer than the TTL. */
const BUCKETS = 10_240;
const HOUR_NS = 3_600_000_000_000;

/**
 * How many records a stream lost, by their own time, so that a reply can say what is missing from the window it
 * shows. Counts lie in 10-second buckets; those older than the buckets reach, and times that cannot be (before
 * them or over an hour in the future), are kept as one count over the range they span. An answer is therefore
 * never too small, and too large by at most what lies beside the window's ends in the same bucket or range.
 */
export class Losses {
  total = 0;
  /** Made with the first loss: most streams never have one. */
  #counts = new Uint32Array(0);
  /** Which 10-second interval each bucket counts now. */
  #interval = new Float64Array(0);
  /** The bucket counted in last, since neighbours in arrival are neighbours in time; and where it begins. */
  #lastBucket = 0;
  #lastFrom = Number.NaN;
  #newest = Number.NEGATIVE_INFINITY;
  #outside = 0;
  #outsideFrom = Number.POSITIVE_INFINITY;
  #outsideTo = Number.NEGATIVE_INFINITY;

  /** Counts one lost record; times in ns relative to the store's epoch. */
  add(timeNs: number, nowNs: number): void {
    if (this.total++ === 0) {
      this.#counts = new Uint32Array(BUCKETS);
      this.#interval = new Float64Array(BUCKETS);
    }
    if (timeNs >= this.#lastFrom && timeNs < this.#lastFrom + BUCKET_NS) {
      this.#counts[this.#lastBucket] = this.#counts[this.#lastBucket]! + 1;
      return;
    }
    const interval = Math.floor(timeNs / BUCKET_NS);
    if (timeNs > nowNs + HOUR_NS || interval <= this.#newest - BUCKETS) {
      this.#addOutside(1, timeNs, timeNs);
      return;
    }
    if (interval > this.#newest) this.#newest = interval;
    const bucket = ((interval % BUCKETS) + BUCKETS) % BUCKETS;
    const before = this.#interval[bucket]!;
    if (before !== interval) {
      const count = this.#counts[bucket]!;
      if (count > 0) this.#addOutside(count, before * BUCKET_NS, (before + 1) * BUCKET_NS);
      this.#interval[bucket] = interval;
      this.#counts[bucket] = 0;
    }
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#lastBucket = bucket;
    this.#lastFrom = interval * BUCKET_NS;
  }

  /** Lost records with sinceNs <= time < untilNs, at least. */
  between(sinceNs: number, untilNs: number): number {
    if (sinceNs === Number.NEGATIVE_INFINITY && untilNs === Number.POSITIVE_INFINITY) return this.total;
    let lost = this.#outsideFrom < untilNs && this.#outsideTo >= sinceNs ? this.#outside : 0;
    if (this.total === this.#outside) return lost;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket]!;
      if (count === 0) continue;
      const from = this.#interval[bucket]! * BUCKET_NS;
      if (from < untilNs && from + BUCKET_NS > sinceNs) lost += count;
    }
    return lost;
  }

  #addOutside(count: number, fromNs: number, toNs: number): void {
    this.#outside += count;
    this.#outsideFrom = Math.min(this.#outsideFrom, fromNs);
    this.#outsideTo = Math.max(this.#outsideTo, toNs);
  }
}
