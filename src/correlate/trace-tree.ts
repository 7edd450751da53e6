import type { LogRecord } from "../model/log.ts";
import { logTimeNs } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { displayOrder } from "./display-order.ts";
import { foldDuplicates } from "./fold-duplicates.ts";
import { hostNamer } from "./host.ts";
import { linkParents, PARENT_MISSING, SpanFinder } from "./parent-links.ts";
import { originOf, relativeNs } from "./relative-time.ts";

/** One span at its place in the tree. Positions are indices into `TraceTree.nodes`. */
export interface TraceNode<S extends Span = Span, L extends LogRecord = LogRecord> {
  readonly span: S;
  /** This node's own position. */
  readonly index: number;
  /** -1 for a head: a root or an orphan. */
  readonly parent: number;
  /** By start, then arrival. */
  readonly children: readonly number[];
  /** 0 for heads. */
  readonly depth: number;
  /**
   * Start and end in ns since `TraceTree.originNs`, shifted by `skewNs`; whole numbers, and never `endNs <
   * startNs`. The exact times as sent are in `span`. An open span ends at the latest instant known of it or
   * below it; a span whose end precedes its start has no length.
   */
  readonly startNs: number;
  readonly endNs: number;
  /** Clock offset that was added to both times; 0 unless offsets were given. */
  readonly skewNs: number;
  /** Records that name this span, by time. */
  readonly logs: readonly L[];
  /** It names a parent that is not held. */
  readonly orphan: boolean;
  /** It named a parent, and the link was cut because it closed a cycle. */
  readonly cycleBroken: boolean;
  /** Sent without an end: still running, or never ended. */
  readonly open: boolean;
  /** It arrived after the caller's mark. */
  readonly late: boolean;
  /** Its end precedes its start. */
  readonly negative: boolean;
  /** Too far from the others in time (over 104 days) for exact numbers: `startNs` or `endNs` is a bound. */
  readonly clamped: boolean;
  /** Further copies that were folded into it. */
  readonly duplicates: number;
}

/** A span that others name as their parent, but that is not held. */
export interface MissingParent {
  readonly spanId: string;
  /** Positions of the orphans that name it, by start. */
  readonly children: readonly number[];
}

/**
 * All that is held of a trace, as a forest in display order:
 *
 * ```
 *  nodes  0 root            roots   [0, 3]      heads that name no parent, or whose cycle was cut; by start
 *         1   child         orphans [4]         heads whose parent is not held; by start, after all roots
 *         2     grandchild
 *         3 second root     Pre-order: a node's subtree follows it at once, so a walk over `nodes` backwards
 *         4 orphan          meets children before their parents, without recursion.
 * ```
 * No node is invented for what is missing: `missingParents` names it, and whoever draws the tree gathers
 * `orphans` under one line.
 */
export interface TraceTree<S extends Span = Span, L extends LogRecord = LogRecord> {
  /** Of the first span, else of the first log; `""` when there is neither. */
  readonly traceId: string;
  /** Zero of all node times: the earliest start. 0n without spans. */
  readonly originNs: bigint;
  readonly nodes: readonly TraceNode<S, L>[];
  readonly roots: readonly number[];
  readonly orphans: readonly number[];
  readonly missingParents: readonly MissingParent[];
  /** Records at the trace: they name no span, or one that is not held. By time. */
  readonly logs: readonly L[];
  /** Records of the trace that the store no longer has, as the caller counted them. */
  readonly lost: number;
  readonly duplicates: number;
  /** Something is missing: records were lost, or a parent is not held. */
  readonly partial: boolean;
  readonly open: boolean;
  readonly late: boolean;
  readonly cycleBroken: boolean;
  readonly skewAdjusted: boolean;
}

export interface TraceTreeOptions<S extends Span> {
  /** Records of this trace that were evicted or expired. */
  readonly lost?: number;
  /** Says which spans arrived late, by the caller's own mark (arrival is not part of a span). */
  readonly isLate?: (span: S) => boolean;
  /** Offset in ns by host (`hostOf`), added to the times of its spans, as `estimateClockSkew` gives them. */
  readonly clockOffsetsNs?: ReadonlyMap<string, number>;
}

/**
 * Orders the spans and logs of one trace as a tree. Takes any input: duplicates are folded, cycles cut, orphans
 * kept as heads, and every other span is in `nodes` exactly once. Spans in order of arrival break ties of start.
 * Without spans `nodes` is empty. O(n log n), no recursion.
 */
