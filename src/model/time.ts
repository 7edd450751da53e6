/** Where a program reads the time. Passed in, so that tests own it. */
export interface Clock {
  /** Unix time in whole milliseconds. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Unix milliseconds with their fraction, for people and for `NormalizedEvent.timestamp`. */
export function nsToMs(ns: bigint): number {
  return Number(ns / 1000n) / 1000;
}

export function msToNs(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n;
}
