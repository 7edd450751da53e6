import { operationKey, placeKey } from "./baseline.ts";
import { factKey } from "./behaviour.ts";
import { EVIDENCE_MAX } from "./finding.ts";
import type { FactView } from "./regression-facts.ts";
import type { PresenceView } from "./regression-presence.ts";
import { type SummarizedWindow, statusOf } from "./regression-summary.ts";
import { testRunOf } from "./test-case.ts";

/** Finds spans of a window that show a change: positions in the window, at most three; empty when none does. */
export function evidenceIn(now: SummarizedWindow): FactView & PresenceView {
  const { window, facts } = now;
  const { nodes } = window;
  const ofOperation = positionsBy(window.operation, window.operations.map(operationKey));
  const ofPlace = positionsBy(window.place, window.places.map(placeKey));
  const factIds = new Map(facts.facts.map((fact, id) => [factKey(fact), id]));
  const holdsAt = (at: number, id: number) =>
    facts.ids.subarray(facts.first[at]!, facts.first[at + 1]!).includes(id);
  const slowest = (positions: readonly number[]) => {
    let best: number | undefined;
    const duration = (at: number) => nodes[at]!.endNs - nodes[at]!.startNs;
    for (const at of positions) if (best === undefined || duration(at) > duration(best)) best = at;
    return best === undefined ? [] : [best];
  };
  const first = (positions: readonly number[] | undefined, wanted: (at: number) => boolean) => {
    const found: number[] = [];
    for (const at of positions ?? []) {
      if (wanted(at)) found.push(at);
      if (found.length === EVIDENCE_MAX) break;
    }
    return found;
  };
  return {
    operation: (operation) => slowest(ofOperation.get(operationKey(operation)) ?? []),
    failing: (operation) =>
      first(ofOperation.get(operationKey(operation)), (at) => nodes[at]!.span.statusCode === "error"),
    showing: (place: Parameters<typeof placeKey>[0], fact: Parameters<typeof factKey>[0], holds: boolean) => {
      const id = factIds.get(factKey(fact)) ?? -1;
      return first(ofPlace.get(placeKey(place)), (at) => holdsAt(at, id) === holds);
    },
    withStatus: (count) =>
      first(ofOperation.get(operationKey(count)), (at) => statusOf(nodes[at]!.span) === count.status),
    test: (id, failed) =>
      first([...nodes.keys()], (at) => {
        const run = testRunOf(nodes[at]!.span);
        return run?.id === id && (run.result === "fail") === failed;
      }),
    severityOf: (template) => now.severityOf.get(template) ?? 0,
  };
}

function positionsBy(column: Uint32Array, keys: readonly string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>();
  column.forEach((index, at) => {
    const key = keys[index]!;
    const list = positions.get(key);
    if (list === undefined) positions.set(key, [at]);
    else list.push(at);
  });
  return positions;
}
