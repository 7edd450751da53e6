import { relative } from "node:path";
import { openTestEvents } from "./event-writer.ts";
import { failureOf } from "./failure.ts";
import type { TestFailure, TestReference, TestStatus } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

/** What is read of jest's own types (@jest/reporters 30), which are no dependency of this package. */
interface JestTest {
  readonly path: string;
}

interface JestCaseStart {
  readonly ancestorTitles: readonly string[];
  readonly fullName: string;
  readonly title: string;
  readonly startedAt?: number | null;
}

interface JestCaseResult extends JestCaseStart {
  readonly status: string;
  readonly duration?: number | null;
  readonly startAt?: number | null;
  readonly failureDetails?: readonly unknown[];
  readonly failureMessages?: readonly string[];
  /** How often the test ran, this time included: each attempt has a result of its own (jest 30). */
  readonly invocations?: number;
  readonly location?: { readonly line: number } | null;
}

interface JestFileResult {
  readonly testResults: readonly JestCaseResult[];
  readonly testExecError?: unknown;
  readonly console?: readonly { readonly message: string; readonly type: string }[] | undefined;
}

const STATUSES: Readonly<Record<string, TestStatus>> = { passed: "pass", failed: "fail" };
const TO_STDERR = new Set(["error", "warn", "assert"]);

/** Reporter for jest: `reporters: ["default", "gasoline360/jest"]`. `gasoline test -- jest` adds it by itself. */
export default class GasolineReporter {
  readonly #events = openTestEvents();
  /** Per file, tests that were told while they ran. */
  readonly #told = new Map<string, Set<string>>();

  /** How often a test was started. */
  readonly #starts = new Map<string, number>();

  onRunStart(): void {
    this.#events.write({ kind: "runner", name: "jest" });
  }

  onTestCaseStart(test: JestTest, start: JestCaseStart): void {
    const key = `${test.path}\n${start.fullName}`;
    const attempt = this.#starts.get(key) ?? 0;
    this.#starts.set(key, attempt + 1);
    const timeMs = start.startedAt ?? Date.now();
    this.#events.write({ kind: "started", ...referenceOf(test, start, attempt), timeMs });
  }

  onTestCaseResult(test: JestTest, result: JestCaseResult): void {
    const told = this.#told.get(test.path) ?? new Set();
    this.#told.set(test.path, told.add(result.fullName));
    this.#tell(test, result);
  }

  /** Skipped tests are told only here, and what a file printed, which jest does not part by test. */
  onTestResult(test: JestTest, file: JestFileResult): void {
    const told = this.#told.get(test.path);
    for (const result of file.testResults) if (!told?.has(result.fullName)) this.#tell(test, result);
    this.#told.delete(test.path);
    const timeMs = Date.now();
    for (const { message, type } of file.console ?? []) {
      const stream = TO_STDERR.has(type) ? "stderr" : "stdout";
      this.#events.write({ kind: "output", stream, text: message, timeMs, file: test.path });
    }
    if (file.testExecError) {
      this.#events.write({ kind: "error", failure: failureOf(file.testExecError), timeMs, file: test.path });
    }
  }

  async onRunComplete(
    _contexts: unknown,
    results: { numFailedTests: number; numRuntimeErrorTestSuites: number },
  ): Promise<void> {
    await this.#events.end(results.numFailedTests + results.numRuntimeErrorTestSuites > 0);
  }

  #tell(test: JestTest, result: JestCaseResult): void {
    const startMs = result.startAt ?? Date.now();
    const messages = result.failureMessages ?? [];
    this.#events.write({
      kind: "finished",
      ...referenceOf(test, result, (result.invocations ?? 1) - 1),
      status: STATUSES[result.status] ?? "skip",
      startMs,
      durationMs: result.duration ?? 0,
      failures: messages.map((stack, i) => {
        const details = result.failureDetails?.[i];
        return { ...failureOfStack(stack), ...valuesOf(details) };
      }),
      ...(result.status === "todo" ? { reason: "todo" } : {}),
    });
  }
}

function referenceOf(
  test: JestTest,
  { ancestorTitles, fullName, title, ...rest }: JestCaseStart,
  attempt: number,
): TestReference {
  const location = "location" in rest ? (rest as JestCaseResult).location : undefined;
  return {
    key: testKey(test.path, [fullName]),
    suite: [relative(process.cwd(), test.path), ...ancestorTitles].join(" > "),
    name: title,
    attempt,
    file: test.path,
    ...(location ? { line: location.line } : {}),
  };
}

/** `Error: message`, lines of the message, lines of the stack. */
function failureOfStack(stack: string): TestFailure {
  const frames = stack.search(/\n\s+at /);
  const head = frames < 0 ? stack : stack.slice(0, frames);
  const [, type, message] = /^(?:([A-Z]\w*): )?([\s\S]*)$/.exec(head) ?? [];
  return failureOf({ name: type, message, stack });
}

/** Expected and actual value, when a matcher of jest's failed. */
function valuesOf(details: unknown): Pick<TestFailure, "expected" | "actual"> {
  if (typeof details !== "object" || details === null) return {};
  const { expected, actual } = failureOf(details);
  return {
    ...(expected === undefined ? {} : { expected }),
    ...(expected === undefined || actual === undefined ? {} : { actual }),
  };
}
