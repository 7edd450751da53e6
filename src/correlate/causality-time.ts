import {
  type BaselineSummary,
  type EdgeSummary,
  edgeKey,
  type OperationSummary,
  operationKey,
} from "./baseline.ts";
import type { TimeEvidence } from "./causality-evidence.ts";
import type { CausalityRules } from "./causality-rules.ts";
import {
  EMPTY_HISTOGRAM,
  histogramLogSpread,
  histogramQuantile,
  type LogHistogram,
  mergeHistograms,
} from "./log-histogram.ts";
import type { Operation } from "./window.ts";

const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Below this, extra time is the clock's and the scheduler's. */
const ADDED_NS_MIN = 20_000;
const REQUEST_NS_MIN = 1_000_000;

/** How a distribution of times lies above those of the baselines. */
interface Excess {
  readonly z: number;
  readonly ratio: number;
  /** Mean over the deciles of what exceeds every baseline's by more than the effect allowed. */
  readonly addedNs: number;
  readonly thresholdNs: number;
  readonly medianNs: number;
  readonly baselineNs: number;
}

/**
 * Operations and edges that take longer than in every baseline (analyses.md, causality steps 4 and 5). What no baseline
 * has seen is no evidence. An edge's time is divided between its ends by `calleeShare`.
 *
 * `pathShareOf` says which share of an operation's self time its requests waited for.
 */
export function timeEvidence(
  current: BaselineSummary,
  baselines: readonly BaselineSummary[],
  pathShareOf: (operation: Operation) => number,
  rules: CausalityRules,
): TimeEvidence[] {
  const self = rules.steps.selfTime ? selfTimeEvidence(current, baselines, pathShareOf, rules) : [];
  return rules.steps.edgeGaps
    ? [...self, ...edgeEvidence(current, baselines, pathShareOf, self, rules)]
    : self;
}

/**
 * How strongly extra time speaks: with its share of the normal request and with how many times longer it takes. Both
 * saturate.
 */
export function timeStrength(addedShare: number, rules: CausalityRules): number {
  const power = Math.max(0, addedShare) ** rules.addedShareSharpness;
  return power / (power + rules.addedShareHalf ** rules.addedShareSharpness);
}

/** 0 for no change, 1/2 at e times, towards 1. */
export function effectWeight(ratio: number): number {
  const effect = Math.log(Math.max(1, ratio));
  return effect / (effect + 1);
}

function selfTimeEvidence(
  current: BaselineSummary,
  baselines: readonly BaselineSummary[],
  pathShareOf: (operation: Operation) => number,
  rules: CausalityRules,
): TimeEvidence[] {
  const before = baselines.map((baseline) => byKey(baseline.operations, operationKey));
  const found: TimeEvidence[] = [];
  for (const now of current.operations) {
    const then = present(before, operationKey(now));
    const excess = excessOf(
      now.selfNs,
      then.map((operation) => operation.selfNs),
      rules,
    );
    if (excess === undefined || !isSlow(excess, rules)) continue;
    const operation = { service: now.service, name: now.name, kind: now.kind };
    found.push(evidenceOf(now, then, operation, now.service, "", excess, pathShareOf(operation), rules));
  }
  return found;
}

interface Edge {
  readonly now: EdgeSummary;
  readonly earlier: readonly EdgeSummary[];
  readonly excess: Excess;
  readonly slow: boolean;
}

function edgeEvidence(
  current: BaselineSummary,
  baselines: readonly BaselineSummary[],
  pathShareOf: (operation: Operation) => number,
  self: readonly TimeEvidence[],
  rules: CausalityRules,
): TimeEvidence[] {
  const before = baselines.map((baseline) => byKey(baseline.edges, (edge) => edgeKey(edge, edge.callee)));
  const edges: Edge[] = [];
  for (const now of current.edges) {
    const then = present(before, edgeKey(now, now.callee));
    const excess = excessOf(
      now.gapNs,
      then.map((edge) => edge.gapNs),
      rules,
    );
    if (excess !== undefined) edges.push({ now, earlier: then, excess, slow: isSlow(excess, rules) });
  }
  const found: TimeEvidence[] = [];
  for (const edge of edges) {
    if (!edge.slow) continue;
    const share = rules.steps.calleeBlame ? calleeShare(edge, edges, self, rules) : 0;
    const { now, earlier, excess } = edge;
    const operation = { service: now.service, name: now.name, kind: now.kind };
    const pathShare = pathShareOf(operation);
    for (const [service, part] of [
      [now.callee, share],
      [now.service, 1 - share],
    ] as const) {
      if (part < 0.02) continue;
      const divided = { ...excess, addedNs: excess.addedNs * part };
      found.push(evidenceOf(now, earlier, operation, service, now.callee, divided, pathShare, rules));
    }
  }
  return found;
}

/**
 * Which share of an edge's extra time is the callee's doing. Seen from one call alone, a slow callee, a slow way and a
 * starved caller look the same; what tells them apart is who else is slow:
 *
 * ```
 *   other callers of the callee ──┐                    ┌── the caller's other callees
 *   the callee's own time       ──┼── callee   caller ─┼── the caller's own time
 *                                 │                    └── calls to the caller
 *   share slowed alike, plus one for the callee         share slowed alike
 * ```
 * Alone, the callee is blamed. Others count as slowed alike from a quarter of the edge's extra time on.
 */
