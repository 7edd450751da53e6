import type { HrTime } from "@opentelemetry/api";
import type { CommandSpan } from "../command-span.ts";
import { hrTimeOfMs, type OtlpSource, type SendableAttributes, type SpanToSend } from "../otlp-client.ts";
import type { TestEvent, TestFailure, TestReference, TestStep } from "./test-event.ts";
import { stepSpanId, testIds } from "./test-ids.ts";

const STATUS_OK = 1;
const STATUS_ERROR = 2;
const SEVERITY: Readonly<Record<"stdout" | "stderr", number>> = { stdout: 9, stderr: 13 };
const SEVERITY_ERROR = 17;
/** Sent without an end: the span is open. */
const OPEN: HrTime = [0, 0];
const STATUS_CHARACTERS_MAX = 300;
/** What one test may print into the record. */
const OUTPUT_CHARACTERS_MAX = 64 * 1024;

export interface TestRunOptions {
  readonly source: OtlpSource;
  /** Random; makes the ids of the tests. */
  readonly runId: string;
  readonly span: CommandSpan;
  readonly startMs: number;
  /** Of the run: command, version control. */
  readonly attributes: SendableAttributes;
}

export interface TestRunEnd {
  readonly timeMs: number;
  /** Whether the runner itself said that the run failed. */
  readonly failed: boolean;
  /** Ended from outside, before it had told all. */
  readonly aborted: boolean;
  /** What is known only at the end: coverage, exit code. */
  readonly attributes: SendableAttributes;
}

/** How often tests ended so, each counted once, by its last attempt; flaky ones passed after a failed attempt. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly flaky: number;
}

/** Turns what runners tell into spans and logs: one trace a test, all linked to the span of the run. */
export interface TestRunRecorder {
  accept(event: TestEvent): void;
  /** Closes the run, and tests that never finished as open spans. */
  end(end: TestRunEnd): TestCounts;
}

/**
 * The span of the run is sent at once, open, and again when it has ended: a run that was killed is told from one that
 * ended by that. Test spans are sent when their test has ended.
 */
export function recordTestRun(options: TestRunOptions): TestRunRecorder {
  const { source, runId, span: run } = options;
  const runContext = { traceId: run.traceId, spanId: run.spanId };
  const running = new Map<string, TestReference & { readonly timeMs: number }>();
  /** By test: its last result. */
  const results = new Map<string, { readonly status: string; readonly flaky: boolean }>();
  const seen = new Map<string, number>();
  const printed = new Map<string, number>();
  let runner: SendableAttributes = {};
  let errorCount = 0;

  const runSpan = (
    status: string,
    more: Partial<SpanToSend>,
    attributes: SendableAttributes,
  ): SpanToSend => ({
    ...runContext,
    parentSpanId: run.parentSpanId,
    name: "test.suite.run",
    start: hrTimeOfMs(options.startMs),
    end: OPEN,
    ...more,
    attributes: { ...options.attributes, ...runner, "test.suite.run.status": status, ...attributes },
  });

  function accept(event: TestEvent): void {
    if (event.kind === "runner") {
      runner = {
        "gasoline.test.runner": event.name,
        ...(event.version === undefined ? {} : { "gasoline.test.runner.version": event.version }),
      };
    } else if (event.kind === "started") running.set(attemptKey(event), event);
    else if (event.kind === "output") output(event);
    else if (event.kind === "error") runError(event);
    else finished(event);
  }

  function finished(event: Extract<TestEvent, { kind: "finished" }>): void {
    const test = attemptKey(event);
    running.delete(test);
    // Tests of one file may share a name, as parameterised ones do: the second has a trace of its own.
    const before = seen.get(test) ?? 0;
    seen.set(test, before + 1);
    const key = before === 0 ? event.key : `${event.key} #${before + 1}`;
    const flaky = event.status === "pass" && event.attempt > 0;
    results.set(key, { status: event.status, flaky });
    const ids = testIds(runId, key, event.attempt);
    const failure = event.failures?.[0];
    source.span({
      ...ids,
      name: "test.case",
      start: hrTimeOfMs(event.startMs),
      end: hrTimeOfMs(event.startMs + event.durationMs),
      attributes: {
        ...testAttributes(event),
        ...resultAttributes(event.status, event.reason),
        ...(flaky ? { "gasoline.test.flaky": true } : {}),
        ...(failure === undefined ? {} : { "error.type": failure.type ?? "Error" }),
      },
      ...(event.status === "fail"
        ? { status: { code: STATUS_ERROR, message: sentence(failure?.message ?? "failed") } }
        : {}),
      events: exceptionEvents(event.failures ?? [], event.startMs + event.durationMs),
      links: [runContext, ...(event.attempt === 0 ? [] : [testIds(runId, key, 0)])],
    });
    for (const span of stepSpans(event.steps ?? [], ids)) source.span(span);
  }

  function output(event: Extract<TestEvent, { kind: "output" }>): void {
    const key = event.key ?? "";
    const chars = (printed.get(key) ?? 0) + event.text.length;
    printed.set(key, chars);
    if (chars > OUTPUT_CHARACTERS_MAX) return;
    const ids = event.key === undefined ? runContext : testIds(runId, event.key, event.attempt ?? 0);
    source.log({
      ...ids,
      time: hrTimeOfMs(event.timeMs),
      severity: SEVERITY[event.stream] ?? SEVERITY.stdout,
      body: event.text.replace(/\r?\n$/, ""),
      attributes: {
        "log.iostream": event.stream,
        ...(event.file === undefined ? {} : { "code.file.path": event.file }),
      },
    });
  }

  function runError(event: Extract<TestEvent, { kind: "error" }>): void {
    errorCount++;
    source.log({
      ...runContext,
      time: hrTimeOfMs(event.timeMs),
      severity: SEVERITY_ERROR,
      eventName: "exception",
      body: event.failure.message,
      attributes: {
        ...exceptionAttributes(event.failure),
        ...(event.file === undefined ? {} : { "code.file.path": event.file }),
      },
    });
  }

  function end(ended: TestRunEnd): TestCounts {
    for (const test of running.values()) {
      source.span({
        ...testIds(runId, test.key, test.attempt),
        name: "test.case",
        start: hrTimeOfMs(test.timeMs),
        end: OPEN,
        attributes: testAttributes(test),
        links: [runContext],
      });
    }
    const counts = countResults([...results.values()]);
    const failed = ended.failed || counts.failed > 0;
    const status = ended.aborted ? "aborted" : failed ? "failure" : "success";
    const message = failureSentence(counts.failed, errorCount, ended.aborted);
    source.span(
      runSpan(
        status,
        {
          end: hrTimeOfMs(ended.timeMs),
          status: failed || ended.aborted ? { code: STATUS_ERROR, message } : { code: STATUS_OK },
        },
        {
          "gasoline.test.passed": counts.passed,
          "gasoline.test.failed": counts.failed,
          "gasoline.test.skipped": counts.skipped,
          "gasoline.test.flaky_count": counts.flaky,
          ...(running.size === 0 ? {} : { "gasoline.test.unfinished": running.size }),
          ...ended.attributes,
        },
      ),
    );
    return counts;
  }

  source.span(runSpan("in_progress", {}, {}));
  return { accept, end };
}

