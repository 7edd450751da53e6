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

/**
 * One request body while it arrives, or while it is inflated: its chunks as they came, within the size limit and
 * the room that all bodies share. What it holds is given back by `release`, which may be called more than once.
 */
export class BodyInFlight {
  readonly chunks: Buffer[] = [];
  readonly #admission: Admission;
  readonly #bytesMax: number;
  #bytes = 0;
  #released = false;

  constructor(admission: Admission, bytesMax: number) {
    this.#admission = admission;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a chunk; returns the refusal (`too_large`, `overloaded`) when there is no room for it. */
  add(chunk: Buffer): GasolineError | undefined {
    if (this.#released) return undefined;
    if (this.#bytes + chunk.length > this.#bytesMax) return tooLarge(this.#bytesMax);
    if (!this.#admission.hasRoom(chunk.length)) return this.#admission.refusal();
    this.#admission.take(chunk.length);
    this.#bytes += chunk.length;
    this.chunks.push(chunk);
    return undefined;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#admission.give(this.#bytes);
    this.chunks.length = 0;
  }
}

/** The error for a body over the limit; `announced` is its size where the client said it. */
export function tooLarge(bytesMax: number, announced?: number): GasolineError {
  const size = announced === undefined ? `more than ${bytesMax}` : String(announced);
  return new GasolineError(
    "too_large",
    `The request body is ${size} bytes, and at most ${bytesMax} are taken, before and after decompression.`,
    "Export smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE, OTEL_BLRP_MAX_EXPORT_BATCH_SIZE).",
  );
}