function calleeShare(
  edge: Edge,
  edges: readonly Edge[],
  self: readonly TimeEvidence[],
  rules: CausalityRules,
): number {
  const { service: caller, callee } = edge.now;
  const enough = rules.edgeAlike * edge.excess.addedNs;
  const alike = (other: Edge) => other.slow && other.excess.addedNs >= enough;
  const ownTime = (service: string) =>
    self.some((evidence) => evidence.service === service && evidence.addedNs >= enough);
  const callersOfCallee = new Map<string, boolean>();
  const calleesOfCaller = new Map<string, boolean>();
  let callsToCaller = false;
  for (const other of edges) {
    const slow = alike(other);
    if (other.now.callee === callee && other.now.service !== caller)
      note(callersOfCallee, other.now.service, slow);
    if (other.now.service === caller && other.now.callee !== callee)
      note(calleesOfCaller, other.now.callee, slow);
    if (other.now.callee === caller && slow) callsToCaller = true;
  }
  const ofCallee = [...callersOfCallee.values(), ownTime(callee)];
  const ofCaller = [...calleesOfCaller.values(), ownTime(caller), callsToCaller];
  const forCallee = (count(ofCallee) + 1) / (ofCallee.length + 1);
  const forCaller = (rules.callerWeight * (count(ofCaller) + rules.callerPrior)) / (ofCaller.length + 1);
  return forCallee ** 2 / (forCallee ** 2 + forCaller ** 2);
}

function evidenceOf(
  now: OperationSummary | EdgeSummary,
  then: readonly (OperationSummary | EdgeSummary)[],
  operation: Operation,
  service: string,
  callee: string,
  excess: Excess,
  pathShare: number,
  rules: CausalityRules,
): TimeEvidence {
  const requests = then.map(({ requestNs }) => requestNs).reduce(mergeHistograms, EMPTY_HISTOGRAM);
  const requestNs = Math.max(REQUEST_NS_MIN, histogramQuantile(requests, 0.5));
  const addedNs = excess.addedNs * pathShare;
  const addedShare = (addedNs * (now.calls / now.traces)) / requestNs;
  return {
    kind: "time",
    rule: callee === "" ? "self_time" : "edge_gap",
    service,
    operation,
    callee,
    z: excess.z,
    ratio: excess.ratio,
    addedNs,
    calls: now.calls,
    traces: now.traces,
    thresholdNs: excess.thresholdNs,
    strength: timeStrength(addedShare * effectWeight(excess.ratio), rules),
    medianNs: excess.medianNs,
    baselineNs: excess.baselineNs,
  };
}

/** Compares decile by decile with the slowest baseline. Undefined when one side has no values. */
function excessOf(
  now: LogHistogram,
  baselines: readonly LogHistogram[],
  rules: CausalityRules,
): Excess | undefined {
  const then = baselines.filter((histogram) => histogram.count > 0);
  if (now.count === 0 || then.length === 0) return undefined;
  const slowest = (share: number) =>
    then.reduce((max, histogram) => Math.max(max, histogramQuantile(histogram, share)), 0);
  let addedNs = 0;
  for (const share of SHARES) {
    const allowed = rules.effectMin * slowest(share) + ADDED_NS_MIN;
    addedNs += Math.max(0, histogramQuantile(now, share) - allowed) / SHARES.length;
  }
  const medians = then.map((histogram) => Math.log(histogramQuantile(histogram, 0.5)));
  const betweenWindows = Math.max(...medians) - Math.min(...medians);
  const calls = then.reduce((sum, histogram) => sum + histogram.count, 0);
  const withinWindow = then.reduce((max, histogram) => Math.max(max, histogramLogSpread(histogram)), 0);
  const spread = (withinWindow * calls + rules.priorSpread * rules.priorCalls) / (calls + rules.priorCalls);
  const sampling = spread * Math.sqrt(1 / now.count + 1 / calls);
  const noise = Math.hypot(sampling, betweenWindows / 2, rules.noiseFloor);
  const medianNs = histogramQuantile(now, 0.5);
  const baselineNs = slowest(0.5);
  return {
    z: (Math.log(medianNs) - Math.max(...medians)) / noise,
    ratio: medianNs / baselineNs,
    addedNs,
    thresholdNs: rules.effectMin * slowest(0.95),
    medianNs,
    baselineNs,
  };
}

function isSlow(excess: Excess, rules: CausalityRules): boolean {
  return excess.z >= rules.zMin && excess.ratio >= rules.effectMin && excess.addedNs > 0;
}

function byKey<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T> {
  return new Map(items.map((item) => [keyOf(item), item]));
}

function present<T>(maps: readonly Map<string, T>[], key: string): T[] {
  return maps.flatMap((map) => map.get(key) ?? []);
}

function note(map: Map<string, boolean>, key: string, slow: boolean): void {
  map.set(key, (map.get(key) ?? false) || slow);
}

function count(flags: readonly boolean[]): number {
  return flags.filter(Boolean).length;
}
