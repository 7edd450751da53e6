import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { blocksParent } from "./self-time.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** One stretch of time that the root's duration is made of, spent by one span itself. */
export interface CriticalStep<S extends Span = Span> {
  /** Position in `TraceTree.nodes`. */
  readonly index: number;
  readonly span: S;
  /** Since `TraceTree.originNs` by the span's own clock, as sent: skew offsets are taken off again. */
  readonly startNs: number;
  readonly endNs: number;
}

/** What the root waited for, instant by instant. */
export interface CriticalPath<S extends Span = Span> {
  /** Position of the span whose duration is explained; -1 for an empty tree. */
  readonly root: number;
  /** In order of time, none of zero length; their lengths add up to `totalNs`. */
  readonly steps: readonly CriticalStep<S>[];
  /** The root's duration. */
  readonly totalNs: number;
}

/** A sibling that overlaps the next one by up to this share of itself still counts as finished before it. */
const OVERLAP_SHARE_MAX = 0.05;

/**
 * The critical path below `root` (the tree's main root unless told), found backwards from its end: the child that
 * finished last is what the span was waiting for; when that child's start is reached, the one that finished last
 * before it; what no such child covers is the span's own.
 *
 * ```
 *  root    |==1===|         |=3=|     |=====5=====|      steps 1 to 5
 *    a       |····|=2=======|                            a: 2
 *    b         |··········|                              finished before a did: not on the path
 *    c                          |==4==|                  c: 4
 * ```
 * Children are clipped to what is left of their parent, and those wholly outside do not count, nor do consumers
 * under a producer; links never block. A child that ends at the very instant where the next begins comes before
 * it. So does one that overlaps it by at most a twentieth of its own length, clipped, since clocks and callbacks
 * smear that much.
 *
 * The walk is that of Jaeger UI (`TracePage/CriticalPath`) and CRISP (Zhang et al., USENIX ATC 2022), which differ
 * at boundaries: Jaeger UI passes over a child that ends exactly where the next begins, CRISP allows an overlap of
 * 1 % of the parent. O(n log n), no recursion.
 */
export function criticalPath<S extends Span, L extends LogRecord>(
  tree: TraceTree<S, L>,
  root: number = mainRoot(tree),
): CriticalPath<S> {
  const { nodes } = tree;
  const top = nodes[root];
  if (top === undefined) return { root: -1, steps: [], totalNs: 0 };
  const steps: CriticalStep<S>[] = [];
  const emit = (node: TraceNode<S, L>, startNs: number, endNs: number) => {
    if (endNs <= startNs) return;
    const { index, span, skewNs } = node;
    steps.push({ index, span, startNs: startNs - skewNs, endNs: endNs - skewNs });
  };

  const stack = [visit(nodes, top, top.startNs, top.endNs)];
  while (stack.length > 0) {
    const at = stack.at(-1)!;
    const child = nextBefore(at);
    if (child === undefined) {
      emit(at.node, at.startNs, at.cursorNs);
      stack.pop();
      continue;
    }
    const endNs = Math.min(child.endNs, at.cursorNs);
    const startNs = Math.max(child.startNs, at.startNs);
    emit(at.node, endNs, at.cursorNs);
    at.cursorNs = startNs;
    stack.push(visit(nodes, child, startNs, endNs));
  }
  return { root, steps: steps.reverse(), totalNs: top.endNs - top.startNs };
}

/**
 * The head that stands for the trace: the longest root, else the longest orphan; the first of several. -1 for an
 * empty tree.
 */
export function mainRoot(tree: TraceTree): number {
  let longest = -1;
  let longestNs = -1;
  for (const index of tree.roots.length > 0 ? tree.roots : tree.orphans) {
    const node = tree.nodes[index]!;
    if (node.endNs - node.startNs <= longestNs) continue;
    longest = index;
    longestNs = node.endNs - node.startNs;
  }
  return longest;
}

/** A span under way: the stretch that counts of it, and how far back it is explained. */
interface Visit<N extends TraceNode> {
  readonly node: N;
  readonly startNs: number;
  readonly endNs: number;
  /** What lies between `startNs` and here is still to be explained. */
  cursorNs: number;
  /** Children still to be looked at, the one that finished last at the end. */
  readonly children: N[];
}

function visit<N extends TraceNode>(nodes: readonly N[], node: N, startNs: number, endNs: number): Visit<N> {
  const children: N[] = [];
  for (const index of node.children) {
    const child = nodes[index]!;
    const lengthNs = Math.min(child.endNs, endNs) - Math.max(child.startNs, startNs);
    if (lengthNs > 0 && blocksParent(child.span, node.span)) children.push(child);
  }
  // Children are in order of start. Among those that end together, the earliest start covers most: it comes last.
  if (children.length > 1) {
    children.sort(
      (a, b) =>
        Math.min(a.endNs, endNs) - Math.min(b.endNs, endNs) || b.startNs - a.startNs || b.index - a.index,
    );
  }
  return { node, startNs, endNs, cursorNs: endNs, children };
}

/**
 * Takes the child that finished last before the cursor. Those passed over end too late for this cursor, and the
 * cursor only moves back, so each is looked at once.
 */
function nextBefore<N extends TraceNode>(at: Visit<N>): N | undefined {
  for (let child = at.children.pop(); child !== undefined; child = at.children.pop()) {
    const endNs = Math.min(child.endNs, at.endNs);
    const overlapNs = endNs - at.cursorNs;
    if (overlapNs <= 0) return child;
    const lengthNs = endNs - Math.max(child.startNs, at.startNs);
    if (overlapNs <= lengthNs * OVERLAP_SHARE_MAX) return child;
  }
  return undefined;
}
