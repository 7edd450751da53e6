import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { type BaselineSummary, operationKey } from "./baseline.ts";
import { type Behaviour, behaviourOf } from "./behaviour.ts";
import { usableBaselines, withTemplates } from "./causality-baselines.ts";
import { culpritOperation } from "./causality-culprit.ts";
import { errorEvidence } from "./causality-errors.ts";
import type { Evidence } from "./causality-evidence.ts";
import { explainEvidence } from "./causality-explain.ts";
import { factEvidence } from "./causality-facts.ts";
import type { CausalityReport } from "./causality-report.ts";
import { CAUSALITY_RULES, type CausalityRules, SYMPTOM_RULES } from "./causality-rules.ts";
import { type Scope, type Symptom, scopeOf } from "./causality-scope.ts";
import { scoreServices } from "./causality-score.ts";
import { timeEvidence } from "./causality-time.ts";
import { alternativesIn, nameRootCause, whyNotEnough } from "./causality-verdict.ts";
import { withTrustedJoins } from "./log-join.ts";
import { missingTelemetry } from "./missing-telemetry.ts";
import { summarizeWindow, templatesFor } from "./summarize.ts";
import { buildWindow, type Operation, type TraceWindow } from "./window.ts";

/** What a diagnosis is made from. */
export interface DiagnosisInput {
  readonly spans: readonly Span[];
  readonly logs: readonly LogRecord[];
  /** Summaries of windows without a fault. Two are better than one: they also tell how much windows differ anyway. */
  readonly baselines?: readonly BaselineSummary[];
  /** Traces to explain; without it, whatever deviates from the baselines, else whatever failed. */
  readonly symptom?: Symptom;
}

/** Traces needed beside the symptomatic ones to tell what is normal. */
const OTHER_TRACES_MIN = 5;
/** Share of self time on the critical path that time counts with at least: work off the path still tells. */
const PATH_SHARE_MIN = 0.1;
/** Where the time went is told of this many operations. */
const SHARES_TOLD = 3;

/**
 * Names the root cause of what is wrong in a window of telemetry and its way to the symptom (analyses.md, "Causality
 * over a window with a baseline"); causality-report.ts describes the answer.
 *
 * The window is compared with `baselines`; without any, symptomatic traces with the others; without either, failures
 * alone are followed to their origin. It abstains, with the reason, when there is nothing to go by or services cannot
 * be told apart. Deterministic. O(n log n) in spans and logs. Throws `bad_parameter` for a baseline of another version.
 */
export function diagnose(input: DiagnosisInput): CausalityReport {
  return conclude(prepareDiagnosis(input), input.symptom === undefined ? CAUSALITY_RULES : SYMPTOM_RULES);
}

/** All of a diagnosis that does not depend on its rules. */
export interface PreparedDiagnosis {
  readonly window: TraceWindow;
  readonly behaviour: Behaviour;
  readonly scope: Scope;
  readonly symptom: Symptom | undefined;
  readonly current: BaselineSummary;
  /** As given, those that can be compared with. */
  readonly given: readonly BaselineSummary[];
  /** What is compared with: `given`, else the traces out of scope. */
  readonly baselines: readonly BaselineSummary[];
  readonly comparedWith: CausalityReport["compared_with"];
  readonly warnings: readonly string[];
}

/** The first half of `diagnose`, so that several sets of rules can be tried on one window. */
export function prepareDiagnosis({
  spans,
  logs,
  baselines = [],
  symptom,
}: DiagnosisInput): PreparedDiagnosis {
  const window = buildWindow(spans, withTrustedJoins(spans, logs, baselines));
  const usable = usableBaselines(baselines, window);
  const templates = templatesFor(window, usable.baselines);
  const behaviour = behaviourOf(window, templates);
  const scope = scopeOf(window, symptom);
  const given = usable.baselines.map((baseline) => withTemplates(baseline, templates));
  const current = summarizeWindow(window, behaviour, scope.has);
  const { warnings } = usable;
  return {
    window,
    behaviour,
    scope,
    symptom,
    current,
    given,
    warnings,
    ...comparison(window, behaviour, scope, given),
  };
}

