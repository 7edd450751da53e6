import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testRunOf } from "../../../src/correlate/test-case.ts";
import type { StoredSpan } from "../../../src/store/telemetry-store.ts";
import { chromiumPath } from "../../support/chromium.ts";
import { startTestDaemon, type TestDaemon } from "../daemon.ts";

const PROJECTS = fileURLToPath(new URL("../../clients/runners", import.meta.url));
const BINARIES = fileURLToPath(new URL("../../../node_modules/.bin", import.meta.url));
const ENVIRONMENT = {
  PATH: `${BINARIES}:${process.env.PATH}`,
  HOME: process.env.HOME,
  PYTHONDONTWRITEBYTECODE: "1",
};

interface RunnerCase {
  readonly runner: string;
  readonly command: readonly string[];
  /** Results by test, attempts in order. */
  readonly results: Readonly<Record<string, readonly string[]>>;
  /** What is said of the test that fails. */
  readonly failure: readonly [expected: string, actual: string];
  /** Failures outside of tests. */
  readonly errors: readonly string[];
  readonly isInstalled?: boolean;
}

const CASES: readonly RunnerCase[] = [
  {
    runner: "vitest",
    command: ["vitest", "run"],
    results: { adds: ["pass"], totals: ["fail"], ships: ["skip"], settles: ["fail", "pass"] },
    failure: ['"total": 42', '"total": 41'],
    errors: ["cannot be loaded"],
  },
  {
    runner: "jest",
    command: ["jest"],
    results: { adds: ["pass"], totals: ["fail"], ships: ["skip"], settles: ["fail", "pass"] },
    failure: ["total: 42", "total: 41"],
    errors: ["cannot be loaded"],
  },
  {
    runner: "mocha",
    command: ["mocha", "cart.spec.js"],
    results: { adds: ["pass"], totals: ["fail"], ships: ["skip"], settles: ["fail", "pass"] },
    failure: ["total: 42", "total: 41"],
    errors: ["cannot be loaded"],
  },
  {
    runner: "playwright",
    command: ["playwright", "test"],
    results: {
      adds: ["pass"],
      totals: ["fail", "fail"],
      ships: ["skip"],
      settles: ["fail", "pass"],
      opens: [chromiumPath() === undefined ? "skip" : "pass"],
    },
    failure: ["42", "41"],
    errors: [],
  },
  {
    runner: "node-test",
    command: ["node", "--test", "broken.spec.js", "cart.spec.js"],
    results: { adds: ["pass"], totals: ["fail"], ships: ["skip"], checkout: ["pass"], pays: ["pass"] },
    failure: ["total: 42", "total: 41"],
    errors: ["cannot be loaded"],
  },
  {
    runner: "pytest",
    command: ["pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors"],
    results: { test_adds: ["pass"], test_totals: ["fail"], test_ships: ["skip"], test_pays: ["fail"] },
    failure: ["'total': 42", "'total': 41"],
    errors: ["cannot be imported"],
    isInstalled: runs("pytest", "--version"),
  },
  {
    runner: "go",
    command: ["go", "test", "-count=1", "./..."],
    results: { TestAdds: ["pass"], TestTotals: ["fail"], of_two: ["fail"], TestShips: ["skip"] },
    failure: ["42", "41"],
    errors: [],
    isInstalled: runs("go", "version"),
  },
];

function runs(program: string, argument: string): boolean {
  return spawnSync(program, [argument]).status === 0;
}

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

const gasolineTest = (folder: string, service: string, command: readonly string[], env = {}) =>
  daemon.run(
    ["test", "--service", service, "--", ...command],
    { ...ENVIRONMENT, CHROMIUM: chromiumPath(), RESULTS: daemon.folder, ...env },
    join(PROJECTS, folder),
  );

/** The run's span as it ended. */
const runOf = async (service: string): Promise<StoredSpan> =>
  (await daemon.spans(service)).find((span) => span.name === "test.suite.run" && span.endNs > 0n)!;

