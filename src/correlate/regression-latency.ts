import {
  type BaselineSummary,
  type EdgeSummary,
  edgeKey,
  type OperationSummary,
  operationKey,
} from "./baseline.ts";
import { msText } from "./finding.ts";
import { histogramLogSpread, histogramQuantile, type LogHistogram } from "./log-histogram.ts";
import type { Change, Subject, Tolerances } from "./regression-change.ts";
import { countAbove, rankDifferenceP, shareDifferenceP } from "./regression-statistics.ts";
import type { OperationDrift } from "./regression-summary.ts";
import type { Operation } from "./window.ts";

/** Traces on each side below which a 95th percentile says nothing. */
const P95_TRACES_MIN = 20;
/** A shift counts when it is so many times the spread of the baseline's own medians. */
const NOISE_FACTOR = 2;
/** Without enough traces for a test, a slowdown is plain from here on. */
const PLAIN_RATIO = 5;
const PLAIN_NS = 100_000_000;
/** Most traces of a window for which that rule is needed. In a larger one, what is rare is rare, not telling. */
const UNTESTABLE_TRACES_MAX = 4;
/** Changes of an operation's own time rank from here on, those of its whole duration below. */
const OWN_TIME_RANK = 1;
/** Percentiles at the tail stray about so many times as far as medians. */
const TAIL_FACTOR = 2;

/** True for a change of a whole duration, which a change of the time spent below it may explain. */
export function isWholeDuration(change: Change): boolean {
  return change.aspect === "latency" && change.rank < OWN_TIME_RANK;
}

/** One pair of duration distributions to compare. */
interface Pair {
  readonly subject: Subject;
  readonly what: string;
  readonly rank: number;
  readonly before: LogHistogram;
  readonly after: LogHistogram;
  readonly traces: { readonly before: number; readonly after: number };
  /** Natural logarithms: spread of the baseline's medians. */
  readonly noise: number;
  readonly evidence: () => readonly number[];
}

/**
 * Differences in latency, tested: self time of every operation, total time of those through which a service is
 * entered, and the gap of calls between services; median by rank, 95th percentile by the share above the old one.
 * `slowest` names positions of the window that show an operation at its slowest.
 */
export function latencyChanges(
  before: BaselineSummary,
  after: BaselineSummary,
  drift: readonly OperationDrift[],
  tolerances: Tolerances,
  slowest: (operation: Operation) => readonly number[],
): Change[] {
  const pairs = [...operationPairs(before, after, drift, slowest), ...edgePairs(before, after, slowest)];
  const fewTraces = Math.min(before.traces, after.traces) <= UNTESTABLE_TRACES_MAX;
  return pairs.flatMap((pair) => [
    medianChange(pair, tolerances, fewTraces),
    ...tailChange(pair, tolerances),
  ]);
}

function* operationPairs(
  before: BaselineSummary,
  after: BaselineSummary,
  drift: readonly OperationDrift[],
  slowest: (operation: Operation) => readonly number[],
): Generator<Pair> {
  const earlier = new Map(before.operations.map((operation) => [operationKey(operation), operation]));
  const driftOf = new Map(drift.map((entry) => [operationKey(entry), entry]));
  const entries = new Set(after.places.filter(({ entry }) => entry === "").map(operationKey));
  for (const now of after.operations) {
    const key = operationKey(now);
    const then = earlier.get(key);
    if (then === undefined) continue;
    const common = { ...sharedOf(then, now), evidence: () => slowest(now) };
    const ownDrift = driftOf.get(key);
    yield {
      ...common,
      what: "self time",
      rank: OWN_TIME_RANK + 1,
      before: then.selfNs,
      after: now.selfNs,
      noise: medianNoise(then.selfNs, then.traces, ownDrift?.selfP50Ns),
    };
    if (!entries.has(key)) continue;
    yield {
      ...common,
      what: "duration",
      rank: 0,
      before: then.totalNs,
      after: now.totalNs,
      noise: medianNoise(then.totalNs, then.traces, ownDrift?.totalP50Ns),
    };
  }
}

