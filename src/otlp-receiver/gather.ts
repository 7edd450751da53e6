/** Bodies up to this size are joined in one buffer that is kept from request to request. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/** Joins the chunks of a body from byte `skip` on. `bytes` is the length of all chunks. */
export type Gather = (chunks: readonly Buffer[], bytes: number, skip: number) => Buffer;

/**
 * Makes a `Gather` with a buffer of its own. A body in one chunk is returned as it is; several are copied once
 * into the kept buffer, because a fresh one for each request costs a page fault every 4 KiB. The result is
 * therefore valid only until the next call: whoever gets it finishes with it in the same turn.
 */
export function createGather(): Gather {
  let kept = Buffer.allocUnsafeSlow(0);
  return (chunks, bytes, skip) => {
    if (chunks.length === 1) return skip === 0 ? chunks[0]! : chunks[0]!.subarray(skip);
    if (bytes > KEPT_BYTES_MAX) return Buffer.concat(chunks, bytes).subarray(skip);
    if (kept.length < bytes) kept = Buffer.allocUnsafeSlow(Math.min(KEPT_BYTES_MAX, 2 * bytes));
    let at = 0;
    for (const chunk of chunks) {
      kept.set(chunk, at);
      at += chunk.length;
    }
    return kept.subarray(skip, bytes);
  };
}
