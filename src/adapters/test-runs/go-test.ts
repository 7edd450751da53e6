import { createGoSummary, type GoEvent, LOGGED, VERBOSE } from "./go-summary.ts";
import type { TestEvent, TestReference, TestStatus } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

interface GoTest {
  readonly startMs: number;
  output: string;
}

/** Reads `go test -json` line by line. */
export interface GoTestReader {
  line(text: string): void;
  /** All was read. */
  end(): void;
}

export interface GoTestOptions {
  readonly onEvent: (event: TestEvent) => void;
  /** What `go test` would have printed; never called when `print` is "json". */
  readonly print: (text: string) => void;
  /** "json": the user asked for it, the lines pass as they are; "verbose": `-v`; "summary": neither. */
  readonly mode: "json" | "verbose" | "summary";
}

const STATUSES: Readonly<Record<string, TestStatus>> = { pass: "pass", fail: "fail", skip: "skip" };

/** Subtests are tests of their own; their parents are reported too, as Go does. */
export function readGoTest({ onEvent, print, mode }: GoTestOptions): GoTestReader {
  const tests = new Map<string, GoTest>();
  const summary = createGoSummary(print);
  /** Package lists end with a `FAIL` of their own, which `-json` leaves out; the package in the folder does not. */
  let failedInList = false;
  let isLocal = false;
  onEvent({ kind: "runner", name: "go test" });

  function line(text: string): void {
    const event = parseGoEvent(text);
    if (mode === "json") print(`${text}\n`);
    // What is not JSON is said by go itself, or by a program that prints past the test binary.
    if (event === undefined) {
      if (mode !== "json" && text !== "") print(`${text}\n`);
      return;
    }
    const timeMs = event.Time === undefined ? Date.now() : Date.parse(event.Time);
    if (event.Test !== undefined) testEvent(event, event.Test, timeMs);
    if (event.Test === undefined) {
      isLocal ||= event.Output?.startsWith("exit status ") === true;
      failedInList ||= event.Action === "fail";
    }
    if (mode === "json") return;
    if (event.Action === "build-output" || (mode === "verbose" && event.Action === "output")) {
      print(event.Output ?? "");
    } else if (mode === "summary") summary.accept(event);
  }

  function testEvent(event: GoEvent, name: string, timeMs: number): void {
    const reference = referenceOf(event.Package ?? "", name);
    const status = STATUSES[event.Action];
    if (event.Action === "run") {
      tests.set(reference.key, { startMs: timeMs, output: "" });
      onEvent({ kind: "started", ...reference, timeMs });
    } else if (event.Action === "output") {
      const test = tests.get(reference.key);
      if (test !== undefined && !VERBOSE.test(event.Output ?? "")) test.output += event.Output ?? "";
    } else if (status !== undefined) {
      const test = tests.get(reference.key);
      const output = (test?.output ?? "").replace(/^\s*--- FAIL: .*\n/m, "");
      if (output.trim() !== "") {
        onEvent({ kind: "output", stream: "stdout", text: output, timeMs, key: reference.key, attempt: 0 });
      }
      const durationMs = (event.Elapsed ?? 0) * 1000;
      const line = lineIn(output);
      onEvent({
        kind: "finished",
        ...reference,
        ...(line === undefined ? {} : { line }),
        status,
        // Elapsed is rounded to 10 ms; the time of the start is exact.
        startMs: test?.startMs ?? timeMs - durationMs,
        durationMs: test === undefined ? durationMs : Math.max(0, timeMs - test.startMs),
        ...(status === "fail" ? { failures: [failureIn(output)] } : {}),
        ...(status === "skip" ? { reason: messageIn(output) } : {}),
      });
    }
  }

  function end(): void {
    if (mode !== "json" && failedInList && !isLocal) print("FAIL\n");
  }

  return { line, end };
}

function parseGoEvent(text: string): GoEvent | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const parsed = JSON.parse(text) as Partial<GoEvent>;
    return typeof parsed.Action === "string" ? (parsed as GoEvent) : undefined;
  } catch {
    return undefined;
  }
}

function referenceOf(importPath: string, name: string): TestReference {
  const names = name.split("/");
  return {
    key: testKey(importPath, names),
    suite: [importPath, ...names.slice(0, -1)].join(" > "),
    name: names.at(-1)!,
    attempt: 0,
  };
}

/** `    cart_test.go:12: got 2, want 3` and what follows it. */
function failureIn(output: string): { type: string; message: string; expected?: string; actual?: string } {
  const panic = /^panic: (.*)$/m.exec(output)?.[1];
  if (panic !== undefined) return { type: "panic", message: panic };
  const message = messageIn(output) || "failed";
  const values = /\bgot:? (.+?)[,;]? (?:want|expected):? (.+)$/im.exec(message);
  return {
    type: "testing.T",
    message,
    ...(values === null ? {} : { actual: values[1]!, expected: values[2]! }),
  };
}

function messageIn(output: string): string {
  const lines = output.split("\n");
  const first = lines.findIndex((line) => LOGGED.test(line));
  if (first < 0) return "";
  const rest = lines.slice(first + 1).filter((line) => line.startsWith("        "));
  return [lines[first]!.replace(LOGGED, ""), ...rest.map((line) => line.trim())].join("\n").slice(0, 4_000);
}

function lineIn(output: string): number | undefined {
  const line = /^\s+\w+\.go:(\d+): /m.exec(output)?.[1];
  return line === undefined ? undefined : Number(line);
}
