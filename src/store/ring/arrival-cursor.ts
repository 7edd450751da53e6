import type { Rings } from "./rings.ts";
import type { StreamRing } from "./stream.ts";

/**
 * Walks several rings together in order of arrival, from a given sequence number in each, and can be left
 * standing between turns: records that are evicted before they are reached are passed over and counted.
 */
export class ArrivalCursor {
  /** Records evicted before they were reached. */
  missed = 0;
  /** Where the last `next` stood; valid in this turn only. */
  ring: StreamRing;
  slot = 0;
  readonly #rings: readonly StreamRing[];
  readonly #next: number[];

  /** `fromOldest`: everything held, else only what arrives from now on. */
  constructor(store: Rings, numbers: readonly number[], fromOldest: boolean) {
    this.#rings = numbers.map((number) => store.all[number]!);
    this.#next = this.#rings.map((ring) => (fromOldest ? ring.oldest : ring.next));
    this.ring = store.all[0]!;
  }

  /** Moves to the next record in order of arrival; false when there is none yet. */
  next(): boolean {
    let first = -1;
    let arrivalMin = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#rings.length; i++) {
      const ring = this.#rings[i]!;
      if (this.#next[i]! < ring.oldest) {
        this.missed += ring.oldest - this.#next[i]!;
        this.#next[i] = ring.oldest;
      }
      if (this.#next[i] === ring.next) continue;
      const arrival = ring.columns.arrival[this.#next[i]! & ring.columns.mask]!;
      if (arrival < arrivalMin) {
        arrivalMin = arrival;
        first = i;
      }
    }
    if (first < 0) return false;
    this.ring = this.#rings[first]!;
    this.slot = this.#next[first]! & this.ring.columns.mask;
    this.#next[first] = this.#next[first]! + 1;
    return true;
  }
}
