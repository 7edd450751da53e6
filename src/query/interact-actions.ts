import { join } from "node:path";
import type { UserFlow } from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";
import type { InteractOutcome, InteractQuestion } from "./interact.ts";
import { stepItem, traceIdOf, violationItem } from "./interact-lines.ts";
import { pageSummary } from "./interact-page.ts";
import { differenceFrom, expectationOf, readRecording, writeRecording } from "./interact-recordings.ts";
import { type RunOptions, runSteps, type StepRun } from "./interact-run.ts";
import { readSteps } from "./interact-steps.ts";
import { count } from "./render/units.ts";
import { writeWhole } from "./state-files.ts";

const RECORDED_STEPS_MAX = 1_000;
const TRACES_NEXT = 2;

/** Runs steps and shows what each caused, then the page as it is now. Without steps: the page. */
export async function explore(question: InteractQuestion): Promise<InteractOutcome> {
  if (question.request.steps.length === 0) return page(question);
  const runs = await runSteps(question.request.steps, optionsOf(question));
  const outcome = outcomeOf(runs, "Ran");
  try {
    return { ...outcome, page: (await pageOf(question)).page };
  } catch (error) {
    // The steps are told all the same: a page may be closed by its last one.
    if (!(error instanceof GasolineError)) throw error;
    return { ...outcome, summary: `${outcome.summary} The page cannot be shown (${error.code}).` };
  }
}

/** The current page; with `accessibility`, also what is wrong with it, worst first. */
export async function page(question: InteractQuestion): Promise<InteractOutcome> {
  const { page: shown } = await pageOf(question);
  const next = ['interact {"action":"explore","steps":[{"type":"click","target":"…"}]}'];
  const outcome = { summary: pageSummary(shown), verdict: "ok", page: shown, next } as const;
  if (!question.request.accessibility) return outcome;
  const { violations } = await question.context.browser.run(
    { name: "accessibility", ...tabOf(question) },
    question.request.timeoutMs,
  );
  const found = `axe-core finds ${count(violations.length, "accessibility rule")} broken.`;
  return { ...outcome, summary: `${found} ${outcome.summary}`, items: violations.map(violationItem) };
}

/** Starts a recording of what the user does, stops and saves it, or runs the steps given and saves those. */
export async function record(question: InteractQuestion): Promise<InteractOutcome> {
  const { request, context } = question;
  if (request.stop) return stopRecording(question);
  const name = required(request.name, "record");
  if (request.steps.length > 0) return recordSteps(question, name);
  const { tab_id } = await context.browser.run(
    { name: "record_start", title: name, ...tabOf(question) },
    request.timeoutMs,
  );
  return {
    summary: `Recording ${name} in tab ${tab_id}: what the user does there is taken down until it is stopped.`,
    verdict: "ok",
    next: [`interact {"action":"record","name":"${name}","stop":true}`],
  };
}

async function stopRecording({ request, context }: InteractQuestion): Promise<InteractOutcome> {
  const { flow } = await context.browser.run({ name: "record_stop" }, request.timeoutMs);
  const name = request.name ?? flow.title.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+|-+$/g, "");
  return saved(context.stateDir, name === "" ? "recording" : name.slice(0, 100), flow);
}

/** Steps are kept with what each of them caused, so that a replay can tell a difference. */
async function recordSteps(question: InteractQuestion, name: string): Promise<InteractOutcome> {
  const runs = await runSteps(question.request.steps, { ...optionsOf(question), keepGoing: false });
  const outcome = outcomeOf(runs, "Ran");
  if (outcome.verdict === "failed") {
    return { ...outcome, summary: `${outcome.summary} Nothing was saved: mend the step and record again.` };
  }
  const kept = runs.flatMap(({ step, effect }) => (effect === undefined ? [] : [{ step, effect }]));
  const file = saved(question.context.stateDir, name, {
    title: name,
    steps: kept.map(({ step }) => step),
    expected: kept.map(({ effect }) => expectationOf(effect)),
  });
  return { ...outcome, ...file, verdict: outcome.verdict, items: [...(outcome.items ?? []), ...file.items] };
}

function saved(stateDir: string, name: string, flow: UserFlow) {
  const path = writeRecording(stateDir, name, flow);
  return {
    summary: `Saved recording ${name} with ${count(flow.steps.length, "step")}.`,
    verdict: "ok" as const,
    items: [{ row: { recording: name, path }, lines: () => [path] }],
    next: [`interact {"action":"replay","name":"${name}"}`],
  };
}

