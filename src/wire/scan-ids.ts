/** Writes `words` big-endian 32-bit words of an id at `at` into a table's `ids` from `slot` on. */
export function writeId(ids: Uint32Array, slot: number, body: Uint8Array, at: number, words: number): void {
  for (let i = 0; i < words; i++) {
    const p = at + 4 * i;
    ids[slot + i] = (body[p]! << 24) | (body[p + 1]! << 16) | (body[p + 2]! << 8) | body[p + 3]!;
  }
}

/** Writes zeros: an absent id. */
export function clearId(ids: Uint32Array, slot: number, words: number): void {
  for (let i = 0; i < words; i++) ids[slot + i] = 0;
}

/** Whether an id's bytes are all zero, which means "no id" (W3C trace context, OTLP). */
export function isZeroId(body: Uint8Array, at: number, bytes: number): boolean {
  for (let i = 0; i < bytes; i++) {
    if (body[at + i] !== 0) return false;
  }
  return true;
}

/** Low or high half of a fixed64 (little-endian) at `at`, as an int32 for a Uint32Array to take. */
export function word32(body: Uint8Array, at: number): number {
  return body[at]! | (body[at + 1]! << 8) | (body[at + 2]! << 16) | (body[at + 3]! << 24);
}

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;
