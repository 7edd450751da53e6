import { callKey, factKey } from "./behaviour.ts";
import { type ComparedPlace, partOf } from "./compared-place.ts";
import type { FactGroups } from "./fact-groups.ts";
import { arcsineDistance } from "./proportions.ts";

/**
 * Sequences of calls. Where spans that used to go on now stop, the callee after which they stop is blamed, or the
 * operation itself where it stops before any call to another service:
 *
 * ```
 *   baseline  a b c d   70 %      now  a b c d   10 %      60 % moved from a sequence to its beginning: stopped after b
 *             a b        0 %           a b       60 %
 *             e         30 %           e         30 %
 * ```
 * Only what moved from a sequence to its own beginning counts, weighed by how completely the one vanished or how new
 * the other is, so that more requests of a kind that is short anyway do not look like a fault. A sequence never seen
 * before that is no beginning of another one skips a call, which is the operation's own doing.
 */
export function collectSequences(compared: ComparedPlace, groups: FactGroups): void {
  const { now } = compared;
  const baselineCalls = compared.earlier.reduce((sum, place) => sum + place.calls, 0);
  const sequences = compared.facts().flatMap((fact) => {
    if (fact.kind !== "sequence") return [];
    const counts = compared.counts(fact);
    const baselineHeld = counts.baselines.reduce((sum, { held }) => sum + held, 0);
    const share = counts.held / now.calls;
    const before = baselineHeld / baselineCalls;
    return [{ fact, keys: fact.calls.map(callKey), counts, baselineHeld, share, before }];
  });
  const known = new Set(sequences.flatMap(({ keys, baselineHeld }) => (baselineHeld > 0 ? keys : [])));
  for (const { fact, keys, counts, baselineHeld, share, before } of sequences) {
    if (share <= before) continue;
    let lost = 0;
    let lostOf = 0;
    for (const other of sequences) {
      if (other.share >= other.before || !isBeginning(keys, other.keys)) continue;
      lost += other.before - other.share;
      lostOf += other.before;
    }
    const moved = Math.min(share - before, lost);
    const part = partOf(compared, fact, true, counts);
    if (moved > 0) {
      const completeness = Math.max(lost / lostOf, 1 - before / share);
      const callee = fact.calls.at(-1)?.callee ?? "";
      const size = arcsineDistance(moved, 1, 0, 1) * completeness;
      const id = callee === "" ? "itself" : "callee";
      groups.add("stopped_after", callee === "" ? now.service : callee, id, {
        size,
        part,
        compared,
        share: 1,
      });
    } else if (baselineHeld === 0 && keys.every((key) => known.has(key))) {
      const size = arcsineDistance(share, 1, 0, 1);
      groups.add("skipped_call", now.service, factKey(fact), { size, part, compared, share: 1 });
    }
  }
}

function isBeginning(short: readonly string[], long: readonly string[]): boolean {
  return short.length < long.length && short.every((key, i) => key === long[i]);
}
