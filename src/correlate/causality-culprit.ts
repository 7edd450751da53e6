import type { Evidence } from "./causality-evidence.ts";
import type { Shown } from "./causality-explain.ts";
import type { Operation, TraceWindow } from "./window.ts";

/**
 * The span to blame where the span at a position shows evidence: itself, or the one it called where evidence is
 * against the callee, or its call to it where the callee left no span. -1 when there is not even that.
 */
export function culpritAt(window: TraceWindow, at: number, evidence: Evidence): number {
  if (serviceAt(window, at) === evidence.service) return at;
  const callee = window.callee[at]!;
  if (callee >= 0) return serviceAt(window, callee) === evidence.service ? callee : -1;
  // Evidence of what a span called is shown by the caller: the last call of it that the service answered.
  const node = window.nodes[at]!;
  for (let i = node.children.length - 1; i >= 0; i--) {
    const child = at - node.index + node.children[i]!;
    const answer = window.callee[child]! >= 0 ? window.callee[child]! : child;
    if (serviceAt(window, answer) === evidence.service) return answer;
  }
  const { fact } = evidence.kind === "fact" ? evidence : NO_FACT;
  if (fact?.kind !== "call") return -1;
  const call = node.children.find(
    (child) => operationAt(window, at - node.index + child).name === fact.call.name,
  );
  return call === undefined ? -1 : at - node.index + call;
}

const NO_FACT = { fact: undefined };

/** The operation that evidence points to, from the spans that show it; the caller's where the callee left none. */
export function culpritOperation(window: TraceWindow, evidence: Evidence, shown: Shown): Operation {
  const silent =
    evidence.kind === "fact" && evidence.parts.every(({ place }) => place.service !== evidence.service);
  if (silent && evidence.rule === "unanswered_call" && evidence.fact.kind === "call") {
    return { service: evidence.service, name: evidence.fact.call.name, kind: "server" };
  }
  for (const at of shown.samples) {
    const culprit = culpritAt(window, at, evidence);
    if (culprit >= 0) return operationAt(window, culprit);
  }
  const { service, name, kind } = evidence.kind === "time" ? evidence.operation : evidence.parts[0]!.place;
  return { service, name, kind };
}

function operationAt(window: TraceWindow, at: number): Operation {
  return window.operations[window.operation[at]!]!;
}

function serviceAt(window: TraceWindow, at: number): string {
  return operationAt(window, at).service;
}
