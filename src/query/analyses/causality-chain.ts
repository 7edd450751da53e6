import type { BaselineSummary } from "../../correlate/baseline.ts";
import { diagnose } from "../../correlate/causality.ts";
import type { CausalityReport } from "../../correlate/causality-report.ts";
import { EVIDENCE_MAX, type Finding, percentText, rounded } from "../../correlate/finding.ts";
import { summarize } from "../../correlate/summarize.ts";
import { count } from "../render/units.ts";
import { type AnalysisAnswer, concluded, findTrace, type WindowQuestion } from "./question.ts";

/** The answer of `causality_chain`: the report, and the same as findings. */
export type CausalityAnswer = CausalityReport & AnalysisAnswer;

/** Root cause, chain and symptom of what is wrong in the window (correlate/causality.ts). */
export function explainCause({
  window,
  baselines,
  traceId,
  symptom,
  known,
}: WindowQuestion): CausalityAnswer {
  const summaries: BaselineSummary[] = (known?.checkpoints ?? []).map(({ behaviour }) => behaviour);
  for (const baseline of baselines) summaries.push(summarize(baseline.spans, baseline.logs, summaries));
  const trace = traceId === undefined ? undefined : findTrace(window, traceId);
  const start = symptom ?? (trace === undefined ? undefined : ({ kind: "trace", traceId: trace } as const));
  const report = diagnose({
    spans: window.spans,
    logs: window.logs,
    baselines: summaries,
    ...(start === undefined ? {} : { symptom: start }),
  });
  return { ...report, ...concluded(report.verdict, findingsOf(report)) };
}

/** Cause first, then the way to the symptom, what sets it apart, what is missing and what else it may be. */
function findingsOf(report: CausalityReport): Finding[] {
  const findings: Finding[] = [];
  const { root_cause: cause, symptom } = report;
  if (cause !== undefined) {
    const because = cause.evidence.map(({ text }) => text).join("; ");
    findings.push({
      kind: "root_cause",
      text: `${cause.operation} in ${cause.service}: ${because}`,
      evidence: cause.spans.slice(0, EVIDENCE_MAX),
      method: "exact",
      confidence: rounded(cause.confidence),
    });
  }
  for (const { from, to, rule, confidence, traces, added_ms, failed_share, spans } of report.chain) {
    findings.push({
      kind: "impact",
      text: `${to.operation} in ${to.service} ${rule.replaceAll("_", " ")} ${from.operation} in ${from.service}${harm(added_ms, failed_share)}, in ${count(traces, "trace")}`,
      evidence: spans.slice(0, EVIDENCE_MAX),
      method: "exact",
      confidence: rounded(confidence),
    });
  }
  if (symptom !== undefined) {
    const said = symptom.messages[0] === undefined ? "" : `: ${symptom.messages[0]}`;
    findings.push({
      kind: "symptom",
      text: `${symptom.operation} in ${symptom.service}${harm(symptom.added_ms, symptom.failed_share)}, in ${count(symptom.traces, "trace")}${said}`,
      evidence: symptom.spans.slice(0, EVIDENCE_MAX),
      method: "exact",
      confidence: 1,
    });
  }
  for (const { attribute, value, deviating_share, other_share } of report.attributes) {
    findings.push({
      kind: "attribute",
      text: `${attribute}=${value} on ${percentText(deviating_share)} of the deviating spans, ${percentText(other_share)} of the others`,
      evidence: [],
      method: "attribute",
      confidence: rounded(Math.abs(deviating_share - other_share)),
    });
  }
  for (const { text, spans } of report.missing_telemetry) {
    findings.push({
      kind: "missing",
      text,
      evidence: spans.slice(0, EVIDENCE_MAX),
      method: "exact",
      confidence: 1,
    });
  }
  for (const { service, operation, score, because } of report.alternatives) {
    findings.push({
      kind: "alternative",
      text: `${operation} in ${service}: ${because}`,
      evidence: [],
      method: "exact",
      confidence: rounded(score),
    });
  }
  return findings;
}

function harm(addedMs: number | undefined, failedShare: number | undefined): string {
  const slower = addedMs === undefined ? "" : ` (+${Number(addedMs.toPrecision(3))} ms)`;
  const failed = failedShare === undefined ? "" : ` (failed in ${percentText(failedShare)})`;
  return slower + failed;
}
