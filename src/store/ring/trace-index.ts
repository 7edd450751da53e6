import assert from "node:assert/strict";
import { NONE } from "./columns.ts";
import { DepartedTraces } from "./departed-traces.ts";

const TABLE_BITS_MIN = 12;
const RINGS_MAX = 16;

/** What is known of a trace besides its records. */
export const TRACE_FLAGS = { error: 1, pinnedByRule: 2, pinnedByName: 4, pinRefused: 8 } as const;

/**
 * Trace ids to their records in all rings. Each trace has a chain per ring that holds some of it: rings evict
 * in order of arrival, so the record that leaves is always the head of its chain and unlinking it is O(1).
 *
 * ```
 *  table (open addressing)     traces                   chains                      slots of a ring
 *  ┌───┐                       ┌──────────────┐         ┌───────────────────┐
 *  │ 7 │──────────────────────►│ 6: id, first │────────►│ ring 3, head, tail│──► 12 ─► 13 ─► 40
 *  ├───┤  trace number + 1     └──────────────┘         └───────┬───────────┘
 *  │ 0 │  0 is empty                                            ▼ next chain
 *  └───┘                                                [ring 4, head, tail]────► 7
 * ```
 * The table is at most half full and deletes by shifting back, so probes stay short for ever. The hash is
 * seeded: ids come from outside and must not be able to choose where they land.
 */
export class TraceIndex {
  /** Traces held. */
  count = 0;
  /** Traces that have records in each ring, by ring number. */
  readonly tracesInRing = new Uint32Array(RINGS_MAX);
  /** Trace numbers lie below this; free ones have no chain. */
  numbersUsed = 0;
  readonly departed: DepartedTraces;
  /** Four words a trace. */
  readonly ids: Uint32Array;
  /** First chain, NONE where the trace is free. */
  readonly firstChain: Uint32Array;
  readonly lost: Uint32Array;
  readonly flags: Uint8Array;
  /** Arrival number of the record that opened it: a reused trace number was born later than its query. */
  readonly born: Float64Array;
  /** What the pin rule compares: a hash of the root operation, and of the first error. 0 while unknown. */
  readonly rootKey: Uint32Array;
  readonly errorKey: Uint32Array;
  readonly chainTrace: Uint32Array;
  readonly chainRing: Uint8Array;
  readonly chainHead: Uint32Array;
  readonly chainTail: Uint32Array;
  readonly chainCount: Uint32Array;
  /** The trace's next chain, or the next free one. */
  readonly chainNext: Uint32Array;
  /** Grows with the traces: a large table that is nearly empty would touch a page for each of them. */
  #table = new Uint32Array(2 ** TABLE_BITS_MIN);
  /** 32 less the table's bits. */
  #shift = 32 - TABLE_BITS_MIN;
  readonly #multipliers: Uint32Array;
  readonly #freeTraces: number[] = [];
  #freeChain = NONE;
  #chainsUsed = 0;

  /** `recordsMax`: of all rings together; there are never more traces or chains than records. */
  constructor(recordsMax: number, random: () => number) {
    this.departed = new DepartedTraces();
    this.ids = new Uint32Array(4 * recordsMax);
    this.firstChain = new Uint32Array(recordsMax);
    this.lost = new Uint32Array(recordsMax);
    this.flags = new Uint8Array(recordsMax);
    this.born = new Float64Array(recordsMax);
    this.rootKey = new Uint32Array(recordsMax);
    this.errorKey = new Uint32Array(recordsMax);
    this.chainTrace = new Uint32Array(recordsMax);
    this.chainRing = new Uint8Array(recordsMax);
    this.chainHead = new Uint32Array(recordsMax);
    this.chainTail = new Uint32Array(recordsMax);
    this.chainCount = new Uint32Array(recordsMax);
    this.chainNext = new Uint32Array(recordsMax);
    this.#multipliers = Uint32Array.from({ length: 9 }, () => Math.floor(random() * 2 ** 32));
  }

