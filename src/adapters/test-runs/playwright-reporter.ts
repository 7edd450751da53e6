import { relative } from "node:path";
import { openTestEvents } from "./event-writer.ts";
import { failureOf } from "./failure.ts";
import type { TestReference, TestStatus, TestStep } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

/** What is read of playwright's own types (@playwright/test/reporter), which are no dependency of this package. */
interface PlaywrightTest {
  readonly title: string;
  readonly expectedStatus: string;
  readonly location: { readonly file: string; readonly line: number };
  titlePath(): readonly string[];
}

interface PlaywrightError {
  readonly message?: string;
  readonly stack?: string;
  readonly value?: string;
}

interface PlaywrightStep {
  readonly title: string;
  /** `test.step` for those that the test names itself. */
  readonly category: string;
  readonly location?: { readonly file: string };
  readonly startTime: Date;
  readonly duration: number;
  readonly error?: PlaywrightError;
  readonly steps: readonly PlaywrightStep[];
}

interface PlaywrightResult {
  readonly retry: number;
  readonly status: string;
  readonly startTime: Date;
  readonly duration: number;
  readonly errors: readonly PlaywrightError[];
  readonly steps: readonly PlaywrightStep[];
}

const STATUSES: Readonly<Record<string, TestStatus>> = { passed: "pass", skipped: "skip" };
const STEPS_MAX = 200;
const STEP_DEPTH_MAX = 4;
/** Where our fixtures tell pages of a step: nothing that the test did. */
const OWN_STEP = /[\\/]test-runs[\\/]playwright-steps\.[jt]s$/;

/** Reporter for playwright: `reporter: [["list"], ["gasoline360/playwright-reporter"]]`; `gasoline test` adds it by itself. */
export default class GasolineReporter {
  readonly #events = openTestEvents();

  printsToStdio(): boolean {
    return false;
  }

  onBegin(config: { readonly version: string }): void {
    this.#events.write({ kind: "runner", name: "playwright", version: config.version });
  }

  onTestBegin(test: PlaywrightTest, result: PlaywrightResult): void {
    const timeMs = result.startTime.getTime();
    this.#events.write({ kind: "started", ...referenceOf(test, result), timeMs });
  }

  onTestEnd(test: PlaywrightTest, result: PlaywrightResult): void {
    this.#events.write({
      kind: "finished",
      ...referenceOf(test, result),
      // A test marked with `test.fail()` is meant to fail.
      status: STATUSES[result.status] ?? (result.status === test.expectedStatus ? "pass" : "fail"),
      startMs: result.startTime.getTime(),
      durationMs: result.duration,
      failures: result.errors.map(playwrightFailure),
      steps: stepsOf(result.steps, 0, new Map()).slice(0, STEPS_MAX),
    });
  }

  onStdOut(chunk: string | Buffer, test?: PlaywrightTest, result?: PlaywrightResult): void {
    this.#output("stdout", chunk, test, result);
  }

  onStdErr(chunk: string | Buffer, test?: PlaywrightTest, result?: PlaywrightResult): void {
    this.#output("stderr", chunk, test, result);
  }

  onError(error: PlaywrightError): void {
    this.#events.write({ kind: "error", failure: playwrightFailure(error), timeMs: Date.now() });
  }

  async onEnd(result: { readonly status: string }): Promise<void> {
    await this.#events.end(result.status !== "passed");
  }

  #output(
    stream: "stdout" | "stderr",
    chunk: string | Buffer,
    test: PlaywrightTest | undefined,
    result: PlaywrightResult | undefined,
  ): void {
    const output = { kind: "output", stream, text: chunk.toString(), timeMs: Date.now() } as const;
    const of = test === undefined || result === undefined ? undefined : referenceOf(test, result);
    this.#events.write(of === undefined ? output : { ...output, key: of.key, attempt: of.attempt });
  }
}

function referenceOf(test: PlaywrightTest, result: { readonly retry: number }): TestReference {
  // Root, project, file, groups, test.
  const [, project, , ...names] = test.titlePath();
  const { file, line } = test.location;
  const where = [...(project ? [`[${project}]`] : []), relative(process.cwd(), file)];
  return {
    key: playwrightKey(file, project ?? "", names),
    suite: [...where, ...names.slice(0, -1)].join(" > "),
    name: test.title,
    attempt: result.retry,
    file,
    line,
  };
}

/** The key of a test, for the reporter and for the fixture that runs in another process. */
export function playwrightKey(file: string, project: string, names: readonly string[]): string {
  return testKey(file, [...(project === "" ? [] : [project]), ...names]);
}

/** Playwright's error holds expected and received value in its text alone. */
function playwrightFailure(error: PlaywrightError): ReturnType<typeof failureOf> {
  const failure = failureOf({ ...error, message: error.message ?? error.value ?? "" });
  const text = failure.message;
  const expected = /^Expected[^:\n]*:\s*(.*)$/m.exec(text)?.[1];
  const actual = /^Received[^:\n]*:\s*(.*)$/m.exec(text)?.[1];
  return {
    ...failure,
    message: text.replace(/^Error: /, ""),
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
  };
}

/** Steps flattened, parents before children. `named` counts the test's own by name, as playwright-steps.ts does. */
function stepsOf(steps: readonly PlaywrightStep[], depth: number, named: Map<string, number>): TestStep[] {
  if (depth > STEP_DEPTH_MAX) return [];
  const ofTheTest = steps.filter(({ location }) => !OWN_STEP.test(location?.file ?? ""));
  return ofTheTest.flatMap((step) => [
    {
      name: step.title,
      ...(step.category === "test.step" ? { nth: countUp(named, step.title) } : {}),
      startMs: step.startTime.getTime(),
      durationMs: Math.max(0, step.duration),
      depth,
      ...(step.error === undefined ? {} : { failure: playwrightFailure(step.error) }),
    },
    ...stepsOf(step.steps, depth + 1, named),
  ]);
}

function countUp(counts: Map<string, number>, name: string): number {
  const before = counts.get(name) ?? 0;
  counts.set(name, before + 1);
  return before;
}