function attemptKey({ key, attempt }: TestReference): string {
  return `${attempt}\n${key}`;
}

function testAttributes(test: TestReference): SendableAttributes {
  return {
    "test.suite.name": test.suite,
    "test.case.name": test.name,
    ...(test.file === undefined ? {} : { "code.file.path": test.file }),
    ...(test.line === undefined ? {} : { "code.line.number": test.line }),
    ...(test.attempt === 0 ? {} : { "gasoline.test.attempt": test.attempt }),
  };
}

/** The semantic conventions know pass and fail only. */
function resultAttributes(status: string, reason: string | undefined): SendableAttributes {
  if (status !== "skip") return { "test.case.result.status": status };
  return {
    "gasoline.test.case.result.status": "skipped",
    ...(reason === undefined || reason === "" ? {} : { "gasoline.test.skip_reason": reason }),
  };
}

function exceptionAttributes(failure: TestFailure): SendableAttributes {
  return {
    "exception.type": failure.type ?? "Error",
    "exception.message": failure.message,
    ...(failure.stack === undefined ? {} : { "exception.stacktrace": failure.stack }),
    ...(failure.expected === undefined ? {} : { "gasoline.test.expected": failure.expected }),
    ...(failure.actual === undefined ? {} : { "gasoline.test.actual": failure.actual }),
  };
}

function exceptionEvents(
  failures: readonly TestFailure[],
  timeMs: number,
): NonNullable<SpanToSend["events"]> {
  return failures.map((failure) => ({
    time: hrTimeOfMs(timeMs),
    name: "exception",
    attributes: exceptionAttributes(failure),
  }));
}

/** Steps as child spans; a step's parent is the last one before it that stands one level higher. */
function stepSpans(steps: readonly TestStep[], test: { traceId: string; spanId: string }): SpanToSend[] {
  const parents = [test.spanId];
  return steps.map((step, i) => {
    const depth = Math.min(step.depth, parents.length - 1);
    const spanId =
      step.nth === undefined
        ? testIds(test.spanId, step.name, i).spanId
        : stepSpanId(test.spanId, step.name, step.nth);
    const parentSpanId = parents[depth];
    parents.splice(depth + 1, parents.length, spanId);
    const endMs = step.startMs + step.durationMs;
    const { failure } = step;
    return {
      traceId: test.traceId,
      spanId,
      parentSpanId,
      name: step.name,
      start: hrTimeOfMs(step.startMs),
      end: hrTimeOfMs(endMs),
      attributes: failure === undefined ? {} : { "error.type": failure.type ?? "Error" },
      ...(failure === undefined
        ? {}
        : {
            status: { code: STATUS_ERROR, message: sentence(failure.message) },
            events: exceptionEvents([failure], endMs),
          }),
    };
  });
}

function countResults(results: readonly { status: string; flaky: boolean }[]): TestCounts {
  const having = (status: string): number => results.filter((result) => result.status === status).length;
  return {
    passed: having("pass"),
    failed: having("fail"),
    skipped: having("skip"),
    flaky: results.filter(({ flaky }) => flaky).length,
  };
}

/** `3 passed, 1 failed, 1 flaky, 2 skipped`. */
export function countsSentence({ passed, failed, skipped, flaky }: TestCounts): string {
  const parts: readonly (readonly [number, string])[] = [
    [passed, "passed"],
    [failed, "failed"],
    [flaky, "flaky"],
    [skipped, "skipped"],
  ];
  const told = parts.filter(([count], i) => count > 0 || i < 2).map(([count, word]) => `${count} ${word}`);
  return told.join(", ");
}

function failureSentence(failed: number, errors: number, aborted: boolean): string {
  const parts = [
    ...(aborted ? ["stopped before its end"] : []),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(errors === 0 ? [] : [`${errors} errors outside of tests`]),
  ];
  return parts.join(", ") || "the runner reported a failure";
}

/** The start of a message on one line. */
function sentence(message: string): string {
  return message.replace(/\s*\n\s*/g, " · ").slice(0, STATUS_CHARACTERS_MAX);
}
