import { type ContractReport, validateContracts } from "../../correlate/contract-validate.ts";
import { checkEdgeCases, type EdgeCaseReport } from "../../correlate/edge-case.ts";
import { analyzeImpact, type ImpactReport } from "../../correlate/impact.ts";
import { type Attempt, detectLoop, type LoopReport } from "../../correlate/loop.ts";
import { findRegressions, type RegressionReport } from "../../correlate/regression.ts";
import { type CheckpointSummary, summarizeCheckpoint } from "../../correlate/regression-summary.ts";
import { testRunOf } from "../../correlate/test-case.ts";
import { GasolineError } from "../../model/errors.ts";
import type { WindowQuestion } from "./question.ts";
import { treesOf } from "./trees.ts";

/*
 * The analyses whose answer is correlate's own report.
 */

/** What got worse, or better, against the checkpoints or the baseline windows. Throws `bad_parameter` without any. */
export function findChanges({ window, baselines, known }: WindowQuestion): RegressionReport {
  const before: CheckpointSummary[] = [...(known?.checkpoints ?? [])];
  for (const { spans, logs } of baselines) before.push(summarizeCheckpoint(spans, logs, before).summary);
  if (before.length === 0) {
    throw new GasolineError(
      "bad_parameter",
      "regression needs something to compare with.",
      'Give baseline: a window such as "-30m/-15m", or save one with configure {"action":"set_baseline","name":"usual"}.',
    );
  }
  return findRegressions(before, window.spans, window.logs);
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
export function checkCases({ window, known, nowMs }: WindowQuestion): Omit<EdgeCaseReport, "lastTestedMs"> {
  const { lastTestedMs: _toBeFiled, ...report } = checkEdgeCases(
    known?.edgeCases ?? [],
    treesOf(window),
    nowMs,
  );
  return report;
}

/** Whether the attempts given, else the test runs of the window, go round in circles. */
export function findLoop({ window, attempts }: WindowQuestion): LoopReport {
  return detectLoop(attempts ?? testRuns(window));
}

function testRuns({ spans }: WindowQuestion["window"]): Attempt[] {
  const runs = spans.flatMap((span) => {
    const run = testRunOf(span);
    return run?.result === undefined || run.result === "skip" ? [] : [{ span, run, result: run.result }];
  });
  runs.sort((a, b) => (a.span.startNs < b.span.startNs ? -1 : a.span.startNs > b.span.startNs ? 1 : 0));
  return runs.map(({ span, run, result }) => ({
    action: "test run",
    test: run.id,
    passed: result === "pass",
    ...(span.statusMessage === "" ? {} : { error: span.statusMessage }),
  }));
}
