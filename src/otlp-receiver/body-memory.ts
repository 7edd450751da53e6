import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Bytes of dropped bodies after which the young generation is collected: a pause of half a millisecond. V8 begins a
 * full collection, tens of milliseconds of work, after some 20 MiB.
 */
const COLLECT_AFTER_BYTES = 4 * 1024 * 1024;

/**
 * Gives the memory of request bodies back at once instead of leaving it to the garbage collector.
 *
 * Chunks of a body live outside of V8's heap, a few hundred bytes of objects inside: a busy receiver drops hundreds
 * of megabytes a second and still gives V8 no reason for a young collection, while their sum makes it run full ones
 * back to back. Measured with 512 spans a request: half of the server's time over HTTP/1.1 and gRPC alike.
 */
export class BodyMemory {
  #collect: (() => void) | undefined;
  #droppedBytes = 0;

  /** Takes back a chunk that nobody will read again. */
  release(chunk: Buffer): void {
    // node:http makes a buffer for each chunk; node:http2 cuts several chunks from one, of which more may come.
    if (chunk.length === chunk.buffer.byteLength) this.free(chunk);
    else this.dropped(chunk.length);
  }

  /** Frees all memory that `bytes` is a view of. The caller made it and has given no part of it to anybody. */
  free(bytes: Uint8Array): void {
    (bytes.buffer as ArrayBuffer).transfer(0);
  }

  /** Counts memory outside of the heap that was let go of and that only a collection can free. */
  dropped(bytes: number): void {
    this.#droppedBytes += bytes;
    if (this.#droppedBytes < COLLECT_AFTER_BYTES) return;
    this.#droppedBytes = 0;
    this.#collect ??= youngCollection();
    this.#collect();
  }
}

/** A collection of the young generation alone. V8 has it behind a flag, which a new context picks up. */
function youngCollection(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  return typeof collect === "function" ? () => collect({ type: "minor" }) : () => undefined;
}