function* edgePairs(
  before: BaselineSummary,
  after: BaselineSummary,
  slowest: (operation: Operation) => readonly number[],
): Generator<Pair> {
  const earlier = new Map(before.edges.map((edge) => [edgeKey(edge, edge.callee), edge]));
  for (const now of after.edges) {
    const then = earlier.get(edgeKey(now, now.callee));
    if (then === undefined) continue;
    yield {
      ...sharedOf(then, now),
      rank: OWN_TIME_RANK,
      what: `time on the way to ${now.callee} and back`,
      before: then.gapNs,
      after: now.gapNs,
      noise: medianNoise(then.gapNs, then.traces, undefined),
      evidence: () => slowest(now),
    };
  }
}

function sharedOf(then: OperationSummary | EdgeSummary, now: OperationSummary | EdgeSummary) {
  return {
    subject: { service: now.service, operation: now.name, kind: now.kind },
    traces: { before: then.traces, after: now.traces },
  };
}

/** How far medians stray when nothing changes: by chance of the sample, and as they did within the baseline. */
function medianNoise(
  histogram: LogHistogram,
  traces: number,
  medians: readonly number[] | undefined,
): number {
  const sampling = (1.2533 * histogramLogSpread(histogram)) / Math.sqrt(Math.max(1, traces));
  const logs = (medians ?? []).map((ns) => Math.log(Math.max(1_000, ns)));
  const mean = logs.reduce((sum, log) => sum + log, 0) / (logs.length || 1);
  const squares = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0);
  return Math.max(sampling, logs.length > 1 ? Math.sqrt(squares / (logs.length - 1)) : 0);
}

function medianChange(pair: Pair, tolerances: Tolerances, fewTraces: boolean): Change {
  const before = histogramQuantile(pair.before, 0.5);
  const after = histogramQuantile(pair.after, 0.5);
  const isPlain = (slow: number, quick: number) => slow - quick >= PLAIN_NS && slow >= PLAIN_RATIO * quick;
  return {
    ...changeOf(pair, "median", before, after),
    rank: pair.rank + 0.5,
    p: rankDifferenceP(pair.before, pair.after, pair.traces),
    large: isLarge(before, after, pair.noise, 1, tolerances),
    plain: fewTraces && isPlain(Math.max(before, after), Math.min(before, after)),
  };
}

function tailChange(pair: Pair, tolerances: Tolerances): Change[] {
  if (Math.min(pair.traces.before, pair.traces.after) < P95_TRACES_MIN) return [];
  const before = histogramQuantile(pair.before, 0.95);
  const after = histogramQuantile(pair.after, 0.95);
  // Spans of one trace share its fate: shares are tested as if each trace had one.
  const held = (histogram: LogHistogram, traces: number) =>
    (countAbove(histogram, before) * traces) / Math.max(1, histogram.count);
  return [
    {
      ...changeOf(pair, "95th percentile", before, after),
      rank: pair.rank,
      p: shareDifferenceP(
        held(pair.before, pair.traces.before),
        pair.traces.before,
        held(pair.after, pair.traces.after),
        pair.traces.after,
      ),
      large: isLarge(before, after, pair.noise, TAIL_FACTOR, tolerances),
      plain: false,
    },
  ];
}

function isLarge(
  before: number,
  after: number,
  noise: number,
  factor: number,
  tolerances: Tolerances,
): boolean {
  const shift = Math.abs(Math.log(after / before));
  const tolerated = Math.log(1 + factor * tolerances.latency_share);
  return (
    shift > Math.max(tolerated, factor * NOISE_FACTOR * noise) &&
    Math.abs(after - before) > tolerances.latency_ms * 1e6
  );
}

function changeOf(pair: Pair, statistic: string, before: number, after: number) {
  const { service, operation } = pair.subject;
  return {
    aspect: "latency",
    direction: after > before ? "worse" : after < before ? "better" : "neutral",
    subject: pair.subject,
    text: `${service} ${operation}: ${statistic} of its ${pair.what} went from ${msText(before)} to ${msText(after)}.`,
    before,
    after,
    unit: "ns",
    traces: pair.traces,
    evidence: after > before ? pair.evidence() : [],
  } as const;
}
