import { GasolineError } from "../model/errors.ts";
import type { Admission } from "./admission.ts";
import type { BodyMemory } from "./body-memory.ts";

/**
 * One request body while it arrives, or while it is inflated: its chunks as they came, within the size limit and
 * the room that all bodies share. What it holds is given back by `release`, which may be called more than once.
 */
export class BodyInFlight {
  readonly chunks: Buffer[] = [];
  readonly #admission: Admission;
  readonly #memory: BodyMemory;
  readonly #bytesMax: number;
  #bytes = 0;
  #released = false;

  constructor(admission: Admission, memory: BodyMemory, bytesMax: number) {
    this.#admission = admission;
    this.#memory = memory;
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
    for (const chunk of this.chunks) this.#memory.release(chunk);
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
