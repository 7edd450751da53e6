import { type BaselineSummary, type PlaceSummary, placeKey } from "./baseline.ts";
import { type Call, callKey, type Fact, factKey } from "./behaviour.ts";
import type { EvidenceRule, FactEvidence, FactPart } from "./causality-evidence.ts";
import type { CausalityRules } from "./causality-rules.ts";
import { arcsineDistance, gStatistic } from "./proportions.ts";

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
  const groups = new Groups();
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

/** A place of the window beside the same place in the baselines that hold it. */
class ComparedPlace {
  readonly now: PlaceSummary;
  readonly earlier: readonly PlaceSummary[];
  readonly #now: ReadonlyMap<string, number>;
  readonly #earlier: readonly ReadonlyMap<string, number>[];

  constructor(now: PlaceSummary, earlier: readonly PlaceSummary[]) {
    this.now = now;
    this.earlier = earlier;
    this.#now = callsByFact(now);
    this.#earlier = earlier.map(callsByFact);
  }

  /** Every fact that held anywhere, once. */
  facts(): Fact[] {
    const facts = new Map<string, Fact>();
    for (const place of [this.now, ...this.earlier]) {
      for (const { fact } of place.facts) facts.set(factKey(fact), fact);
    }
    return [...facts.values()];
  }

  /** How often a fact held, and of how many calls: those that came to the log record before it, for a transition. */
  counts(fact: Fact): Counts {
    const key = factKey(fact);
    const given = fact.kind === "next" && fact.template !== null ? `log ${fact.template}` : undefined;
    const of = (place: PlaceSummary, held: ReadonlyMap<string, number>) =>
      given === undefined ? place.calls : (held.get(given) ?? 0);
    return {
      held: this.#now.get(key) ?? 0,
      of: of(this.now, this.#now),
      baselines: this.earlier.map((place, i) => ({
        held: this.#earlier[i]!.get(key) ?? 0,
        of: of(place, this.#earlier[i]!),
      })),
    };
  }
}

interface Counts {
  readonly held: number;
  readonly of: number;
  readonly baselines: readonly { readonly held: number; readonly of: number }[];
}

function collectPresence(compared: ComparedPlace, fact: Fact, groups: Groups): void {
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
  const unanswered = fact.kind === "call" ? unansweredCallee(compared, fact.call) : undefined;
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

/** Who used to answer a call that nobody answers now. */
function unansweredCallee(compared: ComparedPlace, call: Call): string | undefined {
  if (call.callee !== "") return undefined;
  for (const place of compared.earlier) {
    for (const { fact } of place.facts) {
      if (fact.kind === "call" && fact.call.name === call.name && fact.call.callee !== "")
        return fact.call.callee;
    }
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
function collectSequences(compared: ComparedPlace, groups: Groups): void {
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

function partOf(compared: ComparedPlace, fact: Fact, gained: boolean, counts: Counts): FactPart {
  const { service, name, kind, entry } = compared.now;
  return {
    place: { service, name, kind, entry },
    fact,
    gained,
    held: counts.held,
    of: counts.of,
    baselineHeld: counts.baselines.reduce((sum, { held }) => sum + held, 0),
    baselineOf: counts.baselines.reduce((sum, { of }) => sum + of, 0),
  };
}

function callsByFact(place: PlaceSummary): Map<string, number> {
  return new Map(place.facts.map(({ fact, calls }) => [factKey(fact), calls]));
}

/** One place's share in a group: how much changed there, and how many traces say so. */
interface Contribution {
  /** Size of the change, 0 to 1. */
  readonly size: number;
  readonly part: FactPart;
  readonly compared: ComparedPlace;
  /** Share of the place's calls that could show the fact. */
  readonly share: number;
}

interface Group {
  readonly rule: FactEvidence["rule"];
  readonly service: string;
  readonly parts: FactPart[];
  g: number;
  /** Sum of sizes weighed by traces. */
  weighed: number;
  traces: number;
  baselineTraces: number;
}

/** Evidence gathered by service, rule and fact. */
class Groups {
  readonly #groups = new Map<string, Group>();

  add(
    rule: Exclude<EvidenceRule, "self_time" | "edge_gap">,
    service: string,
    id: string,
    from: Contribution,
  ): void {
    const key = `${rule}\n${service}\n${from.part.gained}\n${id}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { rule, service, parts: [], g: 0, weighed: 0, traces: 0, baselineTraces: 0 };
      this.#groups.set(key, group);
    }
    const { now, earlier } = from.compared;
    const { held, of, baselineHeld, baselineOf } = from.part;
    // Spans of one trace are not independent: counts are scaled down to traces.
    const byTrace = now.traces / now.calls;
    const traces = now.traces * from.share;
    group.parts.push(from.part);
    group.g += gStatistic(held, of, baselineHeld, baselineOf) * byTrace;
    group.weighed += from.size * traces;
    group.traces += traces;
    const baselineCalls = earlier.reduce((sum, place) => sum + place.calls, 0);
    const baselineTraces = earlier.reduce((sum, place) => sum + place.traces, 0);
    group.baselineTraces += baselineTraces * (baselineOf / baselineCalls);
  }

  finish(rules: CausalityRules): FactEvidence[] {
    const found: FactEvidence[] = [];
    for (const { rule, service, parts, g, weighed, traces, baselineTraces } of this.#groups.values()) {
      if (g < rules.gMin) continue;
      const error = (rules.standardErrors / Math.PI) * Math.sqrt(1 / traces + 1 / baselineTraces);
      const size = weighed / traces - error;
      if (size <= 0) continue;
      const strength = size * (1 - Math.exp(-g / rules.gChance));
      const { fact, gained } = parts[0]!;
      found.push({ kind: "fact", rule, service, fact, gained, parts, strength, g });
    }
    return found;
  }
}
