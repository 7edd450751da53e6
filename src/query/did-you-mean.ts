const DISTANCE_SHARE_MAX = 0.4;
const CONTAINED_CHARS_MIN = 3;

/**
 * The candidates that look most like `name`, best first, at most `countMax`: those within 40 % of its length in
 * edits (optimal string alignment distance), and those that contain it or are contained in it. Empty when
 * nothing is near. Case, `-`, `_` and `.` do not count as differences.
 */
export function nearest(name: string, candidates: Iterable<string>, countMax = 3): string[] {
  const wanted = fold(name);
  const near: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of new Set(candidates)) {
    const folded = fold(candidate);
    const isLong = Math.min(wanted.length, folded.length) >= CONTAINED_CHARS_MIN;
    const isContained = isLong && (folded.includes(wanted) || wanted.includes(folded));
    const distance = isContained ? 0.5 : editDistance(wanted, folded);
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, folded.length) * DISTANCE_SHARE_MAX));
    if (folded === wanted) near.push({ candidate, distance: 0 });
    else if (distance <= allowed) near.push({ candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1));
  return near.slice(0, countMax).map(({ candidate }) => candidate);
}

function fold(name: string): string {
  return name
    .slice(0, LENGTH_MAX)
    .toLowerCase()
    .replaceAll(/[-_.\s]/g, "");
}

/** Names come from telemetry too: the quadratic comparison looks at this many characters only. */
const LENGTH_MAX = 64;

/** Insertions, deletions, substitutions and swaps of neighbours; O(a × b) with three rows. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, beforeLast[j - 2]! + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
