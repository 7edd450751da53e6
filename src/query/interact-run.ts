import type { BrowserStep, StepEffect } from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import type { Browser } from "./browser-link.ts";
import type { NumberedStep } from "./interact-steps.ts";

/** How a step ended. `healed`: its first selectors no longer fit, a later one did. */
export interface StepRun {
  readonly step: BrowserStep;
  readonly result: "ok" | "healed" | "failed" | "not_run";
  /** Why it failed, healed or was not run. May quote the page. */
  readonly reason?: string;
  /** Absent when the browser could not carry it out. */
  readonly effect?: StepEffect;
}

export interface RunOptions {
  readonly browser: Browser;
  readonly clock: Clock;
  readonly tabId: number | undefined;
  readonly timeoutMs: number;
  /** Past a step that failed. */
  readonly keepGoing: boolean;
  /** What is wrong with a step that was carried out, by its place in the file; nothing when that is all right. */
  readonly judge?: (effect: StepEffect, source: number) => string | undefined;
}

/** Clients give up on a call after a minute or two; what has been done until then must be told. */
const CALL_MS_MAX = 100_000;

/**
 * Runs steps one after the other, until one fails. One result a step, also for those that were not run. Throws
 * GasolineError `not_paired` when there is no browser for the first.
 */
export async function runSteps(steps: readonly NumberedStep[], options: RunOptions): Promise<StepRun[]> {
  const { clock, keepGoing } = options;
  const deadlineMs = clock.nowMs() + CALL_MS_MAX;
  const runs: StepRun[] = [];
  let why: string | undefined;
  for (const numbered of steps) {
    if (clock.nowMs() > deadlineMs) why = `the ${CALL_MS_MAX / 1000} s of one call were over`;
    if (why !== undefined) {
      runs.push({ step: numbered.step, result: "not_run", reason: why });
      continue;
    }
    const run = await runStep(numbered, options, runs.length === 0);
    runs.push(run);
    if (run.result === "failed" && !keepGoing) why = `step ${runs.length} failed`;
  }
  return runs;
}

async function runStep(
  { step, source }: NumberedStep,
  { browser, tabId, timeoutMs, judge }: RunOptions,
  isFirst: boolean,
): Promise<StepRun> {
  try {
    const tab = tabId === undefined ? {} : { tab_id: tabId };
    const { effect } = await browser.run({ name: "step", step, ...tab }, timeoutMs);
    const wrong = judge?.(effect, source);
    if (wrong !== undefined) return { step, result: "failed", reason: wrong, effect };
    return effect.healed === true
      ? { step, result: "healed", reason: "its first selector no longer fits", effect }
      : { step, result: "ok", effect };
  } catch (error) {
    if (!(error instanceof GasolineError) || (isFirst && error.code === "not_paired")) throw error;
    return { step, result: "failed", reason: error.message };
  }
}
