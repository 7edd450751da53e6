import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { mergeSummaries, operationKey } from "./baseline.ts";
import { EVIDENCE_MAX, evidenceOf, type Finding, type Report, reportOf, rounded } from "./finding.ts";
import { histogramQuantile } from "./log-histogram.ts";
import {
  type Aspect,
  agreement,
  type Change,
  DEFAULT_TOLERANCES,
  type Direction,
  type Tolerances,
} from "./regression-change.ts";
import { evidenceIn } from "./regression-evidence.ts";
import { factChanges } from "./regression-facts.ts";
import { isWholeDuration, latencyChanges } from "./regression-latency.ts";
import { presenceChanges } from "./regression-presence.ts";
import { adjustForMany } from "./regression-statistics.ts";
import { type CheckpointSummary, type SummarizedWindow, summarizeCheckpoint } from "./regression-summary.ts";

/** A difference that was intended. What is absent matches anything. */
export interface ExpectedChange {
  readonly service?: string;
  /** Part of an operation's name or a test's id, case-insensitive. */
  readonly operation?: string;
  readonly aspect?: Aspect;
}

export interface RegressionOptions {
  readonly tolerances?: Partial<Tolerances>;
  readonly expected?: readonly ExpectedChange[];
}

export type RegressionVerdict = "unchanged" | "improved" | "regressed" | "expected";

export interface RegressionFinding extends Finding {
  readonly kind: Aspect;
  readonly direction: Direction;
  /** Named among the expected changes. */
  readonly expected: boolean;
  /** False where it is told, but too thin to decide the verdict. */
  readonly counts: boolean;
  readonly service: string;
  readonly operation: string;
  readonly before: number;
  readonly after: number;
  readonly unit: "share" | "ms" | "calls";
}

export interface RegressionReport extends Report<RegressionVerdict, RegressionFinding> {
  /** What was compared, so that a thin comparison is seen as such. */
  readonly compared: {
    readonly traces_before: number;
    readonly traces_after: number;
    readonly operations_in_both: number;
    readonly tests: number;
    readonly differences_tested: number;
  };
  readonly warnings: readonly string[];
}

/** Share of false findings among those reported. */
const FALSE_SHARE_MAX = 0.05;
const ASPECT_ORDER: readonly Aspect[] = ["tests", "errors", "calls", "latency", "logs", "order", "presence"];
const FEW_TRACES = 5;

/**
 * Compares a window with the summaries of one or more earlier ones, operation by operation: errors, statuses, calls
 * made and repeated, their order, latency (self and total), logs and test results. Ids and numbers do not matter.
 *
 * A difference is told when it exceeds the tolerances and the baseline's own spread, and when chance would not make it:
 * Benjamini and Hochberg at 5 % over all differences tested. In windows too small for a test, what flips from never to
 * always counts as well, with a confidence to match. `regressed` when something got worse that was not expected;
 * neutral changes alone leave it `unchanged`. O(n log n).
 */
export function findRegressions(
  baselines: readonly CheckpointSummary[],
  spans: readonly Span[],
  logs: readonly LogRecord[],
  options: RegressionOptions = {},
): RegressionReport {
  const before = baselines.reduce(mergeCheckpoints, summarizeCheckpoint([], []).summary);
  const now = summarizeCheckpoint(spans, logs, baselines);
  const tolerances = { ...DEFAULT_TOLERANCES, ...options.tolerances };
  const views = evidenceIn(now);
  const empty = before.behaviour.spans === 0 || now.summary.behaviour.spans === 0;
  const tested = empty
    ? []
    : [
        ...factChanges(baselines, before, now.summary, tolerances, views),
        ...latencyChanges(before.behaviour, now.summary.behaviour, before.drift, tolerances, views.operation),
      ];
  const adjusted = adjustForMany(tested.map(({ p }) => p));
  const kept = tested.flatMap((change, i) => {
    const isLikely = adjusted[i]! <= FALSE_SHARE_MAX;
    if (!change.large || !(isLikely || change.plain || isFirstFailure(change))) return [];
    const confidence = isLikely ? 1 - adjusted[i]! : agreement(change.traces);
    return [{ change, confidence, counts: isLikely || change.plain }];
  });
  for (const change of presenceChanges(before, now.summary, views)) {
    // Without traces on one side only tests and loose logs can be compared.
    if (empty && change.aspect === "presence") continue;
    const confidence = change.aspect === "tests" ? 0.9 : agreement(change.traces);
    kept.push({ change, confidence, counts: change.plain });
  }
  const findings = oneEach(instead(kept))
    .sort(ownTimeFirst)
    .map((told) => findingOf(told, now, options.expected ?? []))
    .sort(byWeight);
  const verdict = verdictOf(findings);
  const operations = new Set(before.behaviour.operations.map(operationKey));
  const both = now.summary.behaviour.operations.filter((operation) =>
    operations.has(operationKey(operation)),
  );
  const compared = {
    traces_before: before.behaviour.traces,
    traces_after: now.summary.behaviour.traces,
    operations_in_both: both.length,
    tests: now.summary.tests.length,
    differences_tested: tested.length,
  };
  return {
    ...reportOf(verdict, summaryText(verdict, findings), findings),
    compared,
    warnings: warningsOf(compared),
  };
}

