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
 *    call      |======|              a remote call: client span, or with a child in another service
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
  for (const node of nodes) {
    const covered = mergeClipped(node, blockingChildren(nodes, node));
    selfNs[node.index] = node.endNs - node.startNs - covered.totalNs;
  }
  for (const node of nodes) {
    const remoteCalls = node.children.filter((child) => isRemoteCall(nodes, remoteChild, child));
    if (remoteCalls.length === 0 || remoteCalls.length === node.children.length) continue;
    const remote = mergeClipped(
      node,
      remoteCalls.map((child) => nodes[child]!),
    );
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

function blockingChildren(nodes: readonly TraceNode[], node: TraceNode): TraceNode[] {
  const children: TraceNode[] = [];
  for (const child of node.children) {
    if (blocksParent(nodes[child]!.span, node.span)) children.push(nodes[child]!);
  }
  return children;
}

function isRemoteCall(nodes: readonly TraceNode[], remoteChild: Int32Array, index: number): boolean {
  const node = nodes[index]!;
  if (node.span.spanKind === "client" || remoteChild[index]! >= 0) return true;
  return node.parent >= 0 && node.span.resource.service !== nodes[node.parent]!.span.resource.service;
}

function mayWait(leaf: TraceNode, parent: TraceNode): boolean {
  if (leaf.children.length > 0 || isCaller(leaf.span)) return false;
  return leaf.span.resource.service === parent.span.resource.service;
}
