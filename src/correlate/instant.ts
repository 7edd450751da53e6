/** The earlier of two instants in ns. */
export function earlier(a: bigint, b: bigint): bigint {
  return compareInstants(a, b) <= 0 ? a : b;
}

/** The later of two instants in ns. */
export function later(a: bigint, b: bigint): bigint {
  return compareInstants(a, b) >= 0 ? a : b;
}

/** For sorting by time, earliest first. */
export function compareInstants(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
