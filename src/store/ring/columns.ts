/** What a record is, by the number its column holds. */
export const RECORD_KINDS = ["span", "log", "metric"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** Where `RECORD_KINDS`' number stands in the bits column, above what a scan sets (model/scan-table.ts). */
export const KIND_SHIFT = 16;
/** In the bits column: a span that names a parent. */
export const HAS_PARENT = 1 << 18;

/** No record, no chain: the end of a list. */
export const NONE = 0xffff_ffff;

/** Bytes of a slot in all columns: 4 of 8 bytes, 9 of 4, one of 2. */
const SLOT_BYTES = 4 * 8 + 9 * 4 + 2;

/**
 * The indexed fields of one ring's records, a row per slot; slot = sequence & mask. Typed arrays are made whole
 * and given memory by the operating system page by page, as slots are used.
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
  /** Span id, two words a slot. */
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
    // One block: the allocator maps large ones untouched, and would clear many small ones.
    const block = new ArrayBuffer(slots * SLOT_BYTES);
    let at = 0;
    const take = (bytes: number): number => {
      at += slots * bytes;
      return at - slots * bytes;
    };
    this.start = new Float64Array(block, take(8), slots);
    this.end = new Float64Array(block, take(8), slots);
    this.arrival = new Float64Array(block, take(8), slots);
    this.ids = new Uint32Array(block, take(8), 2 * slots);
    this.chain = new Uint32Array(block, take(4), slots);
    this.next = new Uint32Array(block, take(4), slots);
    this.name = new Uint32Array(block, take(4), slots);
    this.group = new Uint32Array(block, take(4), slots);
    this.metric = new Uint32Array(block, take(4), slots);
    this.bits = new Uint32Array(block, take(4), slots);
    this.offset = new Uint32Array(block, take(4), slots);
    this.length = new Uint32Array(block, take(4), slots);
    this.arrivedMs = new Uint32Array(block, take(4), slots);
    this.slab = new Uint16Array(block, take(2), slots);
  }
}

/** Index into `RECORD_KINDS`. */
export function kindOf(bits: number): number {
  return (bits >>> KIND_SHIFT) & 0b11;
}
