import type { Evidence } from "./causality-evidence.ts";
import type { Shown } from "./causality-explain.ts";
import type { Operation, TraceWindow } from "./window.ts";

/**
 * The span to blame where the span at a position shows evidence: itself, or the one it called where evidence is
 * against the callee. -1 when the callee left no span.
 */
export function culpritAt(window: TraceWindow, at: number, evidence: Evidence): number {
  if (window.operations[window.operation[at]!]!.service === evidence.service) return at;
  const callee = window.callee[at]!;
  if (callee >= 0) return serviceAt(window, callee) === evidence.service ? callee : -1;
  // Evidence of what a span called is shown by the caller: the last call of it that the service answered.
  const node = window.nodes[at]!;
  for (let i = node.children.length - 1; i >= 0; i--) {
    const child = at - node.index + node.children[i]!;
    const answer = window.callee[child]! >= 0 ? window.callee[child]! : child;
    if (serviceAt(window, answer) === evidence.service) return answer;
  }
  return -1;
}

/** The operation that evidence points to, from the spans that show it; the caller's where the callee left none. */
export function culpritOperation(window: TraceWindow, evidence: Evidence, shown: Shown): Operation {
  for (const at of shown.samples) {
    const culprit = culpritAt(window, at, evidence);
    if (culprit >= 0) return window.operations[window.operation[culprit]!]!;
  }
  const { service, name, kind } = evidence.kind === "time" ? evidence.operation : evidence.parts[0]!.place;
  return { service, name, kind };
}

function serviceAt(window: TraceWindow, at: number): string {
  return window.operations[window.operation[at]!]!.service;
}
