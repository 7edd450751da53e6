import { counted, evidenceOf, type Finding, msText } from "../../correlate/finding.ts";
import { findRepeatedCalls } from "../../correlate/repeated-calls.ts";
import { explainCause } from "./causality-chain.ts";
import { explainDuration } from "./critical-path.ts";
import { type AnalysisAnswer, concluded, type WindowQuestion } from "./question.ts";
import { treesOf } from "./trees.ts";

/** The answer of `infer`: facts for whoever has to reason about the question. */
export interface InferAnswer extends AnalysisAnswer {
  /** What may be wrong, by rules alone, best first; at most 5. */
  readonly hypotheses: readonly {
    readonly claim: string;
    readonly score: number;
    readonly because: string;
  }[];
  /** What was not sent and would help; at most 5. */
  readonly missing: readonly string[];
  readonly facts: {
    readonly traces: number;
    readonly spans: number;
    readonly logs: number;
    readonly compared_with: string;
  };
}

const LISTED_MAX = 5;
const REPEATS_TOLD = 2;
const TIMES_TOLD = 2;

/** Gathers what every other analysis has to say about the window: causes, repeated calls, where the time went. */
export function gatherFacts(question: WindowQuestion): InferAnswer {
  const { window, traceId } = question;
  const cause = explainCause(question);
  const duration = explainDuration(question);
  const findings = [
    ...cause.findings.filter(({ kind }) => kind === "root_cause" || kind === "impact" || kind === "symptom"),
    ...repeatsIn(question),
    ...duration.findings.slice(0, TIMES_TOLD),
    ...cause.findings.filter(({ kind }) => kind === "attribute" || kind === "missing"),
  ];
  const { root_cause: root, alternatives } = cause;
  const hypotheses = [
    ...(root === undefined
      ? []
      : [
          {
            claim: `${root.operation} in ${root.service} is the cause`,
            score: root.score,
            because: root.evidence[0]?.text ?? "",
          },
        ]),
    ...alternatives.map(({ service, operation, score, because }) => ({
      claim: `${operation} in ${service} is the cause`,
      score,
      because,
    })),
  ];
  return {
    ...concluded(cause.verdict, findings),
    hypotheses: hypotheses.slice(0, LISTED_MAX),
    missing: cause.missing_telemetry.slice(0, LISTED_MAX).map(({ text }) => text),
    facts: {
      traces: traceId === undefined ? new Set(window.spans.map((span) => span.traceId)).size : 1,
      spans: window.spans.length,
      logs: window.logs.length,
      compared_with: cause.compared_with,
    },
  };
}

/** The costliest calls repeated under one parent, each operation once. */
function repeatsIn({ window, traceId }: WindowQuestion): Finding[] {
  const costliest = new Map<string, { readonly savedNs: number; readonly finding: Finding }>();
  for (const tree of treesOf(window, traceId)) {
    for (const { parentSpan, call, service, count, mode, totalNs, savedNs } of findRepeatedCalls(tree)) {
      const key = JSON.stringify([service, call]);
      if ((costliest.get(key)?.savedNs ?? -1) >= savedNs) continue;
      costliest.set(key, {
        savedNs,
        finding: {
          kind: "repeated_calls",
          text: `${call} in ${service} runs ${counted(count, "time")} (${mode}) under ${parentSpan.name}, ${msText(totalNs)} together`,
          evidence: [evidenceOf(parentSpan)],
          method: "exact",
          confidence: 0.9,
        },
      });
    }
  }
  return [...costliest.values()]
    .sort((a, b) => b.savedNs - a.savedNs)
    .slice(0, REPEATS_TOLD)
    .map(({ finding }) => finding);
}
