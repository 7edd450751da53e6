import { NO_PARENT, PARENT_MISSING } from "./parent-links.ts";

/**
 * Positions of spans in the order in which a trace is shown: roots by start, then orphans by start, each followed by
 * what lies below it, children by start; ties by arrival. `parent` is free of cycles (`linkParents`). O(n log n), and
 * linear when the spans already come by start.
 */
export function displayOrder(parent: Int32Array, startNs: Float64Array): Uint32Array {
  const count = parent.length;
  const byStart = new Uint32Array(count);
  let sorted = true;
  for (let i = 0; i < count; i++) {
    byStart[i] = i;
    if (i > 0 && startNs[i]! < startNs[i - 1]!) sorted = false;
  }
  if (!sorted) byStart.sort((a, b) => startNs[a]! - startNs[b]! || a - b);

  // Sibling lists, linked from the latest start backwards, so that each ends up with its earliest first.
  const firstChild = new Int32Array(count).fill(-1);
  const nextSibling = new Int32Array(count).fill(-1);
  let firstRoot = -1;
  let firstOrphan = -1;
  for (let i = count - 1; i >= 0; i--) {
    const at = byStart[i]!;
    const link = parent[at]!;
    if (link === NO_PARENT) {
      nextSibling[at] = firstRoot;
      firstRoot = at;
    } else if (link === PARENT_MISSING) {
      nextSibling[at] = firstOrphan;
      firstOrphan = at;
    } else {
      nextSibling[at] = firstChild[link]!;
      firstChild[link] = at;
    }
  }

  const order = new Uint32Array(count);
  const pending = [firstOrphan, firstRoot].filter((head) => head >= 0);
  for (let placed = 0; pending.length > 0; placed++) {
    const at = pending.pop()!;
    order[placed] = at;
    if (nextSibling[at]! >= 0) pending.push(nextSibling[at]!);
    if (firstChild[at]! >= 0) pending.push(firstChild[at]!);
  }
  return order;
}
