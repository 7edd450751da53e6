import type { BaselineSummary } from "./baseline.ts";
import { operationKey } from "./baseline.ts";
import type { Evidence, EvidenceRule, TimeEvidence } from "./causality-evidence.ts";
import type { Explained } from "./causality-explain.ts";
import type { CausalityRules } from "./causality-rules.ts";
import { effectWeight, timeStrength } from "./causality-time.ts";
import { EMPTY_HISTOGRAM, histogramQuantile, mergeHistograms } from "./log-histogram.ts";
import { requestDurations } from "./summarize.ts";
import type { Operation, TraceWindow } from "./window.ts";

const REQUEST_NS_MIN = 1_000_000;

/** How much a service is to blame. */
export interface ServiceScore {
  readonly service: string;
  /** 0 to 1; comparable within one diagnosis. */
  readonly score: number;
  /** The operation that the strongest evidence points to. */
  readonly operation: Operation;
  /** Numbers of its evidence, strongest first, with what is left of each when explained parts are taken off. */
  readonly evidence: readonly { readonly number: number; readonly weight: number }[];
}

/**
 * Adds up the evidence of each service, best score first (analyses.md, causality step 9):
 *
 * ```
 *   score = 1 − (1 − time) · Π (1 − fact · (1 − 0.85 · explained) · ½^i)      i = 0, 1, … over its facts, strongest first,
 *                                                                           log records, calls and errors each by themselves
 * ```
 * Time is judged once for all of a service's operations: time added ÷ normal duration of the requests that show it.
 * `operationOf` names the operation that a piece of evidence points to.
 */
export function scoreServices(
  window: TraceWindow,
  baselines: readonly BaselineSummary[],
  evidence: readonly Evidence[],
  explained: Explained,
  operationOf: (number: number) => Operation,
  rules: CausalityRules,
): ServiceScore[] {
  const normalNs = normalDurations(window, baselines);
  const byService = new Map<string, number[]>();
  evidence.forEach(({ service }, number) => {
    const numbers = byService.get(service);
    if (numbers === undefined) byService.set(service, [number]);
    else numbers.push(number);
  });
  const suspects = Array.from(byService, ([service, numbers]) => {
    const timed = numbers.filter((number) => evidence[number]!.kind === "time");
    let innocence = 1 - timeScore(timed, evidence as readonly TimeEvidence[], explained, normalNs, rules);
    const weighed = numbers.map((number) => ({
      number,
      weight:
        evidence[number]!.strength * (1 - rules.explainedWeight * explained.shown[number]!.explainedShare),
    }));
    weighed.sort((a, b) => b.weight - a.weight || a.number - b.number);
    const further = { log: 1, call: 1, error: 1 };
    for (const { number, weight } of weighed) {
      const item = evidence[number]!;
      if (item.kind === "time") continue;
      const family = familyOf(item.rule);
      innocence *= 1 - weight * further[family];
      further[family] *= rules.furtherFact;
    }
    return { service, innocence, weighed };
  });
  suspects.sort((a, b) => a.innocence - b.innocence || (a.service < b.service ? -1 : 1));
  const scores: ServiceScore[] = [];
  let before = Number.POSITIVE_INFINITY;
  let last = 1;
  for (const { service, innocence, weighed } of suspects) {
    // Near 1 a double runs out of digits: what differs must not come out equal.
    const score = Math.min(1 - innocence, innocence > before ? last - Number.EPSILON : last);
    if (score <= 0) continue;
    scores.push({ service, score, operation: operationOf(weighed[0]!.number), evidence: weighed });
    before = innocence;
    last = score;
  }
  return scores;
}

/** Facts of one family come together, those of different families speak for themselves. */
function familyOf(rule: EvidenceRule): "log" | "call" | "error" {
  if (rule === "log") return "log";
  return rule === "error_status" || rule === "exception" ? "error" : "call";
}

/**
 * What all extra time of a service amounts to. Chance is taken off by how many requests were slow and how slow: of
 * single requests, one in twenty takes ten times as long with nothing wrong.
 */
function timeScore(
  numbers: readonly number[],
  evidence: readonly TimeEvidence[],
  explained: Explained,
  normalNs: Float64Array,
  rules: CausalityRules,
): number {
  let addedNs = 0;
  let weighedEffect = 0;
  let weights = 0;
  const traces = new Set<number>();
  for (const number of numbers) {
    const { addedNs: perCallNs, calls, ratio } = evidence[number]!;
    addedNs += perCallNs * calls * effectWeight(ratio);
    weights += perCallNs * calls;
    weighedEffect += perCallNs * calls * Math.log(ratio);
    for (const trace of explained.shown[number]!.traces) traces.add(trace);
  }
  if (traces.size === 0 || weights === 0) return 0;
  let requestsNs = 0;
  for (const trace of traces) requestsNs += Math.max(REQUEST_NS_MIN, normalNs[trace]!);
  const chance = Math.exp((-traces.size * (weighedEffect / weights)) / rules.slowChance);
  return timeStrength(addedNs / requestsNs, rules) * (1 - chance);
}

/** What each trace's request takes when nothing is wrong, in ns: the baselines' median for its root, else its own. */
function normalDurations(window: TraceWindow, baselines: readonly BaselineSummary[]): Float64Array {
  const totals = new Map<string, number>();
  const usualNs = (operation: Operation): number => {
    const key = operationKey(operation);
    let median = totals.get(key);
    if (median === undefined) {
      const histograms = baselines.flatMap(({ operations }) =>
        operations.filter((other) => operationKey(other) === key).map(({ totalNs }) => totalNs),
      );
      median = histogramQuantile(histograms.reduce(mergeHistograms, EMPTY_HISTOGRAM), 0.5);
      totals.set(key, median);
    }
    return median;
  };
  const own = requestDurations(window);
  return own.map((durationNs, t) => {
    const head = window.trees[t]!.roots[0] ?? window.trees[t]!.orphans[0];
    if (head === undefined) return durationNs;
    const usual = usualNs(window.operations[window.operation[window.first[t]! + head]!]!);
    return Number.isNaN(usual) ? durationNs : usual;
  });
}