/** Two summaries as one of both windows; medians of both stay apart, as they tell how windows differ. */
function mergeCheckpoints(a: CheckpointSummary, b: CheckpointSummary): CheckpointSummary {
  const tests = new Map(a.tests.map((test) => [test.id, test]));
  for (const test of b.tests) {
    const same = tests.get(test.id) ?? { passed: 0, failed: 0, skipped: 0 };
    tests.set(test.id, {
      id: test.id,
      passed: same.passed + test.passed,
      failed: same.failed + test.failed,
      skipped: same.skipped + test.skipped,
    });
  }
  const statuses = new Map(a.statuses.map((count) => [`${operationKey(count)}\n${count.status}`, count]));
  for (const count of b.statuses) {
    const key = `${operationKey(count)}\n${count.status}`;
    statuses.set(key, { ...count, calls: count.calls + (statuses.get(key)?.calls ?? 0) });
  }
  const drift = new Map(a.drift.map((entry) => [operationKey(entry), entry]));
  for (const entry of [...b.drift, ...mediansOf(b)]) {
    const same = drift.get(operationKey(entry));
    drift.set(operationKey(entry), {
      ...entry,
      selfP50Ns: [...(same?.selfP50Ns ?? []), ...entry.selfP50Ns],
      totalP50Ns: [...(same?.totalP50Ns ?? []), ...entry.totalP50Ns],
    });
  }
  return {
    version: a.version,
    behaviour: mergeSummaries(a.behaviour, b.behaviour),
    statuses: [...statuses.values()],
    looseLogs: [...a.looseLogs, ...b.looseLogs],
    tests: [...tests.values()],
    drift: [...drift.values()],
  };
}

/** A whole window's medians, to set beside those of other windows. */
function mediansOf(summary: CheckpointSummary) {
  return summary.behaviour.operations.map(({ service, name, kind, selfNs, totalNs }) => ({
    service,
    name,
    kind,
    selfP50Ns: selfNs.count === 0 ? [] : [histogramQuantile(selfNs, 0.5)],
    totalP50Ns: totalNs.count === 0 ? [] : [histogramQuantile(totalNs, 0.5)],
  }));
}

interface Kept {
  readonly change: Change;
  readonly confidence: number;
  readonly counts: boolean;
}

interface Told extends Kept {
  /** Further changes of the same operation, aspect and direction. */
  readonly more: number;
}

/** A failure never seen before is told even when it was seen once only, but then decides nothing. */
function isFirstFailure(change: Change): boolean {
  return change.aspect === "errors" && change.direction === "worse" && change.before === 0;
}

/** A call that is gone while the same operation makes a new one was replaced: neither is worse by itself. */
function instead(kept: readonly Kept[]): Kept[] {
  const isCall = ({ change }: Kept) => change.aspect === "calls";
  const gained = new Set(
    kept
      .filter((item) => isCall(item) && item.change.direction === "neutral")
      .map(({ change }) => subjectKey(change)),
  );
  return kept.map((item) =>
    isCall(item) && item.change.after < item.change.before && gained.has(subjectKey(item.change))
      ? { ...item, change: { ...item.change, direction: "neutral" } }
      : item,
  );
}

/** The strongest change of each operation, aspect and direction, with how many others it stands for. */
function oneEach(kept: readonly Kept[]): Told[] {
  const groups = Map.groupBy(kept, ({ change }) => {
    return `${subjectKey(change)}\n${change.aspect}\n${change.direction}`;
  });
  return Array.from(groups.values(), (group) => {
    const [first] = group.sort(
      (a, b) =>
        Number(b.counts) - Number(a.counts) ||
        b.change.rank - a.change.rank ||
        sizeOf(b.change) - sizeOf(a.change),
    );
    return { ...first!, more: group.length - 1 };
  });
}

