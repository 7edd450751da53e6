import type { PointTable } from "../../model/scan-table.ts";
import { fieldEnd, varintEnd, varintValue } from "../../wire/cursor.ts";
import { ATTRIBUTES_FIELD } from "../../wire/raw-attributes.ts";
import { ByteTable, OVERFLOW } from "./intern.ts";
import type { Rings } from "./rings.ts";
import { RING } from "./routing.ts";

const KEY_BYTES_MAX = 8 * 1024;
const KEY_BYTES_MEAN = 512;
const EXPIRED_PER_POINT_MAX = 4;

/** Field of the attributes in a data point, by the field of its data in Metric. */
export const POINT_ATTRIBUTES: Readonly<Record<number, number>> = {
  5: ATTRIBUTES_FIELD.gauge,
  7: ATTRIBUTES_FIELD.sum,
  9: ATTRIBUTES_FIELD.histogram,
  10: ATTRIBUTES_FIELD.exponential_histogram,
  11: ATTRIBUTES_FIELD.summary,
};

/** One series as it is kept. Holds a reference to its key, its header and its group. */
export interface Series {
  readonly key: number;
  readonly header: number;
  readonly group: number;
  /** Where the last point was stored, when it came (ms since the epoch), and its bytes. */
  sequence: number;
  arrival: number;
  arrivedMs: number;
  last: Uint8Array;
  /** Pairs of time (ns relative to the epoch) and value; the oldest is overwritten. */
  readonly points: Float64Array;
  pointsSeen: number;
}

/**
 * Metric series by resource, scope, metric and attributes, each with its last point and a bounded history: what a
 * metric was lately is known even when points of others have pushed its own out of the ring. Past `seriesMax` the
 * series that was quiet longest goes, and is counted.
 *
 * Attributes are compared as bytes in the order sent, which SDKs keep. The value in a history is a gauge's or a
 * sum's own, and the count of a histogram or summary.
 */
export class MetricSeriesTable {
  /** Series that made way for others, and points that could not have one. */
  dropped = 0;
  readonly #rings: Rings;
  readonly #keys: ByteTable;
  readonly #pointsMax: number;
  /** By key number, the quietest first. */
  readonly #series = new Map<number, Series>();
  #scratch = new Uint8Array(1024);

