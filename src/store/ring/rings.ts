import assert from "node:assert/strict";
import type { StoreLimits } from "../../config.ts";
import { STREAMS } from "../../model/stream.ts";
import type { Clock } from "../../model/time.ts";
import { SlabPool } from "./arena.ts";
import { kindOf, NONE, RECORD_KINDS } from "./columns.ts";
import { Groups } from "./groups.ts";
import { ByteTable } from "./intern.ts";
import { MetricHeaders } from "./metric-headers.ts";
import { PINNED, PinnedRing, PinRule } from "./pinned.ts";
import { StreamRing } from "./stream.ts";
import { TRACE_FLAGS, TraceIndex } from "./trace-index.ts";

const NAME_BYTES_MAX = 1_024;
const NAME_BYTES_MEAN = 64;
const METRIC = RECORD_KINDS.indexOf("metric");
/** TTLs compare 32-bit milliseconds, so they end well before those come round. */
const TTL_MS_MAX = 2 ** 31;

/** Why a record leaves: for want of room, by age, or because it was told to. */
export type Departure = "evicted" | "expired" | "cleared";

/**
 * All rings with what they share: the arena, the trace index, the interned names and groups. It makes room for
 * what arrives and undoes, record by record, all that referred to what leaves.
 */
export class Rings {
  /** By ring number: the streams', then the pinned ring. */
  readonly all: readonly StreamRing[];
  readonly pinned: PinnedRing;
  readonly pinRule = new PinRule();
  readonly pool: SlabPool;
  readonly index: TraceIndex;
  readonly names: ByteTable;
  /** 1 for names that a span has had. */
  readonly isSpanName: Uint8Array;
  readonly groups: Groups;
  readonly headers: MetricHeaders;
  /** Unix ns that times in columns are relative to, and its two words. */
  readonly epochNs: bigint;
  readonly epochHigh: number;
  readonly epochLow: number;
  /** The next arrival number: as many records as were stored. */
  arrivals = 0;
  /** Milliseconds since the epoch, set by `tick`. */
  nowMs = 0;
  readonly #clock: Clock;
  readonly #startMs: number;

  constructor(limits: StoreLimits, clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#startMs = Math.trunc(clock.nowMs());
    this.epochNs = BigInt(this.#startMs) * 1_000_000n;
    this.epochHigh = Number(this.epochNs >> 32n);
    this.epochLow = Number(this.epochNs & 0xffff_ffffn);

    this.pinned = new PinnedRing(limits.pinned, limits.slabBytes);
    const slabsWanted = Math.floor(limits.arenaBytes / limits.slabBytes) - this.pinned.pool.slabsMax;
    const reserves = STREAMS.map((stream) =>
      Math.floor(limits.streams[stream].bytesReserved / limits.slabBytes),
    );
    const slabsPromised = reserves.reduce((sum, slabs) => sum + Math.max(1, slabs), 0);
    this.pool = new SlabPool(limits.slabBytes, Math.max(slabsWanted, slabsPromised));
    const rings = STREAMS.map((stream, number) => new StreamRing(number, limits.streams[stream], this.pool));
    this.all = [...rings, this.pinned.ring];
    this.index = new TraceIndex(
      this.all.reduce((sum, ring) => sum + ring.recordsMax, 0),
      random,
    );
    this.names = new ByteTable(
      {
        entriesMax: limits.namesMax,
        entryBytesMax: NAME_BYTES_MAX,
        bytesMax: limits.namesMax * NAME_BYTES_MEAN,
      },
      random,
    );
    this.isSpanName = new Uint8Array(limits.namesMax + 1);
    this.groups = new Groups(limits.groupsMax, random);
    this.headers = new MetricHeaders(limits.seriesMax, random);
  }

  /** Reads the clock, and lets expired records go: at most `workMax` a ring. */
  tick(workMax: number): void {
    // A clock that is set back must not make everything look old.
    this.nowMs = Math.max(this.nowMs, Math.trunc(this.#clock.nowMs()) - this.#startMs);
    for (const ring of this.all) this.#expire(ring, workMax);
  }

  /** Now, in nanoseconds relative to the epoch. */
  get nowNs(): number {
    return this.nowMs * 1_000_000;
  }

  /** Where a ring's record bytes lie. */
  poolOf(ring: StreamRing): SlabPool {
    return ring.number === PINNED ? this.pinned.pool : this.pool;
  }

  releaseName(name: number): void {
    if (this.names.release(name)) this.isSpanName[name] = 0;
  }

  /** Makes room for `records` more, and `bytes` in one piece in the ring's open slab. The ring can hold both. */
  makeRoom(ring: StreamRing, records: number, bytes: number): void {
    while (ring.next - ring.oldest + records > ring.recordsMax) this.dropOldest(ring, "evicted");
    if (ring.bytesOpen >= bytes) return;
    const slabs = this.pool.slabsFor(bytes);
    while (this.pool.slabsFree < slabs) this.dropOldest(this.#giver(ring, slabs), "evicted");
    ring.openSlab(bytes);
  }

  /** Lets the oldest record of a ring go, copying it to the pinned ring first where its trace is worth it. */
  dropOldest(ring: StreamRing, why: Departure): void {
    if (ring.number === PINNED) this.#dropOldestPinned(why);
    else this.#dropOldestOf(ring, why);
  }

  #dropOldestOf(ring: StreamRing, why: Departure): void {
    const { columns } = ring;
    const slot = ring.oldest & columns.mask;
    const chain = columns.chain[slot]!;
    const trace = chain === NONE ? NONE : this.index.chainTrace[chain]!;
    const survives =
      trace !== NONE &&
      this.index.flags[trace] !== 0 &&
      columns.length[slot]! <= this.pinned.ring.recordBytesMax &&
      this.#isPinned(trace, why);
    if (survives) this.#adopt(ring, slot, trace);
    else this.#release(ring, slot, trace, why);
    if (chain !== NONE) this.index.unlink(chain, slot, columns.next);
    ring.dropOldest();
    count(ring, why);
  }

  #dropOldestPinned(why: Departure): void {
    const { ring } = this.pinned;
    const slot = ring.oldest & ring.columns.mask;
    if (!this.pinned.isHidden(slot)) {
      const chain = ring.columns.chain[slot]!;
      this.#release(ring, slot, this.index.chainTrace[chain]!, why);
      this.index.unlink(chain, slot, ring.columns.next);
      count(ring, why);
    }
    this.pinned.dropOldest();
  }

  /**
   * Drops all that the streams of these ring numbers hold, pinned copies of it too; returns how many records went.
   */
  clear(numbers: ReadonlySet<number>): number {
    let cleared = 0;
    for (const ring of this.all) {
      if (!numbers.has(ring.number)) continue;
      cleared += ring.count;
      while (ring.oldest < ring.next) this.dropOldest(ring, "cleared");
    }
    const pinned = this.pinned.ring;
    for (let sequence = pinned.oldest; sequence < pinned.next; sequence++) {
      const slot = sequence & pinned.columns.mask;
      if (!numbers.has(this.pinned.originRing[slot]!)) continue;
      const chain = pinned.columns.chain[slot]!;
      this.#release(pinned, slot, this.index.chainTrace[chain]!, "cleared");
      this.index.unlink(chain, slot, pinned.columns.next);
      this.pinned.hide(slot);
      cleared++;
    }
    while (pinned.count > 0 && this.pinned.isHidden(pinned.oldest & pinned.columns.mask))
      this.pinned.dropOldest();
    return cleared;
  }

  /**
   * Who gives way when the arena is full: the ring most above its reserve, if the asker is below its own; else
   * the asker itself.
   */
  #giver(asker: StreamRing, slabs: number): StreamRing {
    if (asker.slabsUsed + slabs > asker.slabsReserved && asker.count > 0) return asker;
    let giver = asker;
    let mostAbove = 0;
    for (const ring of this.all) {
      const above = ring.slabsUsed - ring.slabsReserved;
      if (ring.number !== PINNED && above > mostAbove) {
        mostAbove = above;
        giver = ring;
      }
    }
    assert(
      giver.count > 0,
      "reserves add up to no more than the arena, so a full one has a ring to take from",
    );
    return giver;
  }

  #expire(ring: StreamRing, workMax: number): void {
    const { columns } = ring;
    const ttlMs = Math.min(ring.ttlMs, TTL_MS_MAX);
    for (let work = 0; work < workMax && ring.oldest < ring.next; work++) {
      const ageMs = (this.nowMs - columns.arrivedMs[ring.oldest & columns.mask]!) >>> 0;
      if (ageMs < ttlMs) return;
      this.dropOldest(ring, "expired");
    }
  }

