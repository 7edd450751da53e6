import type { Span } from "../model/span.ts";
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
import { mapServices } from "./analyses/services.ts";
import { learnFromWindow, reduceWindow } from "./configure-tasks.ts";
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
  /** Without a baseline given, the baselines on file are compared with. */
  readonly usesBaselines?: boolean;
  /** `service` names what is to be changed: it does not bound what is read. */
  readonly ownService?: boolean;
  /** It is about what agents asked here, which the others do not see. */
  readonly readsToolCalls?: boolean;
}

/**
 * The analyses there are, by type: the one table for MCP, REST and the CLI, over the store or over files. The answers
 * are what `--json`, REST and MCP show.
 */
export const WINDOW_ANALYSES = {
  causality_chain: {
    answer: explainCause,
    reads: "around",
    about: "root cause, chain and symptom",
    usesBaselines: true,
  },
  critical_path: { answer: explainDuration, reads: "trace", about: "what a request waited for" },
  compare: { answer: compareWindows, reads: "trace", about: "how traces or windows differ" },
  correlate: { answer: correlateTrace, reads: "around", about: "what else belongs to a trace" },
  regression: {
    answer: findChanges,
    reads: "trace",
    about: "what got worse against a baseline",
    usesBaselines: true,
  },
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
    about: "whether your calls, attempts or test runs go round in circles",
    readsToolCalls: true,
  },
  infer: {
    answer: gatherFacts,
    reads: "around",
    about: "facts and hypotheses in one pack",
    usesBaselines: true,
  },
} as const satisfies Record<string, Analysis>;

export type WindowAnalysis = keyof typeof WINDOW_ANALYSES;

/** Asked by modes of observe and actions of configure alone. */
const OBSERVED = {
  services: { answer: mapServices, reads: "trace", about: "who calls whom" },
  reduce_window: { answer: reduceWindow, reads: "trace", about: "what a checkpoint keeps" },
  learn_contracts: { answer: learnFromWindow, reads: "trace", about: "contracts that traffic suggests" },
} as const satisfies Record<string, Analysis>;

export type AnyAnalysis = WindowAnalysis | keyof typeof OBSERVED;
const ALL: Readonly<Record<AnyAnalysis, Analysis>> = { ...WINDOW_ANALYSES, ...OBSERVED };

/** What the analysis reads when a trace is named and no window is. */
export function readsOf(type: AnyAnalysis): Analysis["reads"] {
  return ALL[type].reads;
}

export function readsToolCalls(type: AnyAnalysis): boolean {
  return ALL[type].readsToolCalls ?? false;
}

/** Whether the baselines on file are what it compares with when no other is given. */
export function usesBaselines(type: AnyAnalysis): boolean {
  return ALL[type].usesBaselines ?? false;
}

export const ANALYSIS_TYPES = Object.keys(WINDOW_ANALYSES) as readonly WindowAnalysis[];

/** Other words for an analysis, as callers write them. */
export const ANALYSIS_ALIASES: Readonly<Record<string, WindowAnalysis>> = { causality: "causality_chain" };

/** What the state folder holds that the analysis uses. Throws `bad_parameter` for a file that cannot be read. */
export function knownState(type: AnyAnalysis, files: StateFiles): KnownState {
  const { needs = [] } = ALL[type];
  return {
    ...(needs.includes("contracts") ? { contracts: files.readContracts() } : {}),
    ...(needs.includes("dependencies") ? { dependencies: files.readDependencies() } : {}),
    ...(needs.includes("edgeCases") ? { edgeCases: files.readEdgeCases() } : {}),
  };
}

/** Answers one question about records; the records are first cut to the traces of the service or session asked for. */
export function answerWindow(type: AnyAnalysis, question: WindowQuestion): AnalysisAnswer {
  const { answer, ownService = false } = ALL[type];
  const { service: _changed, ...unbounded } = question;
  return answer({ ...question, ...cutToScope(ownService ? unbounded : question) });
}

/** The records of the traces in which the service and the session asked for took part; all of them without either. */
export function cutToScope(question: WindowQuestion): Pick<WindowQuestion, "window" | "baselines"> {
  const { service, sessionId } = question;
  let { window, baselines } = question;
  if (service !== undefined) {
    const passes = ({ resource }: Span): boolean => resource.service === service;
    window = onlyTraces(window, passes);
    baselines = baselines.map((baseline) => onlyTraces(baseline, passes));
  }
  if (sessionId !== undefined) {
    window = onlyTraces(window, ({ attributes }) => toText(attributes["session.id"]) === sessionId);
  }
  return { window, baselines };
}
