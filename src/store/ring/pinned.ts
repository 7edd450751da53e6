import type { StreamLimits } from "../../config.ts";
import { STREAMS } from "../../model/stream.ts";
import { SlabPool } from "./arena.ts";
import { StreamRing } from "./stream.ts";

/** The pinned ring's number, after those of the streams. */
export const PINNED = STREAMS.length;
const RINGS_MAX = 16;
/** Origin ring of a copy that was cleared: no filter asks for it. */
const HIDDEN = 0xff;

/**
 * Records that outlive their stream, because their trace failed or was named (design decision 5): copies in a
 * ring and an arena of their own, made as the originals are evicted. A copy keeps the ring and sequence number
 * that it was first stored under, and is found by them.
 */
export class PinnedRing {
  readonly ring: StreamRing;
  readonly pool: SlabPool;
  /** Where each slot's record was first stored. */
  readonly originRing: Uint8Array;
  readonly originSequence: Float64Array;
  readonly #byOrigin = new Map<number, number>();

  constructor(limits: StreamLimits, slabBytes: number) {
    this.pool = new SlabPool(slabBytes, Math.max(2, Math.floor(limits.bytesReserved / slabBytes)));
    this.ring = new StreamRing(PINNED, limits, this.pool);
    this.originRing = new Uint8Array(this.ring.columns.mask + 1);
    this.originSequence = new Float64Array(this.ring.columns.mask + 1);
  }

  /** Sequence number here of a record that was stored as (ring, sequence), or undefined. */
  find(ring: number, sequence: number): number | undefined {
    return this.#byOrigin.get(sequence * RINGS_MAX + ring);
  }

  /**
   * Takes over a record that is about to leave its ring, with its references to name and group, and returns its
   * slot. There is room for it. The caller links it to its trace.
   */
  adopt(from: StreamRing, bytes: Uint8Array, slot: number, sequence: number, arrivedMs: number): number {
    const { ring } = this;
    const source = from.columns;
    const target = ring.columns;
    const offset = ring.write(bytes, source.offset[slot]!, source.offset[slot]! + source.length[slot]!);
    const to = ring.next & target.mask;
    for (let i = 0; i < 2; i++) target.ids[2 * to + i] = source.ids[2 * slot + i]!;
    target.start[to] = source.start[slot]!;
    target.end[to] = source.end[slot]!;
    target.name[to] = source.name[slot]!;
    target.group[to] = source.group[slot]!;
    target.bits[to] = source.bits[slot]!;
    target.slab[to] = ring.slab;
    target.offset[to] = offset;
    target.length[to] = source.length[slot]!;
    target.arrival[to] = source.arrival[slot]!;
    target.arrivedMs[to] = arrivedMs;
    this.originRing[to] = from.number;
    this.originSequence[to] = sequence;
    this.#byOrigin.set(sequence * RINGS_MAX + from.number, ring.next);
    ring.bytes += source.length[slot]!;
    ring.next++;
    return to;
  }

  /** Copies that can be read: those of the ring that are not hidden. */
  get count(): number {
    return this.#byOrigin.size;
  }

  isHidden(slot: number): boolean {
    return this.originRing[slot] === HIDDEN;
  }

  /** Takes a copy out of sight, since one in the middle cannot leave; nothing else refers to it by then. */
  hide(slot: number): void {
    this.#forgetOrigin(slot);
    this.originRing[slot] = HIDDEN;
    this.ring.bytes -= this.ring.columns.length[slot]!;
    this.ring.columns.length[slot] = 0;
  }

  /** Drops the oldest copy; nothing else refers to it by then. */
  dropOldest(): void {
    this.#forgetOrigin(this.ring.oldest & this.ring.columns.mask);
    this.ring.dropOldest();
  }

  #forgetOrigin(slot: number): void {
    this.#byOrigin.delete(this.originSequence[slot]! * RINGS_MAX + this.originRing[slot]!);
  }
}

const MINUTE_MS = 60_000;
const SHARE_MAX = 0.05;
const KEYS_MAX = 1_024;

/**
 * Which failing traces are worth pinning: one per root operation and error a minute, and no more records than
 * 5 % of what arrived. The others are evicted like any, and counted.
 */
export class PinRule {
  /** Failing traces that were turned down. */
  skipped = 0;
  #recordsTaken = 0;
  readonly #lastMs = new Map<string, number>();

  /** True when the trace, of so many records, is to be pinned. Asked once a trace. */
  admits(rootKey: number, errorKey: number, records: number, arrivals: number, nowMs: number): boolean {
    const key = `${rootKey} ${errorKey}`;
    const lastMs = this.#lastMs.get(key);
    const isRecent = lastMs !== undefined && nowMs - lastMs < MINUTE_MS;
    if (isRecent || this.#recordsTaken + records > SHARE_MAX * arrivals) {
      this.skipped++;
      return false;
    }
    this.#lastMs.delete(key);
    this.#lastMs.set(key, nowMs);
    if (this.#lastMs.size > KEYS_MAX) this.#lastMs.delete(this.#lastMs.keys().next().value!);
    return true;
  }

  /** Whether one more record of an admitted trace may be copied: a trace can go on growing after it was admitted. */
  takes(arrivals: number): boolean {
    if (this.#recordsTaken + 1 > SHARE_MAX * arrivals) return false;
    this.#recordsTaken++;
    return true;
  }
}
