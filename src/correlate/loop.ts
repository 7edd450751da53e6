import { counted, type Finding, type Report, reportOf, rounded } from "./finding.ts";
import { errorFingerprint, exactText, fingerprint } from "./loop-fingerprint.ts";

/** One thing that was tried: a tool call, a fix, a test run. What is absent is not known. */
export interface Attempt {
  /** What was done: the tool's name, or the fix in words. */
  readonly action: string;
  readonly input?: unknown;
  readonly result?: unknown;
  /** The error it ended with. */
  readonly error?: string;
  /** The test that ran, with its outcome. */
  readonly test?: string;
  readonly passed?: boolean;
}

export type LoopKind = "identical_call" | "alternation" | "cycle" | "same_error" | "flip_flop";

export interface LoopFinding extends Finding {
  readonly kind: LoopKind;
  /** Attempts in one round of it. */
  readonly period: number;
  readonly repeats: number;
  readonly suggestion: string;
}

export interface LoopReport extends Report<"loop" | "no_loop", LoopFinding> {
  readonly in_loop: boolean;
  readonly attempts: number;
}

/** Older attempts are not looked at. */
const ATTEMPTS_MAX = 500;
const IDENTICAL_MIN = 3;
const PERIOD_MAX = 12;
const ROUNDS_MIN = 2;
const SAME_ERROR_MIN = 3;
const FLIPS_MIN = 3;

const SUGGESTIONS: Readonly<Record<LoopKind, string>> = {
  identical_call:
    "The answer will not change by asking again: use it, change the question, or wait for a change (wait_ms).",
  alternation:
    "Each step undoes or repeats the other: decide between them, and look at what neither touches.",
  cycle: "The same steps come round without new results: leave the cycle and test another hypothesis.",
  same_error:
    "None of these fixes touched the cause: look for where the error arises (analyze causality_chain) before the next one.",
  flip_flop:
    "The test depends on something that varies: compare a passing run with a failing one (analyze compare) instead of rerunning it.",
};

/**
 * Finds loops that the attempts, oldest first, end in: the same call with the same result three times, A-B-A-B, longer
 * cycles that came round twice, the same error after different actions three times, a test that changes its result at
 * least three times. Results count: polling whose result changes is no loop, repeating what succeeded is one.
 * O(attempts × longest period), at most 500 attempts.
 */
export function detectLoop(given: readonly Attempt[]): LoopReport {
  const offset = Math.max(0, given.length - ATTEMPTS_MAX);
  const attempts = given.slice(offset);
  const steps = attempts.map(
    (attempt) =>
      `${attempt.action}\n${exactText(attempt.input)}\n${attempt.test ?? ""}\n${outcomeText(attempt)}`,
  );
  const findings = [cycleAtEnd(steps, attempts), sameError(attempts), ...flipFlops(attempts)]
    .flatMap((found) => found ?? [])
    .map((found) => ({
      ...found,
      evidence: found.evidence.map((entry) => ({ attempt: entry.attempt! + offset })),
    }))
    .sort((a, b) => b.confidence - a.confidence || (a.kind < b.kind ? -1 : 1));
  const [first] = findings;
  const summary =
    first === undefined
      ? `No loop in the last ${counted(attempts.length, "attempt")}.`
      : `${first.text} ${first.suggestion}`;
  return {
    ...reportOf(first === undefined ? "no_loop" : "loop", summary, findings),
    in_loop: first !== undefined,
    attempts: attempts.length,
  };
}

function outcomeText({ result, error, passed }: Attempt): string {
  return `${passed ?? ""} ${error === undefined ? "" : errorFingerprint(error)} ${fingerprint(result)}`;
}

