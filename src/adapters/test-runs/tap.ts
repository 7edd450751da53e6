import { Parser } from "tap-parser";
import { failureOf } from "./failure.ts";
import type { TestEvent, TestFailure } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

type LogEntry = ReturnType<typeof Parser.parse>[number];
type Fields = { readonly [name: string]: unknown };

/**
 * Events of a report in the Test Anything Protocol, versions 12 to 14, subtests included. TAP tells no times but
 * durations: tests stand one after the other from `startMs` on. A report that ends before its plan does, bails out or
 * holds no test at all is told as an error of the run.
 */
export function readTap(text: string, startMs: number): readonly TestEvent[] {
  const events: TestEvent[] = [];
  let timeMs = startMs;
  let tests = 0;

  const error = (message: string): void => {
    events.push({ kind: "error", failure: { type: "TapError", message }, timeMs });
  };

  function assertion(point: Fields): void {
    // The point that closes a subtest repeats what its parts said.
    if (point.closingTestPoint === true) return;
    tests++;
    const names = String(point.fullname || point.name || `test ${String(point.id)}`).split(" > ");
    const diagnostics = fieldsOf(point.diag);
    const [file, line] = placeIn(diagnostics);
    const reason = point.skip || point.todo;
    const status = point.skip || (point.todo && !point.ok) ? "skip" : point.ok ? "pass" : "fail";
    const durationMs =
      typeof point.time === "number" ? point.time : Number(diagnostics.duration_ms ?? 0) || 0;
    events.push({
      kind: "finished",
      key: testKey(file ?? "", names),
      suite: names.slice(0, -1).join(" > ") || "TAP",
      name: names.at(-1)!,
      attempt: 0,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      status,
      startMs: timeMs,
      durationMs,
      failures: status === "fail" ? [failureIn(diagnostics, names.at(-1)!)] : [],
      ...(typeof reason === "string" ? { reason } : {}),
    });
    timeMs += durationMs;
  }

  function read(log: readonly LogEntry[]): void {
    for (const [kind, value] of log) {
      if (kind === "assert") assertion(fieldsOf(value));
      else if (kind === "child") read(value as LogEntry[]);
      else if (kind === "bailout") error(`Bail out! ${String(value)}`.trim());
      else if (kind === "comment" && /^# test count\(\d+\) != plan/.test(String(value))) {
        error(`The report is not whole: ${String(value).slice(2).trim()}.`);
      }
    }
  }

  read(Parser.parse(text));
  if (tests === 0) error("The report holds no tests.");
  return events;
}

/** `error` is a text, or an object with name and message. */
function failureIn(diagnostics: Fields, test: string): TestFailure {
  const { error, stack } = diagnostics;
  const said: Fields =
    typeof error === "object" ? { ...diagnostics, ...fieldsOf(error) } : { ...diagnostics, message: error };
  return failureOf({
    name: said.name,
    message: said.message ?? diagnostics.message ?? `not ok: ${test}`,
    stack,
    expected: diagnostics.expected ?? diagnostics.wanted,
    actual: diagnostics.actual ?? diagnostics.found,
  });
}

/** `location: /path/file.js:9:3` of node:test, or `at: {fileName, lineNumber}` of node-tap. */
function placeIn(diagnostics: Fields): [file?: string, line?: number] {
  const location = /^(.+?):(\d+)(?::\d+)?$/.exec(String(diagnostics.location ?? ""));
  if (location !== null) return [location[1]!, Number(location[2])];
  const { fileName, lineNumber } = fieldsOf(diagnostics.at);
  return typeof fileName === "string" ? [fileName, Number(lineNumber) || 1] : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
