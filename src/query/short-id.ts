/** Digits of a trace id that are shown where room is short; the store finds a trace by as many. */
const PREFIX_DIGITS = 8;
const DAY_S = 86_400n;

/**
 * A trace id cut to its first 8 hex digits: unique in practice, since ids are random. Some tracers (AWS X-Ray,
 * Datadog) begin theirs with the time in seconds, so that neighbours share those digits: such an id, told by a
 * beginning that reads as the time `timeNs` (Unix ns) to the day, stays whole.
 */
export function shortTraceId(traceId: string, timeNs: bigint): string {
  const prefix = traceId.slice(0, PREFIX_DIGITS);
  const seconds = BigInt(`0x${prefix || "0"}`);
  const distance = seconds - timeNs / 1_000_000_000n;
  const isTime = distance < DAY_S && distance > -DAY_S;
  return isTime || seconds === 0n ? traceId : prefix;
}
