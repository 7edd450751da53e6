import type { Span } from "../model/span.ts";
import { textOf } from "./operation.ts";

export type TestResult = "pass" | "fail" | "skip";

/** A run of one test, as its span tells it. */
export interface TestRun {
  /** Suite and case name: the same for every run of the test. */
  readonly id: string;
  /** `undefined` while the test runs, or when its reporter said nothing. */
  readonly result: TestResult | undefined;
}

const RESULTS: Readonly<Record<string, TestResult>> = {
  pass: "pass",
  passed: "pass",
  ok: "pass",
  fail: "fail",
  failed: "fail",
  error: "fail",
  skip: "skip",
  skipped: "skip",
};

/**
 * The test run that a span stands for (semantic conventions, test.*); `undefined` for any other span. A span with
 * status error failed, whatever its attributes leave open.
 */
export function testRunOf(span: Span): TestRun | undefined {
  const name = textOf(span.attributes, "test.case.name");
  if (name === undefined) return undefined;
  const suite = textOf(span.attributes, "test.suite.name", "code.file.path", "code.filepath");
  const said = textOf(span.attributes, "gasoline.test.case.result.status", "test.case.result.status");
  const result = RESULTS[said?.toLowerCase() ?? ""] ?? (span.statusCode === "error" ? "fail" : undefined);
  return { id: suite === undefined ? name : `${suite} > ${name}`, result };
}
