import { createHash } from "node:crypto";

/** The root span of one attempt at one test. Lower-case hex. */
export interface TestIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** The variable that carries `TestRunContext.runId` to the processes that run tests. */
export const RUN_ID_VARIABLE = "GASOLINE_TEST_RUN";

/**
 * Ids made from what both sides know, so that the process that runs a test can name its trace without asking the
 * process that reports it. `runId` is random for each run.
 */
export function testIds(runId: string, key: string, attempt: number): TestIds {
  const hash = createHash("sha256").update(`${runId}\n${attempt}\n${key}`).digest("hex");
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) };
}

/** Span id of the `nth` step (from 0) that a test itself calls by this name. */
export function stepSpanId(testSpanId: string, name: string, nth: number): string {
  return testIds(testSpanId, `step ${name}`, nth).spanId;
}

/** The key of a test by its file and the names around it, outermost first. */
export function testKey(file: string, names: readonly string[]): string {
  return `${file}\n${names.join(" > ")}`;
}

/** W3C traceparent of a test, sampled. */
export function testTraceparent(runId: string, key: string, attempt: number): string {
  return traceparentOf(testIds(runId, key, attempt));
}

/** W3C traceparent of a span, sampled. */
export function traceparentOf({ traceId, spanId }: TestIds): string {
  return `00-${traceId}-${spanId}-01`;
}
