import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { exceptionTypes, isFailed } from "./failure.ts";
import { counted, type Evidence, evidenceOf, type Finding, type Report, reportOf } from "./finding.ts";
import { type OperationNamer, operationNamer } from "./operation.ts";
import { statusOf } from "./regression-summary.ts";
import { type TestResult, testRunOf } from "./test-case.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

export const SEVERITIES = ["critical", "high", "medium", "low"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Which spans exercise an edge case: all that is given must hold of one span. Never empty. */
export interface EdgeCaseMatch {
  readonly service?: string;
  /** Part of the span's operation (method and route, statement, span name), case-insensitive. */
  readonly operation?: string;
  /** HTTP or gRPC status, `503` or `5xx`. */
  readonly status?: string;
  /** Part of an exception's type. */
  readonly exception?: string;
  /** Part of a log written under the span, case-insensitive. */
  readonly log?: string;
  /** Part of the name of the test that led there, case-insensitive. */
  readonly test?: string;
  /** Attributes of the span, compared as text. */
  readonly attributes?: { readonly [key: string]: string };
}

/** One entry of `edge-cases.json`. */
export interface EdgeCase {
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  /** How often it must be exercised, as a duration; Infinity when once is enough. */
  readonly everyMs: number;
  readonly match: EdgeCaseMatch;
  /** Unix ms when it was last seen exercised; `undefined` when never. */
  readonly lastTestedMs: number | undefined;
}

export type EdgeCaseState = "passed" | "failed" | "exercised" | "stale" | "never_tested";

export interface EdgeCaseFinding extends Finding {
  readonly kind: EdgeCaseState;
  readonly name: string;
  readonly severity: Severity;
  /** Tests that exercised it; at most three. Empty when ordinary traffic did. */
  readonly tests: readonly string[];
  /** Traces of the window that exercised it. */
  readonly traces: number;
  /** ISO 8601; absent when never. */
  readonly last_tested?: string;
}

export interface EdgeCaseReport extends Report<"covered" | "gaps" | "failing" | "none", EdgeCaseFinding> {
  /** Edge cases by what became of them. */
  readonly counts: Readonly<Record<EdgeCaseState, number>>;
  /** New `last_tested` by name, Unix ms: only of those that a trace of the window exercised later than on file. */
  readonly lastTestedMs: ReadonlyMap<string, number>;
}

interface Exercise {
  readonly evidence: Evidence;
  readonly traceId: string;
  readonly endNs: bigint;
  readonly test: string | undefined;
  readonly result: TestResult | undefined;
}

const TESTS_SHOWN = 3;
/** States that need someone to act, the first ones most. */
const STATE_ORDER: readonly EdgeCaseState[] = ["failed", "never_tested", "stale", "exercised", "passed"];

/**
 * Says of each edge case whether the traces exercised it, by which test and with what outcome. One that they did not is
 * a gap when it was never seen or is staler than it may be; `lastTestedMs` moves only on a trace that shows it, and a
 * span still open shows nothing. Gaps come first, the severe ones foremost. O(spans × edge cases).
 */
export function checkEdgeCases(
  edgeCases: readonly EdgeCase[],
  trees: readonly TraceTree[],
  nowMs: number,
): EdgeCaseReport {
  const exercises = findExercises(edgeCases, trees);
  const findings: EdgeCaseFinding[] = [];
  const lastTestedMs = new Map<string, number>();
  const counts = { passed: 0, failed: 0, exercised: 0, stale: 0, never_tested: 0 };
  edgeCases.forEach((edgeCase, i) => {
    const found = exercises[i]!;
    const endedMs = found.map(({ endNs }) => Number(endNs / 1_000_000n));
    // A clock that runs ahead must not make an edge case look tested in days to come.
    const seenMs = endedMs.reduce((latest, ms) => Math.max(latest, Math.min(ms, nowMs)), 0);
    const lastMs = Math.max(seenMs, edgeCase.lastTestedMs ?? 0);
    if (lastMs > (edgeCase.lastTestedMs ?? 0)) lastTestedMs.set(edgeCase.name, lastMs);
    const state = stateOf(edgeCase, found, nowMs);
    if (state === undefined) return;
    counts[state] += 1;
    findings.push(findingOf(edgeCase, state, found, lastMs));
  });
  findings.sort(
    (a, b) =>
      Number(isGap(b.kind)) - Number(isGap(a.kind)) ||
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      STATE_ORDER.indexOf(a.kind) - STATE_ORDER.indexOf(b.kind) ||
      (a.name < b.name ? -1 : 1),
  );
  const gaps = counts.stale + counts.never_tested;
  const verdict =
    edgeCases.length === 0 ? "none" : counts.failed > 0 ? "failing" : gaps > 0 ? "gaps" : "covered";
  const summary =
    verdict === "none"
      ? "No edge cases are registered; add them with configure register_edge_case."
      : `Of ${counted(edgeCases.length, "edge case")}, ${counts.passed + counts.exercised + counts.failed} were exercised in this window (${counts.failed} failing), ${counts.stale} are stale and ${counts.never_tested} were never tested.`;
  return { ...reportOf(verdict, summary, findings), counts, lastTestedMs };
}

function isGap(state: EdgeCaseState): boolean {
  return state === "failed" || state === "stale" || state === "never_tested";
}

/** `undefined` for one that was not exercised now but recently enough. */
function stateOf(edgeCase: EdgeCase, found: readonly Exercise[], nowMs: number): EdgeCaseState | undefined {
  if (found.length === 0) {
    if (edgeCase.lastTestedMs === undefined) return "never_tested";
    return nowMs - edgeCase.lastTestedMs > edgeCase.everyMs ? "stale" : undefined;
  }
  const results = found.map(({ result }) => result);
  if (results.includes("fail")) return "failed";
  return results.includes("pass") ? "passed" : "exercised";
}

function findingOf(
  edgeCase: EdgeCase,
  state: EdgeCaseState,
  found: readonly Exercise[],
  lastMs: number,
): EdgeCaseFinding {
  const tests = [...new Set(found.flatMap(({ test }) => test ?? []))].sort();
  const traces = new Set(found.map(({ traceId }) => traceId)).size;
  const last = lastMs === 0 ? undefined : new Date(lastMs).toISOString();
  const by = tests.length === 0 ? "" : ` by ${tests.slice(0, TESTS_SHOWN).join(", ")}`;
  const said = {
    passed: `passed in ${counted(traces, "trace")}${by}`,
    failed: `was exercised${by}, which failed`,
    exercised: `was met in ${counted(traces, "trace")}, but by no test with a result`,
    stale: `was last seen ${last}, longer ago than it may be`,
    never_tested: "was never seen exercised",
  }[state];
  // The runs that failed show a failure best.
  const shown = state === "failed" ? found.filter(({ result }) => result === "fail") : found;
  return {
    kind: state,
    name: edgeCase.name,
    severity: edgeCase.severity,
    text: `${edgeCase.name} (${edgeCase.severity}) ${said}.`,
    evidence: shown.slice(0, 3).map(({ evidence }) => evidence),
    method: "attribute",
    confidence: found.length > 0 ? 1 : 0.9,
    tests: tests.slice(0, TESTS_SHOWN),
    traces,
    ...(last === undefined ? {} : { last_tested: last }),
  };
}

function findExercises(edgeCases: readonly EdgeCase[], trees: readonly TraceTree[]): Exercise[][] {
  const found: Exercise[][] = edgeCases.map(() => []);
  const matchers = edgeCases.map(({ match }) => edgeCaseMatcher(match));
  const nameOf = operationNamer();
  for (const { nodes } of trees) {
    const tests = nearestTests(nodes);
    nodes.forEach((node, at) => {
      if (node.open) return;
      const run = tests[at] === -1 ? undefined : testRunOf(nodes[tests[at]!]!.span);
      matchers.forEach((matches, i) => {
        if (!matches(node, nameOf, run?.id)) return;
        const { span } = node;
        found[i]!.push({
          evidence: evidenceOf(span),
          traceId: span.traceId,
          endNs: node.negative ? span.startNs : span.endNs,
          test: run?.id,
          result: run?.result,
        });
      });
    });
  }
  return found;
}

/** By position: the span of the test that led there, itself included, or -1. Nodes are in pre-order. */
export function nearestTests(nodes: readonly TraceNode[]): Int32Array {
  const tests = new Int32Array(nodes.length).fill(-1);
  for (const { span, index, parent } of nodes) {
    tests[index] = testRunOf(span) !== undefined ? index : parent < 0 ? -1 : tests[parent]!;
  }
  return tests;
}

/** Says whether a span, named by `nameOf` and reached by a test of that id, exercises an edge case. */
export type EdgeCaseMatcher = (
  node: TraceNode<Span, LogRecord>,
  nameOf: OperationNamer,
  test: string | undefined,
) => boolean;

export function edgeCaseMatcher(match: EdgeCaseMatch): EdgeCaseMatcher {
  const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());
  const status = match.status?.toLowerCase();
  const attributes = Object.entries(match.attributes ?? {});
  return (node, nameOf, test) => {
    const { span } = node;
    if (match.service !== undefined && span.resource.service !== match.service) return false;
    if (status !== undefined && !hasStatus(statusOf(span), status)) return false;
    if (
      match.operation !== undefined &&
      !has(nameOf(span), match.operation) &&
      !has(span.name, match.operation)
    )
      return false;
    if (match.test !== undefined && (test === undefined || !has(test, match.test))) return false;
    if (match.exception !== undefined) {
      const types = [...exceptionTypes(node)];
      const wanted = match.exception;
      if (!isFailed(node) || !types.some((type) => has(type, wanted))) return false;
    }
    if (match.log !== undefined) {
      const wanted = match.log;
      if (!node.logs.some(({ body }) => typeof body === "string" && has(body, wanted))) return false;
    }
    return attributes.every(([key, value]) => {
      const own = span.attributes[key];
      return own !== undefined && String(own) === value;
    });
  };
}

/** `5xx` takes the whole class. */
function hasStatus(own: string | undefined, wanted: string): boolean {
  if (own === undefined) return false;
  return wanted.endsWith("xx") ? own.length === 3 && own[0] === wanted[0] : own === wanted;
}
