/**
 * What a test runner tells of a run, as plain data: the one shape that every reporter and importer speaks. Reporters
 * write one JSON object a line (see `event-writer.ts`); times are Unix milliseconds with their fraction.
 */
export type TestEvent =
  | {
      readonly kind: "runner";
      /** `vitest`, `jest`, `pytest` … */
      readonly name: string;
      readonly version?: string;
    }
  | ({ readonly kind: "started"; readonly timeMs: number } & TestReference)
  | ({
      readonly kind: "finished";
      readonly status: TestStatus;
      readonly startMs: number;
      readonly durationMs: number;
      /** Why a test was skipped. */
      readonly reason?: string;
      readonly failures?: readonly TestFailure[];
      readonly steps?: readonly TestStep[];
    } & TestReference)
  | {
      readonly kind: "output";
      readonly stream: "stdout" | "stderr";
      readonly text: string;
      readonly timeMs: number;
      /** Absent: of the run as a whole, or of a file. */
      readonly key?: string;
      readonly attempt?: number;
      readonly file?: string;
    }
  /** What failed outside of any test: a file that cannot be loaded, a hook, an unhandled rejection. */
  | {
      readonly kind: "error";
      readonly failure: TestFailure;
      readonly timeMs: number;
      readonly file?: string;
    };

export type TestStatus = "pass" | "fail" | "skip";

/** One attempt at one test. */
export interface TestReference {
  /** The same in the runner and in the process that runs the test: file, line feed, full name. */
  readonly key: string;
  /** File and the groups around the test, from the outside in. */
  readonly suite: string;
  readonly name: string;
  /** 0 for the first, more for retries. */
  readonly attempt: number;
  /** Absolute path. */
  readonly file?: string;
  readonly line?: number;
}

export interface TestFailure {
  readonly type?: string;
  readonly message: string;
  readonly stack?: string;
  /** Values as text. */
  readonly expected?: string;
  readonly actual?: string;
}

/** A part of a test, in order; `depth` 0 stands right under the test, 1 under the last step of depth 0, and so on. */
export interface TestStep {
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly depth: number;
  /** Of a step that the test itself names: how many of this name began before it in the test. */
  readonly nth?: number;
  readonly failure?: TestFailure;
}

type Fields = { readonly [name: string]: unknown };

/**
 * Reads a line as a reporter wrote it; `undefined` when it is none, as a line cut by a crash is. Only what the
 * recorder relies on is checked: the other side is a reporter of this package.
 */
export function parseTestEvent(line: string): TestEvent | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const fields = parsed as Fields;
  const kind = String(fields.kind);
  const required = Object.hasOwn(REQUIRED, kind) ? REQUIRED[kind] : undefined;
  const complete = Object.entries(required ?? {}).every(([name, type]) => typeof fields[name] === type);
  return required !== undefined && complete ? (parsed as TestEvent) : undefined;
}

const REFERENCE = { key: "string", suite: "string", name: "string", attempt: "number" };
const REQUIRED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  runner: { name: "string" },
  started: { ...REFERENCE, timeMs: "number" },
  finished: { ...REFERENCE, status: "string", startMs: "number", durationMs: "number" },
  output: { stream: "string", text: "string", timeMs: "number" },
  error: { failure: "object", timeMs: "number" },
};