export function buildTraceTree<S extends Span, L extends LogRecord>(
  spans: readonly S[],
  logs: readonly L[],
  options: TraceTreeOptions<S> = {},
): TraceTree<S, L> {
  const folded = foldDuplicates(spans);
  const finder = new SpanFinder(folded);
  const links = linkParents(folded.spans, finder);
  const times = timesOf(folded.spans, options.clockOffsetsNs);
  const order = displayOrder(links.parent, times.startNs);

  const nodes: Growing<S, L>[] = [];
  const positionOf = new Int32Array(folded.spans.length);
  const roots: number[] = [];
  const orphans: number[] = [];
  for (const at of order) {
    const index = nodes.length;
    const link = links.parent[at]!;
    const parent = link >= 0 ? positionOf[link]! : -1;
    positionOf[at] = index;
    const span = folded.spans[at]!;
    const bits = times.bits[at]!;
    nodes.push({
      span,
      index,
      parent,
      children: [],
      depth: parent < 0 ? 0 : nodes[parent]!.depth + 1,
      startNs: times.startNs[at]!,
      endNs: times.endNs[at]!,
      skewNs: times.skewNs[at]!,
      logs: [],
      orphan: link === PARENT_MISSING,
      cycleBroken: false,
      open: (bits & OPEN) !== 0,
      late: options.isLate?.(span) ?? false,
      negative: (bits & NEGATIVE) !== 0,
      clamped: (bits & CLAMPED) !== 0,
      duplicates: folded.duplicates[at]!,
    });
    if (parent >= 0) nodes[parent]!.children.push(index);
    else (link === PARENT_MISSING ? orphans : roots).push(index);
  }
  for (const at of links.cut) nodes[positionOf[at]!]!.cycleBroken = true;

  const unplaced = placeLogs(logs, finder, nodes, positionOf);
  const open = endOpenSpans(nodes, times.originNs);
  return {
    traceId: spans[0]?.traceId ?? logs[0]?.traceId ?? "",
    originNs: times.originNs,
    nodes,
    roots,
    orphans,
    missingParents: missingParentsOf(nodes, orphans),
    logs: unplaced,
    lost: options.lost ?? 0,
    duplicates: folded.duplicateCount,
    partial: (options.lost ?? 0) > 0 || orphans.length > 0,
    open,
    late: nodes.some((node) => node.late),
    cycleBroken: links.cut.length > 0,
    skewAdjusted: times.skewNs.some((skew) => skew !== 0),
  };
}

/** A node while the tree is being built. */
type Growing<S extends Span, L extends LogRecord> = Omit<
  TraceNode<S, L>,
  "children" | "logs" | "endNs" | "cycleBroken"
> & { children: number[]; logs: L[]; endNs: number; cycleBroken: boolean };

const OPEN = 1;
const NEGATIVE = 2;
const CLAMPED = 4;

interface Times {
  readonly originNs: bigint;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  readonly skewNs: Float64Array;
  /** OPEN | NEGATIVE | CLAMPED */
  readonly bits: Uint8Array;
}

/** Times by position in `spans`, relative to the origin. */
function timesOf(spans: readonly Span[], offsets: ReadonlyMap<string, number> | undefined): Times {
  const count = spans.length;
  const hostOf = hostNamer();
  const times: Times = {
    originNs: originOf(spans),
    startNs: new Float64Array(count),
    endNs: new Float64Array(count),
    skewNs: new Float64Array(count),
    bits: new Uint8Array(count),
  };
  for (let i = 0; i < count; i++) {
    const span = spans[i]!;
    const open = span.endNs === 0n;
    const negative = !open && span.endNs < span.startNs;
    const start = relativeNs(span.startNs, times.originNs);
    const end = open || negative ? start : relativeNs(span.endNs, times.originNs);
    const skew = offsets === undefined ? 0 : (offsets.get(hostOf(span)) ?? 0);
    times.startNs[i] = start.ns + skew;
    times.endNs[i] = end.ns + skew;
    times.skewNs[i] = skew;
    times.bits[i] =
      (open ? OPEN : 0) | (negative ? NEGATIVE : 0) | (start.clamped || end.clamped ? CLAMPED : 0);
  }
  return times;
}

/** Puts each log at the span it names; returns the others, by time. */
function placeLogs<S extends Span, L extends LogRecord>(
  logs: readonly L[],
  finder: SpanFinder,
  nodes: readonly Growing<S, L>[],
  positionOf: Int32Array,
): L[] {
  const unplaced: L[] = [];
  const timed = logs.map((log) => ({ log, timeNs: logTimeNs(log) }));
  timed.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  for (const { log, timeNs } of timed) {
    const at = log.spanId === "" ? -1 : finder.find(log.spanId, log.resource.service, timeNs, -1);
    if (at < 0) unplaced.push(log);
    else nodes[positionOf[at]!]!.logs.push(log);
  }
  return unplaced;
}

/** Ends each open span at the latest instant known of it or below it. Returns whether any is open. */
function endOpenSpans<S extends Span, L extends LogRecord>(
  nodes: readonly Growing<S, L>[],
  originNs: bigint,
): boolean {
  let any = false;
  for (const node of nodes) any ||= node.open;
  if (!any) return false;
  const latest = Float64Array.from(nodes, (node) => node.endNs);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (node.open) {
      const seen = [...node.span.events.map((event) => event.timeNs), ...node.logs.map(logTimeNs)];
      for (const timeNs of seen) {
        latest[i] = Math.max(latest[i]!, relativeNs(timeNs, originNs).ns + node.skewNs);
      }
      node.endNs = latest[i]!;
    }
    if (node.parent >= 0) latest[node.parent] = Math.max(latest[node.parent]!, latest[i]!);
  }
  return true;
}

function missingParentsOf(nodes: readonly TraceNode[], orphans: readonly number[]): MissingParent[] {
  const childrenOf = new Map<string, number[]>();
  for (const index of orphans) {
    const missing = nodes[index]!.span.parentSpanId;
    const children = childrenOf.get(missing);
    if (children === undefined) childrenOf.set(missing, [index]);
    else children.push(index);
  }
  return Array.from(childrenOf, ([spanId, children]) => ({ spanId, children }));
}
