import assert from "node:assert/strict";
import type { StreamLimits } from "../../config.ts";
import type { SlabPool } from "./arena.ts";
import { Columns } from "./columns.ts";
import { Losses } from "./losses.ts";

/**
 * One stream's records: a ring of slots, and the slabs that hold their bytes in the same order.
 *
 * ```
 *  sequence   … 40 │ 41  42  43  44  45 │ 46 …        slot = sequence & mask
 *          evicted │ oldest             │ next
 *  slabs              ▓▓ 9 ▓▓ │ ▓ 4 ▓→                 slab 9 is given back when 43, its last record, goes
 * ```
 * It only keeps the books: who makes room, and what else refers to a record, is the business of `Rings`.
 */
export class StreamRing {
  readonly number: number;
  readonly columns: Columns;
  readonly recordsMax: number;
  readonly slabsReserved: number;
  readonly ttlMs: number;
  readonly losses = new Losses();
  /** Sequence numbers held are oldest <= n < next. */
  oldest = 0;
  next = 0;
  bytes = 0;
  evicted = 0;
  expired = 0;
  dropped = 0;
  /** Records below this sequence number went by `clear`, not for want of room. */
  clearedBelow = 0;
  /** Slabs held, large records counted as the slabs they displace. */
  slabsUsed = 0;
  readonly #pool: SlabPool;
  /** Slab numbers in order of their records; the last is being filled unless it is sealed. */
  readonly #slabs: number[] = [];
  #writeAt = 0;
  #writeEnd = 0;

  constructor(number: number, limits: StreamLimits, pool: SlabPool) {
    this.number = number;
    this.recordsMax = limits.recordsMax;
    this.slabsReserved = Math.max(1, Math.floor(limits.bytesReserved / pool.slabBytes));
    this.ttlMs = limits.ttlMs;
    this.columns = new Columns(limits.recordsMax);
    this.#pool = pool;
  }

  get count(): number {
    return this.next - this.oldest;
  }

  /** The largest record that always finds room, because the ring may displace others up to its reserve. */
  get recordBytesMax(): number {
    return this.slabsReserved * this.#pool.slabBytes;
  }

  /** Bytes left in the slab that is being filled. */
  get bytesOpen(): number {
    return this.#writeEnd - this.#writeAt;
  }

  /** Starts a new slab, or a buffer of its own for a record larger than one. The pool has room for it. */
  openSlab(bytes: number): void {
    const slab = this.#pool.take(bytes);
    this.#slabs.push(slab);
    this.slabsUsed += this.#pool.slabsFor(bytes);
    this.#writeAt = 0;
    this.#writeEnd = this.#pool.buffers[slab]!.byteLength;
  }

  /** Number of the slab that is being filled. */
  get slab(): number {
    return this.#slabs[this.#slabs.length - 1]!;
  }

  /** Copies body[from, to) to the open slab, which has room, and returns the offset there. */
  write(body: Uint8Array, from: number, to: number): number {
    assert(to - from <= this.bytesOpen, "a record is written only where it fits");
    const at = this.#writeAt;
    this.#pool.buffers[this.slab]!.set(body.subarray(from, to), at);
    this.#writeAt = at + to - from;
    return at;
  }

  /**
   * Forgets the oldest record and gives back its slab when it was the last one there. Nothing else refers to
   * the record by then.
   */
  dropOldest(): void {
    const { columns } = this;
    const slot = this.oldest & columns.mask;
    const slab = columns.slab[slot]!;
    this.bytes -= columns.length[slot]!;
    this.oldest++;
    if (this.oldest === this.next) {
      this.#giveAll();
    } else if (columns.slab[this.oldest & columns.mask] !== slab) {
      this.#giveFirst();
    }
  }

  #giveAll(): void {
    while (this.#slabs.length > 0) this.#giveFirst();
    this.#writeAt = 0;
    this.#writeEnd = 0;
  }

  #giveFirst(): void {
    const slab = this.#slabs.shift()!;
    this.slabsUsed -= this.#pool.slabsFor(this.#pool.buffers[slab]!.byteLength);
    this.#pool.give(slab);
  }
}
