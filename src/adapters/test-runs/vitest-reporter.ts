import { relative } from "node:path";
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node";
import { openTestEvents } from "./event-writer.ts";
import { failureOf } from "./failure.ts";
import type { TestReference } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

/** Reporter for vitest: `reporters: ["default", "gasoline360/vitest"]`. `gasoline test -- vitest` adds it by itself. */
export default class GasolineReporter implements Reporter {
  readonly #events = openTestEvents();
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
    this.#events.write({ kind: "runner", name: "vitest", version: vitest.version });
  }

  onTestCaseReady(test: TestCase): void {
    this.#events.write({ kind: "started", ...referenceOf(test, 0), timeMs: Date.now() });
  }

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    const attempts = attemptsOf(test);
    if (result.state === "skipped" || attempts.length === 0) {
      const at = { startMs: test.diagnostic()?.startTime ?? Date.now(), durationMs: 0 };
      const status = result.state === "failed" ? "fail" : result.state === "passed" ? "pass" : "skip";
      const failures = (result.errors ?? []).map(failureOf);
      const reason = result.state === "skipped" && result.note !== undefined ? { reason: result.note } : {};
      this.#events.write({ kind: "finished", ...referenceOf(test, 0), status, ...at, failures, ...reason });
      return;
    }
    for (const [attempt, { state, errors, duration, startTime }] of attempts.entries()) {
      this.#events.write({
        kind: "finished",
        ...referenceOf(test, attempt),
        status: state === "failed" ? "fail" : state === "passed" ? "pass" : "skip",
        startMs: startTime,
        durationMs: duration,
        failures: (errors ?? []).map(failureOf),
      });
    }
  }

  onUserConsoleLog(log: { type: "stdout" | "stderr"; content: string; time: number; taskId?: string }): void {
    const entity = this.#vitest?.state.getReportedEntityById(log.taskId ?? "");
    const key = entity?.type === "test" ? referenceOf(entity, 0).key : undefined;
    this.#events.write({
      kind: "output",
      stream: log.type,
      text: log.content,
      timeMs: log.time,
      ...(key === undefined ? {} : { key }),
    });
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) {
      const failure = failureOf(error);
      this.#events.write({ kind: "error", failure, timeMs: Date.now(), file: module.moduleId });
    }
  }

  async onTestRunEnd(
    _modules: readonly TestModule[],
    errors: readonly unknown[],
    reason: string,
  ): Promise<void> {
    for (const error of errors) {
      this.#events.write({ kind: "error", failure: failureOf(error), timeMs: Date.now() });
    }
    await this.#events.end(reason !== "passed");
  }
}

type Attempt = Pick<ReturnType<TestCase["attempts"]>[number], "state" | "errors" | "duration" | "startTime">;

/**
 * Each try of a test. Before version 5 vitest told of the last one alone, with the errors of all: the retries before it
 * then stand at the test's begin, with no length of their own.
 */
function attemptsOf(test: TestCase): readonly Attempt[] {
  if (typeof test.attempts === "function") return test.attempts();
  const last = test.diagnostic();
  const { state, errors = [] } = test.result();
  if (last === undefined || state === "pending" || state === "skipped") return [];
  const { startTime, duration, retryCount } = last;
  const before = errors
    .slice(0, retryCount)
    .map((error) => ({ state: "failed" as const, errors: [error], duration: 0, startTime }));
  const own = errors.slice(before.length);
  return [
    ...before,
    state === "failed"
      ? { state, errors: own, duration, startTime }
      : { state, errors: undefined, duration, startTime },
  ];
}

function referenceOf(test: TestCase, attempt: number): TestReference {
  const file = test.module.moduleId;
  const names = test.fullName.split(" > ");
  const groups = test.name.includes(" > ") ? [] : names.slice(0, -1);
  const line = test.location?.line;
  return {
    key: testKey(file, names),
    suite: [relative(process.cwd(), file), ...groups].join(" > "),
    name: test.name,
    attempt,
    file,
    ...(line === undefined ? {} : { line }),
  };
}
