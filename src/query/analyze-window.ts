import { explainCause } from "./analyses/causality-chain.ts";
import { compareWindows } from "./analyses/compare.ts";
import { correlateTrace } from "./analyses/correlate.ts";
import { explainDuration } from "./analyses/critical-path.ts";
import { gatherFacts } from "./analyses/infer.ts";
import {
  type AnalysisAnswer,
  type KnownState,
  onlyTraces,
  type WindowQuestion,
} from "./analyses/question.ts";
import { checkCases, checkContracts, findChanges, findImpact, findLoop } from "./analyses/reports.ts";
import { toText } from "./json-value.ts";
import type { StateFiles } from "./state-files.ts";

/** One analysis: how it answers, and what it reads when nothing bounds it. */
interface Analysis {
  readonly answer: (question: WindowQuestion) => AnalysisAnswer;
  /** A few words for lists of types. */
  readonly about: string;
  /**
   * What is read when a trace is named and no window is: `trace` its records alone, `around` also what ran at about
   * the same time.
   */
  readonly reads: "trace" | "around";
  /** What it needs from the state folder. */
  readonly needs?: readonly ("contracts" | "dependencies" | "edgeCases")[];
  /** `service` names what is to be changed: it does not bound what is read. */
  readonly ownService?: boolean;
}

/**
 * The analyses there are, by type: the one table for MCP, REST and the CLI, over the store or over files. The answers
 * are what `--json`, REST and MCP show.
 */
export const WINDOW_ANALYSES = {
  causality_chain: { answer: explainCause, reads: "around", about: "root cause, chain and symptom" },
  critical_path: { answer: explainDuration, reads: "trace", about: "what a request waited for" },
  compare: { answer: compareWindows, reads: "trace", about: "how traces or windows differ" },
  correlate: { answer: correlateTrace, reads: "around", about: "what else belongs to a trace" },
  regression: { answer: findChanges, reads: "trace", about: "what got worse against a baseline" },
  impact_analysis: {
    answer: findImpact,
    reads: "around",
    about: "what a change of files, endpoint or service reaches",
    needs: ["contracts", "dependencies", "edgeCases"],
    ownService: true,
  },
  contract_validation: {
    answer: checkContracts,
    reads: "trace",
    about: "traffic against the contracts on file",
    needs: ["contracts"],
  },
  edge_case_check: {
    answer: checkCases,
    reads: "trace",
    about: "which edge cases on file were exercised",
    needs: ["edgeCases"],
  },
  detect_loop: {
    answer: findLoop,
    reads: "trace",
    about: "whether attempts or test runs go round in circles",
  },
  infer: { answer: gatherFacts, reads: "around", about: "facts and hypotheses in one pack" },
} as const satisfies Record<string, Analysis>;

export type WindowAnalysis = keyof typeof WINDOW_ANALYSES;
export const ANALYSIS_TYPES = Object.keys(WINDOW_ANALYSES) as readonly WindowAnalysis[];

/** Other words for an analysis, as callers write them. */
export const ANALYSIS_ALIASES: Readonly<Record<string, WindowAnalysis>> = { causality: "causality_chain" };

/** What the state folder holds that the analysis uses. Throws `bad_parameter` for a file that cannot be read. */
export function knownState(type: WindowAnalysis, files: StateFiles): KnownState {
  const { needs = [] }: Analysis = WINDOW_ANALYSES[type];
  return {
    ...(needs.includes("contracts") ? { contracts: files.readContracts() } : {}),
    ...(needs.includes("dependencies") ? { dependencies: files.readDependencies() } : {}),
    ...(needs.includes("edgeCases") ? { edgeCases: files.readEdgeCases() } : {}),
  };
}

/** Answers one question about records; the records are first cut to the traces of the service or session asked for. */
export function answerWindow(type: WindowAnalysis, question: WindowQuestion): AnalysisAnswer {
  const { service, sessionId } = question;
  let { window, baselines } = question;
  const { ownService = false }: Analysis = WINDOW_ANALYSES[type];
  if (service !== undefined && !ownService) {
    const passes = (span: { readonly resource: { readonly service: string } }): boolean =>
      span.resource.service === service;
    window = onlyTraces(window, passes);
    baselines = baselines.map((baseline) => onlyTraces(baseline, passes));
  }
  if (sessionId !== undefined) {
    window = onlyTraces(window, ({ attributes }) => toText(attributes["session.id"]) === sessionId);
  }
  return WINDOW_ANALYSES[type].answer({ ...question, window, baselines });
}
