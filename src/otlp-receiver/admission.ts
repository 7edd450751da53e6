import { GasolineError } from "../model/errors.ts";

/** Counts the bytes of all request bodies held at this moment and says when there is no room for more. */
export class Admission {
  readonly #bytesMax: number;
  readonly #retryAfterS: number;
  #bytes = 0;

  constructor(bytesMax: number, retryAfterS: number) {
    this.#bytesMax = bytesMax;
    this.#retryAfterS = retryAfterS;
  }

  get bytesInFlight(): number {
    return this.#bytes;
  }

  /** Whether a body of `bytes` would fit now. Nothing is reserved: a client may announce what it never sends. */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** The `overloaded` error: the client keeps its data and sends it again later. */
  refusal(): GasolineError {
    return new GasolineError(
      "overloaded",
      `The receiver already holds ${this.#bytes} bytes of request bodies and takes at most ${this.#bytesMax} at once.`,
      `Send it again after ${this.#retryAfterS} s; smaller or fewer parallel batches avoid this.`,
      this.#retryAfterS,
    );
  }
}
