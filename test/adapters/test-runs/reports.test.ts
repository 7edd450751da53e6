import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJunit } from "../../../src/adapters/test-runs/junit.ts";
import { readTap } from "../../../src/adapters/test-runs/tap.ts";
import type { TestEvent } from "../../../src/adapters/test-runs/test-event.ts";
import { testRunOf } from "../../../src/correlate/test-case.ts";
import { freshSeed } from "../../support/seed.ts";
import { startTestDaemon } from "../daemon.ts";

const PROJECTS = fileURLToPath(new URL("../../clients/runners", import.meta.url));
const BINARIES = fileURLToPath(new URL("../../../node_modules/.bin", import.meta.url));
const SEED = freshSeed();
const NOW_MS = Date.UTC(2026, 10, 22);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gasoline-reports-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a real runner writes for its project in test/clients/runners; OUT in a word stands for the file. */
function reportOf(project: string, command: readonly string[]): string {
  const out = join(folder, `${project}-${command.length}.report`);
  const words = command.map((word) => word.replace("OUT", out));
  const ran = spawnSync(words[0]!, words.slice(1), {
    cwd: join(PROJECTS, project),
    env: {
      PATH: `${BINARIES}:${process.env.PATH}`,
      RESULTS: folder,
      PYTHONDONTWRITEBYTECODE: "1",
    },
    encoding: "utf8",
  });
  return words.some((word) => word.includes(out)) ? readFileSync(out, "utf8") : ran.stdout;
}

/** `status name` of each test, sorted. */
function results(events: readonly TestEvent[]): string[] {
  const told = events.map((event) => (event.kind === "finished" ? `${event.status} ${event.name}` : ""));
  return told.filter((each) => /adds|totals|ships/.test(each)).sort();
}

interface ReportCase {
  readonly by: string;
  readonly project: string;
  readonly command: readonly string[];
  readonly read: (text: string, startMs: number) => readonly TestEvent[];
  readonly name?: (test: string) => string;
}

const CASES: readonly ReportCase[] = [
  {
    by: "vitest",
    project: "vitest",
    command: ["vitest", "run", "--reporter=junit", "--outputFile=OUT"],
    read: readJunit,
  },
  {
    by: "node:test",
    project: "node-test",
    command: ["node", "--test", "--test-reporter=junit", "cart.spec.js"],
    read: readJunit,
  },
  {
    by: "mocha",
    project: "mocha",
    command: ["mocha", "cart.spec.js", "--reporter=xunit", "--reporter-option=output=OUT"],
    read: readJunit,
  },
  {
    by: "pytest",
    project: "pytest",
    command: ["pytest", "-p", "no:cacheprovider", "--junitxml=OUT", "test_cart.py"],
    read: readJunit,
    name: (test) => `test_${test}`,
  },
  { by: "vitest", project: "vitest", command: ["vitest", "run", "--reporter=tap"], read: readTap },
  {
    by: "node:test",
    project: "node-test",
    command: ["node", "--test", "--test-reporter=tap", "cart.spec.js"],
    read: readTap,
  },
  { by: "mocha", project: "mocha", command: ["mocha", "cart.spec.js", "--reporter=tap"], read: readTap },
];

describe("reports of real runners", () => {
  for (const { by, project, command, read, name = (test: string) => test } of CASES) {
    const isMissing = spawnSync(command[0]!, ["--version"], {
      env: { PATH: `${BINARIES}:${process.env.PATH}` },
    }).error;
    it.skipIf(isMissing !== undefined)(`${by}, ${read === readTap ? "TAP" : "JUnit XML"}`, () => {
      const events = read(reportOf(project, command), NOW_MS);
      const told = results(events).map((each) => each.replace(/^(\w+) .*?((?:test_)?\w+)$/, "$1 $2"));
      expect([...new Set(told)]).toEqual([
        `fail ${name("totals")}`,
        `pass ${name("adds")}`,
        `skip ${name("ships")}`,
      ]);
      const failed = events.find((event) => event.kind === "finished" && event.status === "fail");
      expect(failed).toMatchObject({ failures: [{ message: expect.stringMatching(/\S/) }] });
    });
  }
});