  /** Whether a record that leaves is copied. The rule is asked once a trace, and only for want of room. */
  #isPinned(trace: number, why: Departure): boolean {
    if (why === "cleared") return false;
    const { flags } = this.index;
    const known = flags[trace]!;
    if ((known & TRACE_FLAGS.pinnedByName) !== 0) return true;
    if (why !== "evicted" || (known & TRACE_FLAGS.pinRefused) !== 0) return false;
    if ((known & TRACE_FLAGS.pinnedByRule) !== 0) return this.pinRule.takes(this.arrivals);
    const { rootKey, errorKey } = this.index;
    const records = this.index.recordsOf(trace);
    const admitted = this.pinRule.admits(
      rootKey[trace]!,
      errorKey[trace]!,
      records,
      this.arrivals,
      this.nowMs,
    );
    flags[trace] = known | (admitted ? TRACE_FLAGS.pinnedByRule : TRACE_FLAGS.pinRefused);
    return admitted && this.pinRule.takes(this.arrivals);
  }

  #adopt(ring: StreamRing, slot: number, trace: number): void {
    const bytes = ring.columns.length[slot]!;
    const pinned = this.pinned.ring;
    while (pinned.count >= pinned.recordsMax) this.dropOldest(pinned, "evicted");
    if (pinned.bytesOpen < bytes) {
      const slabs = this.pinned.pool.slabsFor(bytes);
      while (this.pinned.pool.slabsFree < slabs) this.dropOldest(pinned, "evicted");
      pinned.openSlab(bytes);
    }
    const buffer = this.pool.buffers[ring.columns.slab[slot]!]!;
    const to = this.pinned.adopt(ring, buffer, slot, ring.oldest, this.nowMs);
    const chain = this.index.link(trace, PINNED, to, pinned.columns.next);
    pinned.columns.chain[to] = chain;
  }

  /** Undoes what a record that is lost for good referred to, and counts the loss where it is asked for. */
  #release(ring: StreamRing, slot: number, trace: number, why: Departure): void {
    const { columns } = ring;
    this.releaseName(columns.name[slot]!);
    this.groups.table.release(columns.group[slot]!);
    if (kindOf(columns.bits[slot]!) === METRIC) this.headers.table.release(columns.metric[slot]!);
    if (why === "cleared") return;
    const origin = ring.number === PINNED ? this.all[this.pinned.originRing[slot]!]! : ring;
    origin.losses.add(columns.start[slot]!, this.nowNs);
    if (trace !== NONE) this.index.lost[trace] = this.index.lost[trace]! + 1;
  }
}

function count(ring: StreamRing, why: Departure): void {
  if (why === "evicted") ring.evicted++;
  else if (why === "expired") ring.expired++;
  else ring.clearedBelow = ring.oldest;
}
