import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import type { TestCase } from "vitest/node";
import { EVENTS_VARIABLE } from "../../../src/adapters/test-runs/event-writer.ts";
import GasolineReporter from "../../../src/adapters/test-runs/vitest-reporter.ts";

const folder = mkdtempSync(join(tmpdir(), "vitest-4-"));

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A test that passed at its second try, with the methods that vitest 4 gives it: `attempts` is of version 5. */
const flaky: Pick<TestCase, "name" | "fullName" | "module" | "location" | "result" | "diagnostic"> = {
  name: "pays",
  fullName: "pays",
  module: { moduleId: join(process.cwd(), "test/pay.test.ts") } as TestCase["module"],
  location: undefined,
  result: () => ({ state: "passed", errors: [{ message: "declined" }] }),
  diagnostic: () => ({
    slow: false,
    heap: undefined,
    duration: 12,
    startTime: 1_000,
    retryCount: 1,
    repeatCount: 0,
    flaky: true,
  }),
};

it("reports tests of a vitest that does not tell of each attempt", () => {
  const path = join(folder, "events.jsonl");
  vi.stubEnv(EVENTS_VARIABLE, path);
  new GasolineReporter().onTestCaseResult(flaky as TestCase);
  const events = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(events).toMatchObject([
    { kind: "finished", attempt: 0, status: "fail", failures: [{ message: "declined" }] },
    { kind: "finished", attempt: 1, status: "pass", durationMs: 12, failures: [] },
  ]);
});
