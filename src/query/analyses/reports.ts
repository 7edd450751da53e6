import { type ContractReport, validateContracts } from "../../correlate/contract-validate.ts";
import { checkEdgeCases, type EdgeCaseReport } from "../../correlate/edge-case.ts";
import { analyzeImpact, type ImpactReport } from "../../correlate/impact.ts";
import { detectLoop, type LoopReport } from "../../correlate/loop.ts";
import { attemptsByClient } from "../../correlate/loop-history.ts";
import { findRegressions, type RegressionReport } from "../../correlate/regression.ts";
import { type CheckpointSummary, summarizeCheckpoint } from "../../correlate/regression-summary.ts";
import { GasolineError } from "../../model/errors.ts";
import { fileChanges } from "./file-changes.ts";
import { type AnalysisAnswer, FINDINGS_MAX, type WindowQuestion } from "./question.ts";
import { treesOf } from "./trees.ts";

/*
 * The analyses whose answer is correlate's own report.
 */

/** A regression, and after it the files that were changed in its window. */
type ChangesReport = Omit<RegressionReport, "findings"> & Pick<AnalysisAnswer, "findings">;

/** What got worse, or better, against the checkpoints or the baseline windows. Throws `bad_parameter` without any. */
export function findChanges({ window, baselines, known }: WindowQuestion): ChangesReport {
  const before: CheckpointSummary[] = [...(known?.checkpoints ?? [])];
  for (const { spans, logs } of baselines) before.push(summarizeCheckpoint(spans, logs, before).summary);
  if (before.length === 0) {
    throw new GasolineError(
      "bad_parameter",
      "regression needs something to compare with.",
      'Give baseline: a window such as "-30m/-15m", or save one with configure {"action":"set_baseline","name":"usual"}.',
    );
  }
  const report = findRegressions(before, window.spans, window.logs);
  if (report.verdict !== "regressed") return report;
  const changes = fileChanges(window.logs);
  const kept = report.findings.slice(0, FINDINGS_MAX - changes.length);
  return {
    ...report,
    findings: [...kept, ...changes],
    truncated: report.truncated + report.findings.length - kept.length,
  };
}

/** What a change of files, an endpoint or a service may break. Throws `bad_parameter` without any of them. */
export function findImpact({ window, known, files, endpoint, service }: WindowQuestion): ImpactReport {
  if (files === undefined && endpoint === undefined && service === undefined) {
    throw new GasolineError(
      "bad_parameter",
      "impact_analysis needs files, endpoint or service.",
      'For example {"type":"impact_analysis","files":["src/payment.js"]}.',
    );
  }
  return analyzeImpact(
    {
      ...(files === undefined ? {} : { files }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(service === undefined ? {} : { service }),
    },
    treesOf(window),
    {
      dependencies: known?.dependencies ?? [],
      contracts: known?.contracts ?? [],
      edgeCases: known?.edgeCases ?? [],
    },
  );
}

/** How the traffic keeps to the contracts on file. Throws `not_found` when there are none. */
export function checkContracts({ window, known }: WindowQuestion): ContractReport {
  const contracts = known?.contracts ?? [];
  if (contracts.length === 0) {
    throw new GasolineError(
      "not_found",
      "There are no contracts on file.",
      "Put contracts/SERVICE.json (or an OpenAPI document) into the state folder, .gasoline by default.",
    );
  }
  return validateContracts(contracts, treesOf(window));
}

/** Which edge cases on file were exercised. */
export function checkCases({
  window,
  known,
  nowMs,
}: WindowQuestion): Omit<EdgeCaseReport, "lastTestedMs"> & Pick<AnalysisAnswer, "tested"> {
  const { lastTestedMs, ...report } = checkEdgeCases(known?.edgeCases ?? [], treesOf(window), nowMs);
  return lastTestedMs.size === 0 ? report : { ...report, tested: Object.fromEntries(lastTestedMs) };
}

/**
 * Whether the attempts given go round in circles, else the tool calls and test runs of the window: each client's for
 * itself, and the first that does is the answer.
 */
export function findLoop({ window, attempts }: WindowQuestion): LoopReport & { readonly client?: string } {
  if (attempts !== undefined) return detectLoop(attempts);
  const reports = [...attemptsByClient(window.spans, window.logs)].map(([client, own]) => ({
    ...detectLoop(own),
    ...(client === "" ? {} : { client }),
  }));
  return reports.find(({ in_loop }) => in_loop) ?? longestOf(reports);
}

function longestOf(reports: readonly LoopReport[]): LoopReport {
  return reports.reduce((longest, each) => (each.attempts > longest.attempts ? each : longest));
}
