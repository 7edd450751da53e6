// Set-up file for jest (`setupFilesAfterEnv`): while a test runs, TRACEPARENT names its span. Plain CommonJS without
// types, since jest loads it as it is; the ids are those of test-ids.ts.
const { createHash } = process.getBuiltinModule("node:crypto");
const jestBeforeEach = Reflect.get(globalThis, "beforeEach");
const jestExpect = Reflect.get(globalThis, "expect");
const attempts = new Map();

jestBeforeEach(() => {
  const runId = process.env.GASOLINE_TEST_RUN;
  if (runId === undefined) return;
  const { currentTestName, testPath } = jestExpect.getState();
  const key = `${testPath}\n${currentTestName}`;
  const attempt = attempts.get(key) ?? 0;
  attempts.set(key, attempt + 1);
  const hash = createHash("sha256").update(`${runId}\n${attempt}\n${key}`).digest("hex");
  const traceparent = `00-${hash.slice(0, 32)}-${hash.slice(32, 48)}-01`;
  process.env.TRACEPARENT = traceparent;
  // A test sees a copy of the environment; what it starts gets the process's own.
  process.getBuiltinModule("node:vm").runInThisContext("process.env").TRACEPARENT = traceparent;
});