/** Runs a recording and compares each step with what it caused when it was recorded. */
export async function replay(question: InteractQuestion): Promise<InteractOutcome> {
  const name = required(question.request.name, "replay");
  const recording = readRecording(question.context.stateDir, name);
  const steps = readSteps(recording.steps, RECORDED_STEPS_MAX);
  const runs = await runSteps(steps, {
    ...optionsOf(question),
    judge: (effect, source) => differenceFrom(effect, recording.expected[source]),
  });
  const compared =
    recording.expected.length > 0 ? "" : " The recording says nothing of what they should cause.";
  const outcome = outcomeOf(runs, `Replayed ${name}:`);
  return { ...outcome, summary: `${outcome.summary}${compared}` };
}

/** Saves what the tab shows. */
export async function screenshot(question: InteractQuestion): Promise<InteractOutcome> {
  const { request, context } = question;
  const { mime, data } = await context.browser.run(
    { name: "screenshot", ...tabOf(question) },
    request.timeoutMs,
  );
  const time = new Date(context.clock.nowMs()).toISOString().replace(/[:.]/g, "-");
  const name = `${request.name ?? `screenshot-${time}`}.${mime === "image/png" ? "png" : "jpg"}`;
  const path = join(context.stateDir, "screenshots", name);
  const bytes = Buffer.from(data, "base64");
  writeWhole(path, bytes);
  return {
    summary: `Saved a screenshot of ${count(bytes.length, "byte")}.`,
    verdict: "ok",
    items: [{ row: { path, mime, bytes: bytes.length }, lines: () => [path] }],
    ...(request.image ? { image: { mime, data } } : {}),
    next: request.image ? [] : ['interact {"action":"screenshot","image":true}'],
  };
}

function outcomeOf(runs: readonly StepRun[], verb: string): InteractOutcome {
  const of = (result: StepRun["result"]): number => runs.filter((run) => run.result === result).length;
  const [failed, healed, notRun] = [of("failed"), of("healed"), of("not_run")];
  const effects = runs.flatMap(({ effect }) => (effect === undefined ? [] : [effect]));
  const requests = effects.flatMap((effect) => effect.requests);
  const bad = requests.filter(({ status }) => status === 0 || status >= 400).length;
  const errors = effects.reduce((sum, effect) => sum + effect.errors.length, 0);
  const parts = [
    `${runs.length - failed - notRun} of ${count(runs.length, "step")} done`,
    ...(healed > 0 ? [`${healed} healed`] : []),
    ...(failed > 0 ? [`${failed} FAILED`] : []),
    ...(notRun > 0 ? [`${notRun} not run`] : []),
  ];
  const caused = `${count(requests.length, "request")}${bad > 0 ? ` (${bad} failed)` : ""}, ${count(errors, "uncaught error")}`;
  return {
    summary: `${verb} ${parts.join(", ")}. They caused ${caused}.`,
    verdict: failed > 0 ? "failed" : healed > 0 ? "healed" : "ok",
    items: runs.map(stepItem),
    next: tracesOf(runs).map((id) => `observe {"what":"trace","filter":{"trace_id":"${id}"}}`),
  };
}

/** Traces worth a look: those of failed requests first, newest first. */
function tracesOf(runs: readonly StepRun[]): string[] {
  const effects = runs.flatMap(({ effect }) => (effect === undefined ? [] : [effect])).reverse();
  const failing = effects.flatMap(({ requests }) =>
    requests.filter(({ status }) => status === 0 || status >= 400).map(({ trace_id }) => trace_id),
  );
  const ids = [...failing, ...effects.map(({ trace_id }) => trace_id)].flatMap((id) => traceIdOf(id) ?? []);
  return [...new Set(ids)].slice(0, TRACES_NEXT);
}

function pageOf(question: InteractQuestion) {
  return question.context.browser.run({ name: "page", ...tabOf(question) }, question.request.timeoutMs);
}

function optionsOf({ request, context }: InteractQuestion): RunOptions {
  const { browser, clock } = context;
  return { browser, clock, tabId: request.tabId, timeoutMs: request.timeoutMs, keepGoing: request.keepGoing };
}

function tabOf({ request: { tabId } }: InteractQuestion): { readonly tab_id?: number } {
  return tabId === undefined ? {} : { tab_id: tabId };
}

function required(name: string | undefined, action: string): string {
  if (name !== undefined) return name;
  throw new GasolineError(
    "bad_parameter",
    `name is missing; ${action} needs one.`,
    `For example interact {"action":"${action}","name":"checkout"}.`,
  );
}
