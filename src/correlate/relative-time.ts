import type { Span } from "../model/span.ts";

/** Largest distance from the origin that a double holds exactly: 2^53 - 1 ns, 104 days. */
const RELATIVE_NS_MAX = Number.MAX_SAFE_INTEGER;

const RELATIVE_MAX = BigInt(RELATIVE_NS_MAX);

/**
 * The instant that a trace's times are counted from: its earliest start. Spans that give no start (0) do not
 * count, and when starts lie more than 104 days apart (a clock that was never set) those more than half of that
 * before the median do not either, so that one bad clock does not cost the others their precision. 0n without
 * spans.
 */
export function originOf(spans: readonly Span[]): bigint {
  let earliest = 0n;
  let latest = 0n;
  for (const { startNs } of spans) {
    if (startNs !== 0n && (earliest === 0n || startNs < earliest)) earliest = startNs;
    if (startNs > latest) latest = startNs;
  }
  if (latest - earliest <= RELATIVE_MAX) return earliest;
  const starts = BigUint64Array.from(
    spans.filter((span) => span.startNs !== 0n).map((span) => span.startNs),
  ).sort();
  const bound = starts[(starts.length - 1) >> 1]! - RELATIVE_MAX / 2n;
  return starts.find((start) => start >= bound)!;
}

/**
 * A time in ns since the origin as a number. What lies before the origin or past `RELATIVE_NS_MAX` is held at that
 * bound, so that the difference of any two is exact.
 */
export function relativeNs(
  timeNs: bigint,
  originNs: bigint,
): { readonly ns: number; readonly clamped: boolean } {
  const distance = timeNs - originNs;
  if (distance < 0n) return { ns: 0, clamped: true };
  if (distance > RELATIVE_MAX) return { ns: RELATIVE_NS_MAX, clamped: true };
  return { ns: Number(distance), clamped: false };
}