  constructor(rings: Rings, seriesMax: number, pointsMax: number, random: () => number) {
    this.#rings = rings;
    this.#pointsMax = pointsMax;
    this.#keys = new ByteTable(
      { entriesMax: seriesMax, entryBytesMax: KEY_BYTES_MAX, bytesMax: seriesMax * KEY_BYTES_MEAN },
      random,
    );
  }

  get count(): number {
    return this.#series.size;
  }

  /** By their last point, newest first; without those that have expired. */
  newestFirst(): readonly Series[] {
    this.#expire(this.#series.size);
    return [...this.#series.values()].reverse();
  }

  /** Takes note of a point that has just been stored in the metrics ring. */
  add(table: PointTable, row: number, header: number, group: number, sequence: number): void {
    this.#expire(EXPIRED_PER_POINT_MAX);
    const from = table.offset[row]!;
    const to = from + table.length[row]!;
    const { dataField } = this.#rings.headers.get(header);
    const series = this.#find(this.#writeKey(table.body, from, to, dataField, header, group), header, group);
    if (series === undefined) return;
    const { columns } = this.#rings.all[RING.metrics]!;
    const slot = sequence & columns.mask;
    series.sequence = sequence;
    series.arrival = columns.arrival[slot]!;
    series.arrivedMs = this.#rings.nowMs;
    // A copy: `slice` of a Buffer, which request bodies are, would be a view that keeps the body.
    if (series.last.length !== to - from) series.last = new Uint8Array(to - from);
    series.last.set(table.body.subarray(from, to));
    const value = pointValue(table.body, from, to, dataField);
    if (Number.isNaN(value)) return;
    const pair = 2 * (series.pointsSeen++ % this.#pointsMax);
    series.points[pair] = columns.start[slot]!;
    series.points[pair + 1] = value;
  }

  /** Times (ns relative to the epoch) and values kept of a series, oldest first. */
  history(series: Series): readonly (readonly [timeNs: number, value: number])[] {
    const history: [number, number][] = [];
    for (let i = Math.max(0, series.pointsSeen - this.#pointsMax); i < series.pointsSeen; i++) {
      const pair = 2 * (i % this.#pointsMax);
      history.push([series.points[pair]!, series.points[pair + 1]!]);
    }
    return history;
  }

  clear(): void {
    for (const series of this.#series.values()) this.#release(series);
    this.#series.clear();
  }

  /** The series of the key in scratch, made when it is new; undefined when its key finds no room. */
  #find(keyLength: number, header: number, group: number): Series | undefined {
    let key = this.#keys.acquire(this.#scratch, 0, keyLength);
    if (key === OVERFLOW && this.#series.size > 0 && keyLength <= KEY_BYTES_MAX) {
      const quietest = this.#series.values().next().value!;
      this.#series.delete(quietest.key);
      this.#release(quietest);
      this.dropped++;
      key = this.#keys.acquire(this.#scratch, 0, keyLength);
    }
    if (key === OVERFLOW) {
      this.dropped++;
      return undefined;
    }
    const known = this.#series.get(key);
    if (known !== undefined) {
      this.#keys.release(key);
      this.#series.delete(key);
      this.#series.set(key, known);
      return known;
    }
    this.#rings.headers.table.retain(header);
    this.#rings.groups.table.retain(group);
    const points = new Float64Array(2 * this.#pointsMax);
    const nothing = { sequence: 0, arrival: 0, arrivedMs: 0, last: new Uint8Array(0), pointsSeen: 0 };
    const series: Series = { key, header, group, points, ...nothing };
    this.#series.set(key, series);
    return series;
  }

  /** Lets the quietest series go when they are older than points may get. */
  #expire(workMax: number): void {
    const { ttlMs } = this.#rings.all[RING.metrics]!;
    for (let i = 0; i < workMax; i++) {
      const quietest = this.#series.values().next().value;
      if (quietest === undefined || this.#rings.nowMs - quietest.arrivedMs < ttlMs) return;
      this.#series.delete(quietest.key);
      this.#release(quietest);
    }
  }

  #release(series: Series): void {
    this.#keys.release(series.key);
    this.#rings.headers.table.release(series.header);
    this.#rings.groups.table.release(series.group);
  }

  /** Header and group number, then the attributes as they stand in the point; returns the length in scratch. */
  #writeKey(
    body: Uint8Array,
    from: number,
    to: number,
    dataField: number,
    header: number,
    group: number,
  ): number {
    const needed = 8 + to - from;
    if (needed > this.#scratch.length) this.#scratch = new Uint8Array(2 * needed);
    const key = this.#scratch;
    for (let i = 0; i < 4; i++) {
      key[i] = header >>> (8 * i);
      key[4 + i] = group >>> (8 * i);
    }
    const attributesTag = (POINT_ATTRIBUTES[dataField]! << 3) | 2;
    let length = 8;
    let p = from;
    while (p < to) {
      const tag = varintValue(body, p);
      const valueAt = varintEnd(body, p, to);
      p = fieldEnd(body, valueAt, to, tag);
      if (tag !== attributesTag) continue;
      // With its length, so that two attributes cannot read as one.
      key.set(body.subarray(valueAt, p), length);
      length += p - valueAt;
    }
    return length;
  }
}

/** The point's value, or its count; NaN when it has none. */
function pointValue(body: Uint8Array, from: number, to: number, dataField: number): number {
  const view = new DataView(body.buffer, body.byteOffset);
  const hasOwnValue = dataField === 5 || dataField === 7;
  let value = Number.NaN;
  let p = from;
  while (p < to) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, to);
    p = fieldEnd(body, valueAt, to, tag);
    // 4: as_double of a number, count (fixed64) of the others. 6: as_int of a number.
    if (tag === 0x21)
      value = hasOwnValue ? view.getFloat64(valueAt, true) : Number(view.getBigUint64(valueAt, true));
    else if (tag === 0x31 && hasOwnValue) value = Number(view.getBigInt64(valueAt, true));
  }
  return value;
}