  /** Number of the trace with this id, or NONE. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let at = this.#home(w0, w1, w2, w3); table[at] !== 0; at = (at + 1) & mask) {
      const trace = table[at]! - 1;
      if (this.#has(trace, w0, w1, w2, w3)) return trace;
    }
    return NONE;
  }

  /** Number of the trace with this id, made when it is new. The caller links a record to it at once. */
  open(w0: number, w1: number, w2: number, w3: number, arrival: number): number {
    if (2 * this.count >= this.#table.length) this.#grow();
    const table = this.#table;
    const mask = table.length - 1;
    let at = this.#home(w0, w1, w2, w3);
    for (; table[at] !== 0; at = (at + 1) & mask) {
      const trace = table[at]! - 1;
      if (this.#has(trace, w0, w1, w2, w3)) return trace;
    }
    const trace = this.#freeTraces.pop() ?? this.numbersUsed++;
    table[at] = trace + 1;
    const row = 4 * trace;
    this.ids[row] = w0;
    this.ids[row + 1] = w1;
    this.ids[row + 2] = w2;
    this.ids[row + 3] = w3;
    this.firstChain[trace] = NONE;
    this.lost[trace] = this.departed.lostOf(w0, w1, w2, w3);
    this.flags[trace] = 0;
    this.born[trace] = arrival;
    this.rootKey[trace] = 0;
    this.errorKey[trace] = 0;
    this.count++;
    return trace;
  }

  /** Appends a record to the trace's chain in a ring, whose `next` column is given. Returns the chain. */
  link(trace: number, ring: number, slot: number, next: Uint32Array): number {
    let chain = this.chainOf(trace, ring);
    if (chain === NONE) {
      chain = this.#newChain(trace, ring);
      this.chainHead[chain] = slot;
    } else {
      next[this.chainTail[chain]!] = slot;
    }
    this.chainTail[chain] = slot;
    this.chainCount[chain] = this.chainCount[chain]! + 1;
    return chain;
  }

  /** The trace's chain in a ring, or NONE. */
  chainOf(trace: number, ring: number): number {
    let chain = this.firstChain[trace]!;
    while (chain !== NONE && this.chainRing[chain] !== ring) chain = this.chainNext[chain]!;
    return chain;
  }

  /**
   * Takes a record out of its chain: O(1) for the head, which is what eviction takes. A trace without records is
   * forgotten, but for what it lost.
   */
  unlink(chain: number, slot: number, next: Uint32Array): void {
    const count = this.chainCount[chain]! - 1;
    this.chainCount[chain] = count;
    if (count > 0) {
      if (this.chainHead[chain] === slot) this.chainHead[chain] = next[slot]!;
      else this.#unlinkInside(chain, slot, next);
      return;
    }
    assert(this.chainHead[chain] === slot, "the only record of a chain is its head");
    const trace = this.chainTrace[chain]!;
    this.#removeChain(trace, chain);
    if (this.firstChain[trace] === NONE) this.#forget(trace);
  }

  /** Records of the trace in all rings. */
  recordsOf(trace: number): number {
    let records = 0;
    for (let chain = this.firstChain[trace]!; chain !== NONE; chain = this.chainNext[chain]!) {
      records += this.chainCount[chain]!;
    }
    return records;
  }

  /** Records that the trace with this id has lost, whether or not any are left; 0 when it is not known. */
  lostOf(w0: number, w1: number, w2: number, w3: number): number {
    const trace = this.find(w0, w1, w2, w3);
    return trace === NONE ? this.departed.lostOf(w0, w1, w2, w3) : this.lost[trace]!;
  }

  /** True when a trace number is in use. */
  isHeld(trace: number): boolean {
    return trace < this.numbersUsed && this.firstChain[trace] !== NONE;
  }

  /** Probe length of the longest run of used entries, for tests of the hash. */
  longestRun(): number {
    let longest = 0;
    let run = 0;
    for (const entry of this.#table) {
      run = entry === 0 ? 0 : run + 1;
      if (run > longest) longest = run;
    }
    return longest;
  }

  #has(trace: number, w0: number, w1: number, w2: number, w3: number): boolean {
    const ids = this.ids;
    const row = 4 * trace;
    return ids[row + 3] === w3 && ids[row + 2] === w2 && ids[row + 1] === w1 && ids[row] === w0;
  }

  /**
   * Vector multiply-shift over the eight 16-bit halves (Thorup, "High Speed Hashing for Integers and Strings",
   * section 3.5): universal, so no set of ids chosen without the seed collides more than random ones do.
   */
  #home(w0: number, w1: number, w2: number, w3: number): number {
    const m = this.#multipliers;
    const sum =
      m[8]! +
      Math.imul(w0 & 0xffff, m[0]!) +
      Math.imul(w0 >>> 16, m[1]!) +
      Math.imul(w1 & 0xffff, m[2]!) +
      Math.imul(w1 >>> 16, m[3]!) +
      Math.imul(w2 & 0xffff, m[4]!) +
      Math.imul(w2 >>> 16, m[5]!) +
      Math.imul(w3 & 0xffff, m[6]!) +
      Math.imul(w3 >>> 16, m[7]!);
    return (sum | 0) >>> this.#shift;
  }

