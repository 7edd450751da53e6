/** What a record is, by the number its column holds. */
export const RECORD_KINDS = ["span", "log", "metric"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** Where `RECORD_KINDS`' number stands in the bits column, above what a scan sets (model/scan-table.ts). */
export const KIND_SHIFT = 16;

/** No record, no chain: the end of a list. */
export const NONE = 0xffff_ffff;

/**
 * The indexed fields of one ring's records, a row per slot; slot = sequence & mask. Typed arrays are made whole
 * and filled by the operating system page by page as slots are used.
 *
 * Times are nanoseconds relative to the store's epoch: exact within 104 days of it, rounded beyond, and good
 * enough there to order and to filter. Exact values come from the record's bytes.
 */
export class Columns {
  readonly mask: number;
  /** The trace's chain in this ring, or NONE. */
  readonly chain: Uint32Array;
  /** Slot of the next record in the chain; meaningless in the last. */
  readonly next: Uint32Array;
  /** Span id (2 words), parent span id (2 words). */
  readonly ids: Uint32Array;
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly name: Uint32Array;
  readonly group: Uint32Array;
  /** Metric header of a data point. Its pages are never touched in rings without metrics. */
  readonly metric: Uint32Array;
  /** BITS of the scan, and the record's kind from KIND_SHIFT on. */
  readonly bits: Uint32Array;
  readonly slab: Uint16Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;
  readonly arrival: Float64Array;
  /** When it arrived: ms since the store began, modulo 2^32. */
  readonly arrivedMs: Uint32Array;

  constructor(recordsMax: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, recordsMax)));
    this.mask = slots - 1;
    this.chain = new Uint32Array(slots);
    this.next = new Uint32Array(slots);
    this.ids = new Uint32Array(4 * slots);
    this.start = new Float64Array(slots);
    this.end = new Float64Array(slots);
    this.name = new Uint32Array(slots);
    this.group = new Uint32Array(slots);
    this.metric = new Uint32Array(slots);
    this.bits = new Uint32Array(slots);
    this.slab = new Uint16Array(slots);
    this.offset = new Uint32Array(slots);
    this.length = new Uint32Array(slots);
    this.arrival = new Float64Array(slots);
    this.arrivedMs = new Uint32Array(slots);
  }
}

/** Index into `RECORD_KINDS`. */
export function kindOf(bits: number): number {
  return (bits >>> KIND_SHIFT) & 0b11;
}
