import type { Span } from "../model/span.ts";
import { coveredBefore, mergeClipped } from "./span-interval.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** Self time by position in `TraceTree.nodes`. */
export interface SelfTimes {
  /**
   * Time in ns that the span spent on its own: its duration, less what its children cover, less what it only
   * waited beside a sibling's remote call. Never negative.
   */
  readonly selfNs: Float64Array;
  /**
   * Of a caller (client or producer span): the first child that ran on the other side, else -1. Where there is
   * one, `selfNs` is the edge gap, time between leaving the caller and arriving at the callee and back, and is
   * no work of the caller.
   */
  readonly remoteChild: Int32Array;
}

/**
 * Self time of every span of a tree (analyses.md, causality step 2). O(n log n), no recursion.
 *
 * ```
 *  parent   |==================|     self: what no child covers   |==      ===    =|
 *    call      |======|              a remote call: client span, or span of another service
 *    leaf       |====|               waits beside it: self 0, not 4
 *    call               |====|
 * ```
 * A leaf waits when it calls nobody itself, ran in its parent's service and overlaps a sibling's remote call:
 * that much is taken off. Children reaching out of their parent are clipped to it. A consumer under a producer
 * does not block it and covers nothing.
 */
export function selfTimes(tree: TraceTree): SelfTimes {
  const { nodes } = tree;
  const selfNs = new Float64Array(nodes.length);
  const remoteChild = remoteChildren(nodes);
  for (const node of nodes) selfNs[node.index] = node.endNs - node.startNs - coveredByChildren(nodes, node);
  for (const node of nodes) {
    const calls = remoteCalls(nodes, node);
    if (calls.length === 0 || calls.length === node.children.length) continue;
    const remote = mergeClipped(node, calls);
    for (const child of node.children) {
      const leaf = nodes[child]!;
      if (!mayWait(leaf, node)) continue;
      selfNs[child]! -= coveredBefore(remote, leaf.endNs) - coveredBefore(remote, leaf.startNs);
    }
  }
  return { selfNs, remoteChild };
}

/**
 * False for a consumer span under a producer: it is work handed over, which the producer does not wait for. All
 * other children block their parent, since OpenTelemetry has no mark for those that do not.
 */
export function blocksParent(child: Span, parent: Span): boolean {
  return !(parent.spanKind === "producer" && child.spanKind === "consumer");
}

/** True when the child ran on the other side of a call: it receives one, or belongs to another service. */
export function isRemote(child: Span, parent: Span): boolean {
  if (child.resource.service !== parent.resource.service) return true;
  const receives = child.spanKind === "server" || child.spanKind === "consumer";
  return receives && isCaller(parent);
}

/** Client and producer spans: they stand for a call that leaves the process. */
export function isCaller(span: Span): boolean {
  return span.spanKind === "client" || span.spanKind === "producer";
}

/** By position: the first child of a caller that ran on the other side, else -1, as in `SelfTimes.remoteChild`. */
export function remoteChildren(nodes: readonly TraceNode[]): Int32Array {
  const remoteChild = new Int32Array(nodes.length).fill(-1);
  for (const node of nodes) {
    if (!isCaller(node.span)) continue;
    remoteChild[node.index] = node.children.find((child) => isRemote(nodes[child]!.span, node.span)) ?? -1;
  }
  return remoteChild;
}

/** Time of a span that its children cover. As `mergeClipped(…).totalNs`, without keeping the pieces. */
function coveredByChildren(nodes: readonly TraceNode[], node: TraceNode): number {
  let coveredNs = 0;
  let untilNs = node.startNs;
  for (const index of node.children) {
    const child = nodes[index]!;
    if (child.endNs <= untilNs || !blocksParent(child.span, node.span)) continue;
    const fromNs = Math.max(child.startNs, untilNs);
    const toNs = Math.min(child.endNs, node.endNs);
    if (toNs <= fromNs) continue;
    coveredNs += toNs - fromNs;
    untilNs = toNs;
  }
  return coveredNs;
}

/** Children that stand for remote calls: client spans, and spans of another service. */
function remoteCalls(nodes: readonly TraceNode[], parent: TraceNode): readonly TraceNode[] {
  const calls: TraceNode[] = [];
  if (parent.children.length < 2) return calls;
  const { service } = parent.span.resource;
  for (const index of parent.children) {
    const child = nodes[index]!;
    const { spanKind, resource } = child.span;
    if (spanKind === "client" || resource.service !== service) calls.push(child);
  }
  return calls;
}

function mayWait(leaf: TraceNode, parent: TraceNode): boolean {
  if (leaf.children.length > 0 || isCaller(leaf.span)) return false;
  return leaf.span.resource.service === parent.span.resource.service;
}