  #homeOf(trace: number): number {
    const ids = this.ids;
    const row = 4 * trace;
    return this.#home(ids[row]!, ids[row + 1]!, ids[row + 2]!, ids[row + 3]!);
  }

  #unlinkInside(chain: number, slot: number, next: Uint32Array): void {
    let before = this.chainHead[chain]!;
    while (next[before] !== slot) before = next[before]!;
    next[before] = next[slot]!;
    if (this.chainTail[chain] === slot) this.chainTail[chain] = before;
  }

  /** Twice the table. The traces held are entered anew: 60 ns each, for as many as came since the last time. */
  #grow(): void {
    const before = this.#table;
    const table = new Uint32Array(2 * before.length);
    const mask = table.length - 1;
    this.#table = table;
    this.#shift--;
    for (const entry of before) {
      if (entry === 0) continue;
      let at = this.#homeOf(entry - 1);
      while (table[at] !== 0) at = (at + 1) & mask;
      table[at] = entry;
    }
  }

  #newChain(trace: number, ring: number): number {
    let chain = this.#freeChain;
    if (chain === NONE) chain = this.#chainsUsed++;
    else this.#freeChain = this.chainNext[chain]!;
    this.chainTrace[chain] = trace;
    this.chainRing[chain] = ring;
    this.tracesInRing[ring] = this.tracesInRing[ring]! + 1;
    this.chainCount[chain] = 0;
    this.chainNext[chain] = this.firstChain[trace]!;
    this.firstChain[trace] = chain;
    return chain;
  }

  #removeChain(trace: number, chain: number): void {
    const ring = this.chainRing[chain]!;
    this.tracesInRing[ring] = this.tracesInRing[ring]! - 1;
    if (this.firstChain[trace] === chain) {
      this.firstChain[trace] = this.chainNext[chain]!;
    } else {
      let before = this.firstChain[trace]!;
      while (this.chainNext[before] !== chain) before = this.chainNext[before]!;
      this.chainNext[before] = this.chainNext[chain]!;
    }
    this.chainNext[chain] = this.#freeChain;
    this.#freeChain = chain;
  }

  #forget(trace: number): void {
    const row = 4 * trace;
    const ids = this.ids;
    this.departed.remember(ids[row]!, ids[row + 1]!, ids[row + 2]!, ids[row + 3]!, this.lost[trace]!);
    this.#deleteEntry(trace);
    this.#freeTraces.push(trace);
    this.count--;
  }

  /** Backward-shift delete: later entries of the run move up into the hole unless that is before their home. */
  #deleteEntry(trace: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = this.#homeOf(trace);
    while (table[hole] !== trace + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = this.#homeOf(table[at]! - 1);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        table[hole] = table[at]!;
        hole = at;
      }
    }
    table[hole] = 0;
  }
}