const testsOf = async (service: string): Promise<StoredSpan[]> =>
  (await daemon.spans(service)).filter((span) => testRunOf(span) !== undefined);

const nameOf = (span: StoredSpan): string => String(span.attributes["test.case.name"]);

for (const { runner, command, results, failure, errors, isInstalled } of CASES) {
  describe.skipIf(isInstalled === false)(`gasoline test with ${runner}`, () => {
    let ended: Awaited<ReturnType<TestDaemon["run"]>>;
    let tests: readonly StoredSpan[];
    beforeAll(async () => {
      ended = await gasolineTest(runner, runner, command);
      tests = await testsOf(runner);
    });

    it("keeps the exit code, and records each attempt at each test in a trace of its own", () => {
      expect(ended.code, String(ended.stdout) + ended.stderr).toBeGreaterThan(0);
      const found: { [name: string]: (string | undefined)[] } = {};
      for (const span of tests) {
        const name = nameOf(span);
        found[name] = [...(found[name] ?? []), testRunOf(span)!.result];
      }
      expect(found).toEqual(results);
      expect(new Set(tests.map((span) => span.traceId)).size).toBe(tests.length);
    });

    it("says what failed, with expected and actual value, and where", () => {
      const failed = tests.find((span) => /totals|of_two/.test(nameOf(span)))!;
      const [exception] = failed.events;
      expect(String(exception!.attributes["gasoline.test.expected"])).toContain(failure[0]);
      expect(String(exception!.attributes["gasoline.test.actual"])).toContain(failure[1]);
      expect(failed.statusMessage).not.toBe("");
    });

    it("links tests to the run, and retries to the first attempt", async () => {
      const run = await runOf(runner);
      for (const span of tests)
        expect(span.links[0]).toMatchObject({ traceId: run.traceId, spanId: run.spanId });
      for (const [name, attempts] of Object.entries(results)) {
        const [first, second] = tests.filter((span) => nameOf(span) === name);
        if (attempts.length < 2) continue;
        expect(second!.links[1]).toMatchObject({ traceId: first!.traceId, spanId: first!.spanId });
        expect(second!.attributes["gasoline.test.attempt"]).toBe(1);
      }
    });

    it("hands a test its trace, keeps what it prints and what failed outside of tests", async () => {
      const logs = await daemon.logs(runner);
      const handed = logs.map(({ body }) => /running in 00-(\w+)-/.exec(String(body))?.[1]).find(Boolean);
      const adds = tests.find((span) => /adds/i.test(nameOf(span)))!;
      if (runner === "go") expect(logs.map(({ traceId }) => traceId)).toContain(adds.traceId);
      else expect(handed).toBe(adds.traceId);
      const told = logs.filter((log) => log.severity >= 17).map((log) => String(log.body));
      expect(told).toEqual(errors.map((error) => expect.stringContaining(error)));
    });

    it("shows expected and actual value, and what was flaky, to who observes", async () => {
      const url = `${daemon.gasoline.url}/api/observe?what=tests&service=${runner}&format=text`;
      const shown = await (await fetch(url)).text();
      expect(shown).toMatch(/expected.*actual/s);
      expect(shown.includes("(flaky: failed before)")).toBe("settles" in results);
    });

    it("sums the run up, with revision and counts", async () => {
      const run = await runOf(runner);
      const last = Object.values(results).map((attempts) => attempts.at(-1));
      expect(run.attributes).toMatchObject({
        "test.suite.run.status": "failure",
        "gasoline.test.passed": last.filter((result) => result === "pass").length,
        "gasoline.test.failed": last.filter((result) => result === "fail").length,
        "gasoline.test.skipped": last.filter((result) => result === "skip").length,
        "process.exit.code": ended.code,
      });
      expect(run.attributes["vcs.ref.head.revision"]).toMatch(/^[0-9a-f]{40}$/);
    });
  });
}