describe("a JUnit report", () => {
  const suite = (body: string): string =>
    `<?xml version="1.0"?><testsuites><testsuite name="cart" timestamp="2026-11-22T10:00:00Z">${body}</testsuite></testsuites>`;

  it("places tests one after the other from the suite's timestamp on", () => {
    const text = suite('<testcase name="a" time="1.5"/><testcase name="b" time="1,000.25"/>');
    expect(readJunit(text, NOW_MS)).toMatchObject([
      { name: "a", startMs: Date.UTC(2026, 10, 22, 10), durationMs: 1500 },
      { name: "b", startMs: Date.UTC(2026, 10, 22, 10) + 1500, durationMs: 1_000_250 },
    ]);
  });

  it("tells retries as attempts, output, and values that a message names", () => {
    const text = suite(`
      <testcase name="a"><flakyFailure message="once">stack</flakyFailure></testcase>
      <testcase name="b"><failure type="java.lang.AssertionError" message="expected: &lt;3&gt; but was: &lt;2&gt;">
        at B.java:1</failure><system-out><![CDATA[said <b>]]></system-out></testcase>`);
    expect(readJunit(text, NOW_MS)).toMatchObject([
      { name: "a", attempt: 0, status: "fail" },
      { name: "a", attempt: 1, status: "pass" },
      { kind: "output", text: "said <b>" },
      {
        name: "b",
        status: "fail",
        failures: [{ type: "java.lang.AssertionError", expected: "3", actual: "2" }],
      },
    ]);
  });

  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>${suite('<testcase name="&b;"/>')}`;
  const REFUSED: readonly (readonly [string, string, RegExp])[] = [
    ["with entities", bomb, /declares a document type/],
    ["cut in the middle", suite('<testcase name="a"/>').slice(0, -20), /no well-formed XML: line 1/],
    ["that is another document", "<html><body/></html>", /no <testsuites>/],
    ["that is no XML", "1..2\nok 1", /no (?:well-formed XML|<testsuites>)/],
  ];
  for (const [what, text, problem] of REFUSED) {
    it(`${what} is refused`, () => expect(() => readJunit(text, NOW_MS)).toThrow(problem));
  }
});

describe("a TAP report", () => {
  it("that is cut says so, with what it held", () => {
    const events = readTap("TAP version 13\n1..3\nok 1 - a\nnot ok 2 - b\n  ---\n  found: 1\n  wan", NOW_MS);
    expect(events).toMatchObject([
      { name: "a", status: "pass" },
      { name: "b", status: "fail" },
      { kind: "error", failure: { message: "The report is not whole: test count(2) != plan(3)." } },
    ]);
  });

  it("that bails out says why", () => {
    expect(readTap("1..2\nok 1 - a\nBail out! no database", NOW_MS)).toMatchObject([
      { name: "a" },
      { kind: "error", failure: { message: "Bail out! no database" } },
    ]);
  });

  it(`of any text is read without throwing (seed ${SEED})`, () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom("1..2", "ok 1 - a", "not ok 2 - b # SKIP", "  ---", "    ok 1", "  ...", "Bail out!"),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(Array.isArray(readTap(lines.join("\n"), NOW_MS))).toBe(true);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

describe("an imported report", () => {
  it("is a run with a trace for each test", async () => {
    const daemon = await startTestDaemon();
    try {
      const path = join(folder, "report.tap");
      writeFileSync(path, "TAP version 13\n1..2\nok 1 - a\nnot ok 2 - b\n");
      const ended = await daemon.run(["import", "tap", path], { OTEL_SERVICE_NAME: "imported" });
      expect(String(ended.stdout)).toContain("1 passed, 1 failed");
      const spans = await daemon.spans("imported");
      const told = spans.map((span) => [span.attributes["test.case.name"], testRunOf(span)?.result]);
      expect(told.filter(([name]) => name !== undefined).sort()).toEqual([
        ["a", "pass"],
        ["b", "fail"],
      ]);
    } finally {
      await daemon.stop();
    }
  });
});
