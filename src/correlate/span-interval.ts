/** A stretch of a trace's time in ns, `startNs <= endNs`. Nodes of a trace tree are intervals. */
export interface Interval {
  readonly startNs: number;
  readonly endNs: number;
}

/** Intervals that do not overlap or touch, in order, with the time they cover before each and in all. */
export interface Cover {
  readonly startNs: readonly number[];
  readonly endNs: readonly number[];
  /** Time covered before the interval of the same position begins. */
  readonly beforeNs: readonly number[];
  readonly totalNs: number;
}

/**
 * The union of intervals, each clipped to `within`; those wholly outside count for nothing. `intervals` are
 * sorted by start. O(n).
 */
export function mergeClipped(within: Interval, intervals: readonly Interval[]): Cover {
  const startNs: number[] = [];
  const endNs: number[] = [];
  const beforeNs: number[] = [];
  let totalNs = 0;
  for (const interval of intervals) {
    const start = Math.max(interval.startNs, within.startNs);
    const end = Math.min(interval.endNs, within.endNs);
    if (end <= start) continue;
    const last = endNs.length - 1;
    if (last >= 0 && start <= endNs[last]!) {
      if (end <= endNs[last]!) continue;
      totalNs += end - endNs[last]!;
      endNs[last] = end;
    } else {
      beforeNs.push(totalNs);
      startNs.push(start);
      endNs.push(end);
      totalNs += end - start;
    }
  }
  return { startNs, endNs, beforeNs, totalNs };
}

/** How much of the time before `timeNs` a cover covers. O(log n). */
export function coveredBefore(cover: Cover, timeNs: number): number {
  let low = 0;
  let high = cover.startNs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cover.startNs[middle]! < timeNs) low = middle + 1;
    else high = middle;
  }
  const last = low - 1;
  if (last < 0) return 0;
  return cover.beforeNs[last]! + Math.min(timeNs, cover.endNs[last]!) - cover.startNs[last]!;
}
