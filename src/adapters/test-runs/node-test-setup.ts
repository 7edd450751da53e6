import { RUN_ID_VARIABLE, testKey, testTraceparent } from "./test-ids.ts";

/**
 * Loaded by `--import` into the processes that node:test runs files in: while a test runs, `TRACEPARENT` names its span.
 * Of tests that run at the same time it names the one that began last.
 */
const runId = process.env[RUN_ID_VARIABLE];
const isTestProcess = process.env.NODE_TEST_CONTEXT?.startsWith("child") === true;
if (runId !== undefined && isTestProcess) {
  const { beforeEach } = await import("node:test");
  beforeEach((context) => {
    if (!("fullName" in context)) return;
    const file = context.filePath ?? process.argv[1] ?? "";
    process.env.TRACEPARENT = testTraceparent(runId, testKey(file, [context.fullName]), 0);
  });
}