/** The shortest cycle that the steps end in. */
function cycleAtEnd(steps: readonly string[], attempts: readonly Attempt[]): LoopFinding | undefined {
  for (let period = 1; period <= PERIOD_MAX; period++) {
    let same = 0;
    while (
      same < steps.length - period &&
      steps[steps.length - 1 - same] === steps[steps.length - 1 - same - period]
    )
      same += 1;
    const rounds = Math.floor((same + period) / period);
    if (rounds < (period === 1 ? IDENTICAL_MIN : ROUNDS_MIN)) continue;
    const kind = period === 1 ? "identical_call" : period === 2 ? "alternation" : "cycle";
    const round = attempts.slice(-period).map(({ action }) => action);
    const text =
      period === 1
        ? `${round[0]} was called ${rounds} times in a row with the same input and the same result.`
        : `The last ${period * rounds} attempts are ${rounds} rounds of ${round.join(" → ")}, with the same results.`;
    const first = steps.length - period * Math.min(rounds, 3);
    return findingOf(kind, text, period, rounds, 1 - 1 / (rounds * period), [
      first,
      first + period,
      steps.length - 1,
    ]);
  }
  return undefined;
}

/** The error that the latest attempts to fail ended with, if what was done in between differed. */
function sameError(attempts: readonly Attempt[]): LoopFinding | undefined {
  const last = attempts.findLastIndex(isOutcome);
  const error = last < 0 ? undefined : failureText(attempts[last]!);
  if (error === undefined) return undefined;
  const failed: number[] = [];
  const fixes = new Set<string>();
  let done = "";
  for (let at = last; at >= 0; at--) {
    const attempt = attempts[at]!;
    if (isOutcome(attempt)) {
      if (failureText(attempt) !== error) break;
      failed.unshift(at);
      if (done !== "") fixes.add(done);
      done = "";
    }
    // What runs the test is no fix; a described attempt is its own.
    if (attempt.test === undefined) done += `${attempt.action} ${exactText(attempt.input)}\n`;
  }
  if (failed.length < SAME_ERROR_MIN || fixes.size < SAME_ERROR_MIN - 1) return undefined;
  const text = `The same error came ${failed.length} times, with ${fixes.size} different actions in between: ${error}.`;
  return findingOf("same_error", text, 1, failed.length, 1 - 1 / failed.length, failed);
}

/** True for attempts that say how they ended, and not merely that they were made. */
function isOutcome(attempt: Attempt): boolean {
  return attempt.error !== undefined || attempt.passed !== undefined;
}

function failureText({ error, passed, test }: Attempt): string | undefined {
  if (error !== undefined && error !== "") return errorFingerprint(error);
  return passed === false ? `test ${test ?? ""} failed` : undefined;
}

/** Tests whose latest runs changed between pass and fail again and again. */
function flipFlops(attempts: readonly Attempt[]): LoopFinding[] {
  const runs = Map.groupBy(
    [...attempts.keys()].filter((at) => {
      const { test, passed } = attempts[at]!;
      return test !== undefined && passed !== undefined;
    }),
    (at) => attempts[at]!.test!,
  );
  const findings: LoopFinding[] = [];
  for (const [test, positions] of runs) {
    const flips = positions.filter(
      (at, i) => i > 0 && attempts[at]!.passed !== attempts[positions[i - 1]!]!.passed,
    );
    // A test that was mended and stays so for three runs is at rest.
    const restsSince = positions.length - 1 - positions.indexOf(flips.at(-1) ?? -1);
    if (flips.length < FLIPS_MIN || restsSince >= 3) continue;
    const text = `Test ${test} changed between pass and fail ${flips.length} times in ${positions.length} runs.`;
    findings.push(findingOf("flip_flop", text, 2, flips.length, 1 - 1 / (flips.length + 1), flips));
  }
  return findings;
}

function findingOf(
  kind: LoopKind,
  text: string,
  period: number,
  repeats: number,
  confidence: number,
  positions: readonly number[],
): LoopFinding {
  return {
    kind,
    text,
    evidence: [...new Set(positions)].slice(-3).map((attempt) => ({ attempt })),
    method: "exact",
    confidence: rounded(confidence),
    period,
    repeats,
    suggestion: SUGGESTIONS[kind],
  };
}
