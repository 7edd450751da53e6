/** Where a matcher found a secret: bytes `from` up to `to`. Scratch, filled by the matcher that returns true. */
export interface SecretRange {
  from: number;
  to: number;
}

const STAR = 0x2a;

/** Overwrites `bytes[from, to)` with `*`; false when all of it was already. */
export function overwrite(bytes: Uint8Array, from: number, to: number): boolean {
  let changed = false;
  for (let p = from; p < to; p++) {
    if (bytes[p] !== STAR) changed = true;
    bytes[p] = STAR;
  }
  return changed;
}
