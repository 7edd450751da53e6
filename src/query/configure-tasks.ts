import { checkBaseline } from "../correlate/baseline-check.ts";
import { type ContractProposal, learnContracts } from "../correlate/contract-learn.ts";
import { type CheckpointSummary, summarizeCheckpoint } from "../correlate/regression-summary.ts";
import { SEVERITY_ERROR } from "../model/log.ts";
import { type AnalysisAnswer, concluded, findTrace, type WindowQuestion } from "./analyses/question.ts";
import { treesOf } from "./analyses/trees.ts";

/** What a checkpoint keeps of a window. */
export interface ReducedWindow extends AnalysisAnswer {
  readonly reduced: CheckpointSummary;
  /** Traces of the window, those that failed first. */
  readonly traceIds: readonly string[];
  readonly failedTraces: number;
  /** What speaks against using it as a baseline, beside the baselines given. */
  readonly warnings: readonly string[];
}

export interface LearnedContracts extends AnalysisAnswer {
  readonly proposals: readonly ContractProposal[];
}

/** Reduces a window to what is kept on file of it, and checks it against the checkpoints given. */
export function reduceWindow(question: WindowQuestion): ReducedWindow {
  const { spans, logs } = ofTrace(question);
  const others = question.known?.checkpoints ?? [];
  const { summary: reduced } = summarizeCheckpoint(spans, logs, others);
  const failed = new Set<string>();
  for (const { traceId, statusCode } of spans) if (statusCode === "error") failed.add(traceId);
  for (const { traceId, severity } of logs) {
    if (severity >= SEVERITY_ERROR && traceId !== "") failed.add(traceId);
  }
  const all = new Set([...failed, ...spans.map(({ traceId }) => traceId)]);
  const behaviours = others.map(({ behaviour }) => behaviour);
  const { warnings } = checkBaseline(reduced.behaviour, behaviours);
  return { ...concluded("reduced", []), reduced, traceIds: [...all], failedTraces: failed.size, warnings };
}

/** Proposes contracts from a window's traffic. */
export function learnFromWindow(question: WindowQuestion): LearnedContracts {
  return { ...concluded("learned", []), proposals: learnContracts(treesOf(ofTrace(question))) };
}

function ofTrace({ window, traceId: idOrPrefix }: WindowQuestion): WindowQuestion["window"] {
  if (idOrPrefix === undefined) return window;
  const id = findTrace(window, idOrPrefix);
  return {
    spans: window.spans.filter(({ traceId }) => traceId === id),
    logs: window.logs.filter(({ traceId }) => traceId === id),
  };
}
