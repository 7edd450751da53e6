import { type BaselineSummary, type PlaceSummary, placeKey } from "./baseline.ts";
import { type Call, callKey, type Fact, factKey } from "./behaviour.ts";
import type { FactEvidence } from "./causality-evidence.ts";
import type { CausalityRules } from "./causality-rules.ts";
import { collectSequences } from "./causality-sequences.ts";
import { ComparedPlace, partOf } from "./compared-place.ts";
import { FactGroups } from "./fact-groups.ts";
import { arcsineDistance } from "./proportions.ts";

/** Doublings that a repeated call must exceed the baseline's most by: four times as many calls. */
const REPEAT_DOUBLINGS_MIN = 2;

/**
 * Facts that hold for another share of an operation's calls than in every baseline, given that the operation ran: a
 * changed mix of requests cancels (analyses.md, causality steps 6 and 7). A fact of a service is judged over all places
 * where it changed; chance and sample size are taken off.
 */
export function factEvidence(
  current: BaselineSummary,
  baselines: readonly BaselineSummary[],
  rules: CausalityRules,
): FactEvidence[] {
  const before = baselines.map(
    (baseline) => new Map(baseline.places.map((place) => [placeKey(place), place])),
  );
  const logged = current.logs > 0 && baselines.some((baseline) => baseline.logs > 0);
  const groups = new FactGroups(current);
  for (const now of current.places) {
    const then = before.flatMap((places) => places.get(placeKey(now)) ?? []);
    if (then.length === 0) continue;
    const compared = new ComparedPlace(now, then);
    for (const fact of compared.facts()) {
      if (isOn(fact, logged, rules)) collectPresence(compared, fact, groups);
    }
    // What hangs below a call is its answer: where that is missing, it is the call of its caller that tells.
    const isCall = now.kind === "client" || now.kind === "producer";
    if (rules.steps.stops && !isCall) collectSequences(compared, groups);
  }
  return groups.finish(rules);
}

function isOn(fact: Fact, logged: boolean, { steps }: CausalityRules): boolean {
  switch (fact.kind) {
    case "log":
      return steps.logs && logged;
    case "next":
      return steps.logs && steps.transitions && logged;
    case "call":
    case "repeat":
      return steps.calls;
    case "error":
    case "exception":
      return steps.errors;
    case "sequence":
      return false;
  }
}

function collectPresence(compared: ComparedPlace, fact: Fact, groups: FactGroups): void {
  const counts = compared.counts(fact);
  const baselines = counts.baselines.filter(({ of }) => of > 0);
  if (counts.of === 0 || baselines.length === 0) return;
  const baselineHeld = baselines.reduce((sum, { held }) => sum + held, 0);
  // A call seen before may come and go with the mix of requests; how it does so is left to the sequences.
  if (fact.kind === "call" && baselineHeld > 0) return;
  if (fact.kind === "repeat" && (baselineHeld > 0 || !isFarMore(compared, fact))) return;
  const distances = baselines.map(({ held, of }) => arcsineDistance(counts.held, counts.of, held, of));
  const gained = distances[0]! > 0;
  if (distances.some((distance) => distance === 0 || distance > 0 !== gained)) return;
  if (!gained && (fact.kind === "error" || fact.kind === "exception")) return;
  const unanswered =
    fact.kind === "call" ? unansweredCallee(compared, fact.call, groups.services) : undefined;
  groups.add(ruleOf(fact, unanswered), unanswered ?? compared.now.service, factKey(fact), {
    size: Math.min(...distances.map(Math.abs)),
    part: partOf(compared, fact, gained, counts),
    compared,
    share: counts.of / compared.now.calls,
  });
}

/** Far more calls of one kind than any baseline saw from one span. */
function isFarMore(compared: ComparedPlace, fact: Fact & { readonly kind: "repeat" }): boolean {
  let most = 0;
  for (const place of compared.earlier) {
    for (const { fact: other } of place.facts) {
      if (other.kind === "repeat" && callKey(other.call) === callKey(fact.call)) {
        most = Math.max(most, other.doublings);
      }
    }
  }
  return fact.doublings >= most + REPEAT_DOUBLINGS_MIN;
}

/**
 * Who is to blame for a call that used to be answered and is not: the callee when it fell silent or still answers some
 * of these calls, else the caller, whose calls get lost while the callee answers others. Undefined for other calls.
 */
function unansweredCallee(
  compared: ComparedPlace,
  call: Call,
  services: ReadonlySet<string>,
): string | undefined {
  if (call.callee !== "") return undefined;
  const answeredBy = (place: PlaceSummary) => {
    for (const { fact } of place.facts) {
      if (fact.kind === "call" && fact.call.name === call.name && fact.call.callee !== "")
        return fact.call.callee;
    }
    return undefined;
  };
  for (const place of compared.earlier) {
    const callee = answeredBy(place);
    if (callee === undefined) continue;
    const lost = services.has(callee) && answeredBy(compared.now) !== callee;
    return lost ? compared.now.service : callee;
  }
  return undefined;
}

function ruleOf(fact: Fact, unanswered: string | undefined): FactEvidence["rule"] {
  switch (fact.kind) {
    case "call":
      return unanswered === undefined ? "new_call" : "unanswered_call";
    case "repeat":
      return "repeated_call";
    case "error":
      return "error_status";
    case "exception":
      return "exception";
    default:
      return "log";
  }
}
