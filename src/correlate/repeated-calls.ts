import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { operationNamer } from "./operation.ts";
import { isCall } from "./peer.ts";
import { isRemote } from "./self-time.ts";
import { mergeClipped } from "./span-interval.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** One operation that a span did over and over: the N of an N+1. */
export interface RepeatedCalls<S extends Span = Span> {
  /** Position of the span they were made under. */
  readonly parent: number;
  readonly parentSpan: S;
  /** Positions of the repeated spans, by start. */
  readonly members: readonly number[];
  readonly service: string;
  /** What was repeated (`operationNamer`). */
  readonly operation: string;
  /** The call that each member makes: the operation itself, or the first call below a member that only wraps it. */
  readonly call: string;
  readonly count: number;
  readonly errors: number;
  /** One after the other, or at the same time (overlapping by more than 5 % in all). */
  readonly mode: "sequential" | "parallel";
  /** Durations added up. */
  readonly totalNs: number;
  /** Time during which at least one was running. */
  readonly wallNs: number;
  /** `wallNs` less the longest member: what one call for all of them might save, taking as long as the slowest. */
  readonly savedNs: number;
}

/** So many of one kind under one parent are worth a word. */
const REPEATS_MIN = 5;
const OVERLAP_SHARE_MAX = 0.05;

/**
 * Finds operations repeated under one parent, the costliest first: calls (client and producer spans, database
 * spans, spans of another service) and spans that only wrap one. Plain repeated work is not reported. Empty when
 * nothing repeats `repeatsMin` times. O(n log n), no recursion.
 */
export function findRepeatedCalls<S extends Span, L extends LogRecord>(
  tree: TraceTree<S, L>,
  repeatsMin: number = REPEATS_MIN,
): RepeatedCalls<S>[] {
  const { nodes } = tree;
  const nameOf = operationNamer();
  const callBelow = firstCallsBelow(nodes);
  const found: RepeatedCalls<S>[] = [];
  for (const parent of nodes) {
    if (parent.children.length < repeatsMin) continue;
    const groups = new Map<string, number[]>();
    for (const index of parent.children) {
      const call = nodes[callBelow[index]!];
      if (call === undefined) continue;
      const { span } = nodes[index]!;
      const key = JSON.stringify([span.resource.service, span.spanKind, nameOf(span), nameOf(call.span)]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [index]);
      else group.push(index);
    }
    for (const members of groups.values()) {
      if (members.length < repeatsMin) continue;
      const first = nodes[members[0]!]!.span;
      found.push({
        parent: parent.index,
        parentSpan: parent.span,
        members,
        service: first.resource.service,
        operation: nameOf(first),
        call: nameOf(nodes[callBelow[members[0]!]!]!.span),
        ...measure(members.map((index) => nodes[index]!)),
      });
    }
  }
  return found.sort((a, b) => b.savedNs - a.savedNs || b.count - a.count || a.parent - b.parent);
}

function measure(members: readonly TraceNode[]) {
  let totalNs = 0;
  let longestNs = 0;
  let errors = 0;
  for (const { startNs, endNs, span } of members) {
    totalNs += endNs - startNs;
    longestNs = Math.max(longestNs, endNs - startNs);
    if (span.statusCode === "error") errors += 1;
  }
  const wallNs = mergeClipped({ startNs: -Infinity, endNs: Infinity }, members).totalNs;
  const overlaps = totalNs - wallNs > totalNs * OVERLAP_SHARE_MAX;
  const mode: "sequential" | "parallel" = overlaps ? "parallel" : "sequential";
  return { count: members.length, errors, mode, totalNs, wallNs, savedNs: wallNs - longestNs };
}

/** By position: the span itself when it is a call, else the first call below it, else -1. */
function firstCallsBelow(nodes: readonly TraceNode[]): Int32Array {
  const below = new Int32Array(nodes.length).fill(-1);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const { parent, span } = nodes[i]!;
    const remote = parent >= 0 && isRemote(span, nodes[parent]!.span);
    if (remote || isCall(span)) below[i] = i;
    if (parent >= 0 && below[i]! >= 0) below[parent] = below[i]!;
  }
  return below;
}
