import { setImmediate as nextTurn } from "node:timers/promises";

/** Work of one turn of the event loop, in rows of columns: about 2 ms. */
const TURN_ROWS = 20_000;
/** What a row costs, in rows of columns: looked at, its bytes walked, its record decoded, masked and encoded anew. */
export const ROW_COST = { columns: 1, bytes: 8, decoded: 40, exported: 100 } as const;

/** Counts the work of a scan and gives way to others between turns. */
export class Turns {
  readonly #rows: number;
  #left: number;

  constructor(rowCost: number) {
    this.#rows = Math.floor(TURN_ROWS / rowCost);
    this.#left = this.#rows;
  }

  /** Counts rows done; true when the turn's work is done: `await next()` before more of it. */
  spend(rows = 1): boolean {
    this.#left -= rows;
    return this.#left <= 0;
  }

  async next(): Promise<void> {
    this.#left = this.#rows;
    await nextTurn();
  }
}
