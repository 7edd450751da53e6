import type { FactEvidence, FactPart } from "./causality-evidence.ts";
import { isFailed } from "./failure.ts";
import type { TraceWindow } from "./window.ts";

/** The most that failures alone can say: they show where an error arose, not what it was before. */
const STRENGTH_MAX = 0.9;

/**
 * Evidence from failures without anything to compare with: the places whose spans failed, each as strong as the share
 * of failing traces that show it. Places where failures began, with no failed span below them, come first: equal
 * evidence against one service is told in this order. That failures of other services above are propagation is left to
 * `explainEvidence`. Empty when nothing failed.
 */
export function errorEvidence(window: TraceWindow, inScope: (at: number) => boolean): FactEvidence[] {
  const failing = new Set<number>();
  const byPlace = new Map<number, { calls: number; failed: number; began: number; traces: Set<number> }>();
  const failedBelow = new Uint8Array(window.nodes.length);
  for (let at = window.nodes.length - 1; at >= 0; at--) {
    const parent = window.parent[at]!;
    if (parent >= 0 && (failedBelow[at] === 1 || isFailed(window.nodes[at]!))) failedBelow[parent] = 1;
  }
  for (let at = 0; at < window.nodes.length; at++) {
    const trace = window.trace[at]!;
    if (!inScope(at)) continue;
    const place = window.place[at]!;
    const counts = byPlace.get(place) ?? { calls: 0, failed: 0, began: 0, traces: new Set<number>() };
    byPlace.set(place, counts);
    counts.calls += 1;
    if (!isFailed(window.nodes[at]!)) continue;
    counts.failed += 1;
    counts.began += 1 - failedBelow[at]!;
    counts.traces.add(trace);
    failing.add(trace);
  }
  const evidence: FactEvidence[] = [];
  const places = [...byPlace].filter(([, { failed }]) => failed > 0);
  places.sort(([, a], [, b]) => b.began / b.failed - a.began / a.failed);
  for (const [index, { calls, failed, traces }] of places) {
    const place = window.places[index]!;
    const fact = { kind: "error" } as const;
    const part: FactPart = {
      place,
      fact,
      gained: true,
      held: failed,
      of: calls,
      baselineHeld: 0,
      baselineOf: 0,
    };
    evidence.push({
      kind: "fact",
      rule: "error_status",
      service: place.service,
      fact,
      gained: true,
      parts: [part],
      strength: STRENGTH_MAX * (traces.size / failing.size),
      g: 0,
    });
  }
  return evidence;
}