function subjectKey({ subject }: Change): string {
  return `${subject.service}\n${subject.kind} ${subject.operation}`;
}

function sizeOf(change: Change): number {
  if (change.unit === "ns") return Math.abs(Math.log((change.after + 1) / (change.before + 1)));
  return Math.abs(change.after - change.before);
}

function findingOf(
  { change, confidence, counts, more }: Told,
  now: SummarizedWindow,
  expected: readonly ExpectedChange[],
): RegressionFinding {
  const { subject, unit } = change;
  const isExpected = expected.some(
    (entry) =>
      (entry.service === undefined || entry.service === subject.service) &&
      (entry.aspect === undefined || entry.aspect === change.aspect) &&
      (entry.operation === undefined ||
        subject.operation.toLowerCase().includes(entry.operation.toLowerCase())),
  );
  const scale = (value: number) => rounded(unit === "ns" ? value / 1e6 : value);
  return {
    kind: change.aspect,
    text: more === 0 ? change.text : `${change.text} (${more} more of this kind there.)`,
    evidence: change.evidence
      .slice(0, EVIDENCE_MAX)
      .map((position) => evidenceOf(now.window.nodes[position]!.span)),
    method: "attribute",
    confidence: rounded(Math.min(0.99, confidence)),
    direction: change.direction,
    expected: isExpected,
    counts,
    service: subject.service,
    operation: subject.operation,
    before: scale(change.before),
    after: scale(change.after),
    unit: unit === "ns" ? "ms" : unit,
  };
}

function byWeight(a: RegressionFinding, b: RegressionFinding): number {
  const rank = (finding: RegressionFinding) =>
    (finding.expected ? 4 : 0) +
    (finding.counts ? 0 : 2) +
    { worse: 0, better: 1, neutral: 1.5 }[finding.direction];
  return (
    rank(a) - rank(b) ||
    ASPECT_ORDER.indexOf(a.kind) - ASPECT_ORDER.indexOf(b.kind) ||
    (a.kind === "latency" ? 0 : b.confidence - a.confidence || (a.text < b.text ? -1 : 1))
  );
}

/** Slower operations before those that only contain them, and the most time added first. */
function ownTimeFirst({ change: a }: Told, { change: b }: Told): number {
  return (
    Number(isWholeDuration(a)) - Number(isWholeDuration(b)) ||
    b.after - b.before - (a.after - a.before) ||
    (a.text < b.text ? -1 : 1)
  );
}

function verdictOf(findings: readonly RegressionFinding[]): RegressionVerdict {
  const counting = findings.filter((finding) => finding.counts);
  if (counting.some((finding) => finding.direction === "worse" && !finding.expected)) return "regressed";
  if (counting.some((finding) => finding.expected)) return "expected";
  return counting.some((finding) => finding.direction === "better") ? "improved" : "unchanged";
}

function summaryText(verdict: RegressionVerdict, findings: readonly RegressionFinding[]): string {
  const [first] = findings;
  if (first === undefined) return "Nothing differs beyond noise and tolerances.";
  const count = (direction: Direction) =>
    findings.filter((finding) => finding.direction === direction && finding.counts && !finding.expected)
      .length;
  const counts = `${count("worse")} worse, ${count("better")} better, ${count("neutral")} changed otherwise`;
  return verdict === "regressed"
    ? `Regressed (${counts}): ${first.text}`
    : `${verdict[0]!.toUpperCase()}${verdict.slice(1)}: ${counts}.`;
}

function warningsOf(compared: RegressionReport["compared"]): string[] {
  const { traces_before, traces_after, operations_in_both } = compared;
  if (traces_before === 0) return ["The baseline holds no traces: only tests and logs could be compared."];
  if (traces_after === 0) return ["The window holds no traces: only tests and logs could be compared."];
  if (operations_in_both === 0)
    return ["Baseline and window have no operation in common: is it the same system?"];
  if (Math.min(traces_before, traces_after) < FEW_TRACES) {
    return [
      `${traces_before} traces against ${traces_after}: too few to tell small differences from chance; run the same steps about ten times on both sides.`,
    ];
  }
  return [];
}
