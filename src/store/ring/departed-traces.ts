/** Traces remembered: a slot each, so a newer trace may displace an older one before all are used. */
const SLOTS = 32_768;

/**
 * Ids of traces that left the store and how many records each lost: so that a question about one is answered
 * "evicted" rather than "never seen", and a trace whose late records come back knows that it is not whole.
 * Direct mapped and bounded: what is displaced is forgotten.
 */
export class DepartedTraces {
  /** Four words a slot; all zero (an invalid trace id) where unused. */
  readonly #ids = new Uint32Array(4 * SLOTS);
  readonly #lost = new Uint32Array(SLOTS);

  remember(w0: number, w1: number, w2: number, w3: number, lost: number): void {
    const slot = slotOf(w0, w1, w2, w3);
    const ids = this.#ids;
    ids[4 * slot] = w0;
    ids[4 * slot + 1] = w1;
    ids[4 * slot + 2] = w2;
    ids[4 * slot + 3] = w3;
    this.#lost[slot] = lost;
  }

  /** Records that the departed trace lost; 0 when it is not remembered. */
  lostOf(w0: number, w1: number, w2: number, w3: number): number {
    const slot = slotOf(w0, w1, w2, w3);
    const ids = this.#ids;
    const at = 4 * slot;
    const same = ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3;
    return same ? this.#lost[slot]! : 0;
  }

  /** True when a remembered trace satisfies `matches`, which gets the words of ids and where they start. */
  some(matches: (ids: Uint32Array, at: number) => boolean): boolean {
    const ids = this.#ids;
    for (let at = 0; at < ids.length; at += 4) {
      if ((ids[at]! | ids[at + 1]! | ids[at + 2]! | ids[at + 3]!) !== 0 && matches(ids, at)) return true;
    }
    return false;
  }
}

function slotOf(w0: number, w1: number, w2: number, w3: number): number {
  return (w0 ^ Math.imul(w1, 5) ^ Math.imul(w2, 9) ^ w3 ^ (w3 >>> 15)) & (SLOTS - 1);
}
