import { relative } from "node:path";
import { openTestEvents, type TestEvents } from "./event-writer.ts";
import { failureOf } from "./failure.ts";
import type { TestReference, TestStatus } from "./test-event.ts";
import { RUN_ID_VARIABLE, testKey, testTraceparent } from "./test-ids.ts";

/** What is read of mocha's own types, which are no dependency of this package. */
interface MochaTest {
  readonly type: string;
  readonly title: string;
  readonly duration?: number;
  readonly err?: unknown;
  readonly file?: string;
  titlePath(): readonly string[];
  currentRetry?(): number;
}

interface MochaRunner {
  readonly failures: number;
  /** Ours come before the reporter's, whose output is none of the test's. */
  prependListener(event: string, listener: (test: MochaTest, error: unknown) => void): unknown;
}

type Write = typeof process.stdout.write;

interface Run {
  readonly events: TestEvents;
  readonly runner: MochaRunner;
}
// Mocha hands its two global fixtures one object, the runner: it is all that they share.
const runs = new WeakMap<object, Run>();

/**
 * For mocha's `--require` (or `require:` in its configuration): listens to the runner beside whatever reporter there is.
 * `gasoline test -- mocha` adds it by itself.
 */
export function mochaGlobalSetup(this: MochaRunner): void {
  const events = openTestEvents();
  runs.set(this, { events, runner: this });
  events.write({ kind: "runner", name: "mocha" });
  listen(this, events);
}

export async function mochaGlobalTeardown(this: MochaRunner): Promise<void> {
  const run = runs.get(this);
  await run?.events.end(run.runner.failures > 0);
}

function listen(runner: MochaRunner, events: TestEvents): void {
  let startMs = Date.now();
  let stopListening = (): void => undefined;

  runner.prependListener("test", (test) => {
    const reference = referenceOf(test);
    const runId = process.env[RUN_ID_VARIABLE];
    if (runId !== undefined) {
      process.env.TRACEPARENT = testTraceparent(runId, reference.key, reference.attempt);
    }
    startMs = Date.now();
    events.write({ kind: "started", ...reference, timeMs: startMs });
    stopListening();
    stopListening = listenToOutput((stream, text) => {
      const { key, attempt } = reference;
      events.write({ kind: "output", stream, text, timeMs: Date.now(), key, attempt });
    });
  });

  const finished = (test: MochaTest, status: TestStatus, error?: unknown): void => {
    stopListening();
    stopListening = () => undefined;
    const durationMs = test.duration ?? (status === "skip" ? 0 : Date.now() - startMs);
    const at = { startMs: status === "skip" ? Date.now() : startMs, durationMs };
    const failures = error === undefined ? [] : [failureOf(error)];
    events.write({ kind: "finished", ...referenceOf(test), status, ...at, failures });
  };
  runner.prependListener("pass", (test) => finished(test, "pass"));
  runner.prependListener("pending", (test) => finished(test, "skip"));
  runner.prependListener("retry", (test, error) => finished(test, "fail", error));
  runner.prependListener("fail", (test, error) => {
    if (test.type === "hook") {
      const file = test.file === undefined ? {} : { file: test.file };
      events.write({ kind: "error", failure: failureOf(error), timeMs: Date.now(), ...file });
    } else finished(test, "fail", error);
  });
}

/** Hears what is printed from now on, which goes where it went. Returns how to stop. */
function listenToOutput(onText: (stream: "stdout" | "stderr", text: string) => void): () => void {
  const stops = (["stdout", "stderr"] as const).map((name) => {
    const stream = process[name];
    const write = stream.write;
    const heard = function (this: unknown, ...args: Parameters<Write>): boolean {
      const [chunk] = args;
      onText(name, typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
      return Reflect.apply(write, stream, args);
    };
    stream.write = heard as Write;
    return () => {
      // Someone else may have put theirs over ours meanwhile.
      if (stream.write === heard) stream.write = write;
    };
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function referenceOf(test: MochaTest): TestReference {
  const names = test.titlePath();
  const { file } = test;
  const where = file === undefined ? [] : [relative(process.cwd(), file)];
  return {
    key: testKey(file ?? "", names),
    suite: [...where, ...names.slice(0, -1)].join(" > "),
    name: test.title,
    attempt: test.currentRetry?.() ?? 0,
    ...(file === undefined ? {} : { file }),
  };
}
