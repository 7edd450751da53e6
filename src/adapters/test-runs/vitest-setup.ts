import { beforeEach } from "vitest";
import { RUN_ID_VARIABLE, testKey, testTraceparent } from "./test-ids.ts";

interface Named {
  readonly name: string;
  readonly suite?: Named | undefined;
}

/**
 * Set-up file for vitest: while a test runs, `TRACEPARENT` names its span, for whatever the test starts or calls.
 * With concurrent tests in one file it names the one that began last.
 */
beforeEach(({ task }) => {
  const runId = process.env[RUN_ID_VARIABLE];
  if (runId === undefined) return;
  const names = [task.name];
  for (let suite: Named | undefined = task.suite; suite !== undefined; suite = suite.suite) {
    if (suite.name !== "") names.unshift(suite.name);
  }
  process.env.TRACEPARENT = testTraceparent(
    runId,
    testKey(task.file.filepath, names),
    task.result?.retryCount ?? 0,
  );
});