/** The second half of `diagnose`. */
export function conclude(prepared: PreparedDiagnosis, rules: CausalityRules): CausalityReport {
  const { window, behaviour, scope, current, baselines, comparedWith } = prepared;
  const { has: inScope } = scope;
  const evidence: Evidence[] = [
    ...timeEvidence(current, baselines, pathShares(window, inScope, rules), rules),
    ...factEvidence(current, baselines, rules),
  ];
  const byFailure = comparedWith === "nothing" || scope.failing;
  if (byFailure && rules.steps.errors) evidence.push(...errorEvidence(window, inScope));
  const explained = explainEvidence(window, behaviour, evidence, inScope, rules);
  const operationOf = (number: number) =>
    culpritOperation(window, evidence[number]!, explained.shown[number]!);
  const scores = scoreServices(window, baselines, evidence, explained, operationOf, rules);

  const common = {
    ranking: scores.map(({ service, operation, score }) => ({ service, operation: operation.name, score })),
    missing_telemetry: missingTelemetry(window, prepared.given, inScope),
    compared_with: comparedWith,
    warnings: prepared.warnings,
  };
  const diagnosed = { window, baselines, comparedWith, evidence, explained, scores, rules };
  const reason = scores.length > 0 ? whyNotEnough(diagnosed) : whyNothing(prepared);
  if (reason === undefined) {
    return {
      abstained: false,
      ...nameRootCause(diagnosed),
      alternatives: alternativesIn(diagnosed, 1),
      ...common,
    };
  }
  const alternatives = alternativesIn(diagnosed, 0);
  return { verdict: reason, abstained: true, reason, chain: [], alternatives, attributes: [], ...common };
}

function comparison(
  window: TraceWindow,
  behaviour: Behaviour,
  scope: Scope,
  given: readonly BaselineSummary[],
): {
  readonly baselines: readonly BaselineSummary[];
  readonly comparedWith: CausalityReport["compared_with"];
} {
  if (given.length > 0) return { baselines: given, comparedWith: "baselines" };
  if (scope.partial && window.trees.length - scope.traces >= OTHER_TRACES_MIN) {
    const others = summarizeWindow(window, behaviour, (at) => !scope.has(at));
    return { baselines: [others], comparedWith: "other_traces" };
  }
  return { baselines: [], comparedWith: "nothing" };
}

/** By operation, the share of its self time that its requests waited for, at least a tenth. */
function pathShares(
  window: TraceWindow,
  inScope: (at: number) => boolean,
  rules: CausalityRules,
): (operation: Operation) => number {
  if (!rules.steps.criticalPath) return () => 1;
  const selfNs = new Float64Array(window.operations.length);
  const pathNs = new Float64Array(window.operations.length);
  for (let at = 0; at < window.nodes.length; at++) {
    if (!inScope(at)) continue;
    selfNs[window.operation[at]!]! += window.selfNs[at]!;
    pathNs[window.operation[at]!]! += window.pathNs[at]!;
  }
  const shares = new Map(
    window.operations.map((operation, i) => [
      operationKey(operation),
      selfNs[i]! > 0 ? Math.min(1, Math.max(PATH_SHARE_MIN, pathNs[i]! / selfNs[i]!)) : 1,
    ]),
  );
  return (operation) => shares.get(operationKey(operation)) ?? 1;
}

/** Why there is no evidence at all. */
function whyNothing({ window, scope, comparedWith, symptom, warnings }: PreparedDiagnosis): string {
  if (window.nodes.length === 0) return "The window holds no spans.";
  if (scope.traces === 0) {
    return `None of the ${window.trees.length} traces in this window shows the symptom${symptom?.kind === "text" ? ` "${symptom.text}"` : ""}.`;
  }
  if (comparedWith === "baselines") return "Nothing deviates from the baselines.";
  if (comparedWith === "other_traces")
    return "The traces in question do not deviate from the others of this window.";
  const refused = warnings.length > 0 ? `${warnings.join(" ")} ` : "";
  return `${refused}Nothing failed, and there is no baseline to compare with. ${whereTheTimeWent(window, scope)}`;
}

function whereTheTimeWent(window: TraceWindow, scope: Scope): string {
  const pathNs = new Map<number, number>();
  let totalNs = 0;
  for (let at = 0; at < window.nodes.length; at++) {
    if (!scope.has(at)) continue;
    const index = window.operation[at]!;
    pathNs.set(index, (pathNs.get(index) ?? 0) + window.pathNs[at]!);
    totalNs += window.pathNs[at]!;
  }
  const most = [...pathNs].sort((a, b) => b[1] - a[1]).slice(0, SHARES_TOLD);
  const told = most.map(([index, ns]) => {
    const { service, name } = window.operations[index]!;
    return `${name} in ${service} (${Math.round((100 * ns) / Math.max(1, totalNs))} %)`;
  });
  return `Most of the time went to ${told.join(", ")}.`;
}
