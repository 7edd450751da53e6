import type { FactEvidence, FactPart } from "./causality-evidence.ts";
import { isFailed } from "./failure.ts";
import type { TraceWindow } from "./window.ts";

/** The most that failures alone can say: they show where an error arose, not what it was before. */
const STRENGTH_MAX = 0.9;

/**
 * Evidence from failures without anything to compare with: the places whose spans failed, each as strong as the share
 * of failing traces that show it. That the deepest of a chain of failures is the origin and the others are
 * propagation is left to `explainEvidence`. Empty when nothing failed.
 */
export function errorEvidence(window: TraceWindow, inScope: (at: number) => boolean): FactEvidence[] {
  const failing = new Set<number>();
  const byPlace = new Map<number, { calls: number; failed: number; traces: Set<number> }>();
  for (let at = 0; at < window.nodes.length; at++) {
    const trace = window.trace[at]!;
    if (!inScope(at)) continue;
    const place = window.place[at]!;
    const counts = byPlace.get(place) ?? { calls: 0, failed: 0, traces: new Set<number>() };
    byPlace.set(place, counts);
    counts.calls += 1;
    if (!isFailed(window.nodes[at]!)) continue;
    counts.failed += 1;
    counts.traces.add(trace);
    failing.add(trace);
  }
  const evidence: FactEvidence[] = [];
  for (const [index, { calls, failed, traces }] of byPlace) {
    if (failed === 0) continue;
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
