import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseTestEvent } from "../../../src/adapters/test-runs/test-event.ts";
import type { StoredSpan } from "../../../src/store/telemetry-store.ts";
import { startTestDaemon, type TestDaemon } from "../daemon.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const PROJECTS = join(ROOT, "test/clients/runners");
const ENVIRONMENT = {
  PATH: `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}`,
  HOME: process.env.HOME,
};
const TRACEPARENT = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;

let daemon: TestDaemon;
/** A repository with a project of one green node:test file, and its own `npm test`. */
let project: string;
beforeAll(async () => {
  daemon = await startTestDaemon();
  project = mkdtempSync(join(tmpdir(), "gasoline-project-"));
  writeFileSync(
    join(project, "package.json"),
    '{"name":"shop","scripts":{"test":"NODE_ENV=test node --test"}}',
  );
  writeFileSync(
    join(project, "cart.test.mjs"),
    'import { test } from "node:test"; test("adds", () => undefined);',
  );
  writeFileSync(join(project, ".gitignore"), "coverage\n");
  for (const args of [
    ["init", "-q"],
    ["add", "."],
    ["commit", "-q", "-m", "start"],
  ])
    git(...args);
});
afterAll(async () => {
  await daemon.stop();
  rmSync(project, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"];
  return execFileSync("git", [...identity, ...args], { cwd: project, encoding: "utf8" }).trim();
}

const runOf = async (service: string): Promise<StoredSpan | undefined> =>
  (await daemon.spans(service)).findLast((span) => span.name === "test.suite.run" && span.endNs > 0n);

const gasolineTest = (service: string, command: readonly string[], cwd = project, env = {}) =>
  daemon.run(["test", "--service", service, "--", ...command], { ...ENVIRONMENT, ...env }, cwd);

describe("gasoline test", () => {
  it("sees through npm test, is a child of the caller's span and says what it did", async () => {
    const ended = await gasolineTest("npm", ["npm", "test"], project, { TRACEPARENT });
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain("gasoline: node:test: reporter added.\n");
    expect(ended.stderr).toContain("gasoline: 1 passed, 0 failed;");
    expect(await runOf("npm")).toMatchObject({
      traceId: "1".repeat(32),
      parentSpanId: "2".repeat(16),
      statusCode: "ok",
      attributes: { "test.suite.run.status": "success", "vcs.ref.head.revision": git("rev-parse", "HEAD") },
    });
  });

  it("tells by revision and hash whether two runs tested the same files, and takes a coverage summary along", async () => {
    const hash = async (): Promise<unknown> => {
      await gasolineTest("vcs", ["node", "--test"]);
      return (await runOf("vcs"))!.attributes["gasoline.vcs.diff_hash"];
    };
    expect(await hash()).toBeUndefined();
    writeFileSync(join(project, "new.txt"), "one");
    const one = await hash();
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    writeFileSync(join(project, "new.txt"), "two");
    mkdirSync(join(project, "coverage"));
    writeFileSync(join(project, "coverage/lcov.info"), "SF:a.js\nLF:10\nLH:7\nend_of_record\n");
    expect(await hash()).not.toBe(one);
    expect((await runOf("vcs"))!.attributes).toMatchObject({
      "gasoline.coverage.lines.total": 10,
      "gasoline.coverage.lines.covered": 7,
    });
    rmSync(join(project, "new.txt"));
  });

  it("changes nothing of what go test prints", async ({ skip }) => {
    if (spawnSync("go", ["version"]).status !== 0) skip("go is not installed");
    const cwd = join(PROJECTS, "go");
    const plain = (text: string): string => text.replace(/\d+\.\d+s/g, "0s").replace(/\(cached\)/g, "0s");
    for (const command of [
      ["go", "test", "./..."],
      ["go", "test"],
      ["go", "test", "-v", "./..."],
    ]) {
      const env = { ...process.env, ...ENVIRONMENT };
      const alone = spawnSync(command[0]!, command.slice(1), { cwd, env, encoding: "utf8" });
      const ended = await gasolineTest("go", command, cwd);
      expect(plain(String(ended.stdout))).toBe(plain(alone.stdout));
      expect(ended.code).toBe(alone.status);
    }
  });

  it("leaves the project's own reporters in place", async () => {
    const report = join(daemon.folder, "own-report");
    await gasolineTest("own", ["vitest", "run"], join(PROJECTS, "vitest"), { OWN_REPORT: report });
    expect(readFileSync(report, "utf8")).toBe("reported");
  });

  it("runs the tests as ever when no daemon answers", async () => {
    const env = { GASOLINE_ENDPOINT: "http://localhost:1" };
    const ended = await gasolineTest("away", ["node", "--test"], project, env);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/no daemon answers yet.*records were not delivered/s);
  });

  it("records a run that was stopped as aborted, with the test it was in left open", async () => {
    const path = join(daemon.folder, "slow.test.mjs");
    const body =
      'test("quick", () => undefined); test("slow", () => new Promise((done) => setTimeout(done, 60_000)));';
    writeFileSync(path, `import { test } from "node:test"; ${body}`);
    const child = daemon.start(["test", "--service", "stopped", "--", "node", "--test", path], ENVIRONMENT);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const running = async () => (await daemon.spans("stopped")).map(({ name, endNs }) => [name, endNs > 0n]);
    await expect.poll(running, { timeout: 10_000 }).toContainEqual(["test.case", true]);
    expect(await running()).toContainEqual(["test.suite.run", false]);
    child.kill("SIGTERM");
    await ended;
    expect((await runOf("stopped"))!.attributes).toMatchObject({
      "test.suite.run.status": "aborted",
      "gasoline.test.passed": 1,
    });
  });

  it("names the runners it knows when it is given another command", async () => {
    const ended = await daemon.run(["test", "--", "make", "check"], ENVIRONMENT);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/No test runner is known in `make check`\. Known are vitest, jest/);
  });
});

describe("a reporter in the runner's own configuration", () => {
  it("sends by itself, also what comes before its client is loaded", async () => {
    const { folder } = daemon;
    writeFileSync(
      join(folder, "cart.test.mjs"),
      'import { test } from "node:test"; test("adds", () => undefined);',
    );
    const reporter = join(ROOT, "src/adapters/test-runs/node-test-reporter.ts");
    const env = { ...ENVIRONMENT, GASOLINE_ENDPOINT: daemon.gasoline.url, OTEL_SERVICE_NAME: "direct" };
    await new Promise((resolve) => {
      const child = daemon.start(
        [
          "run",
          "--service",
          "wrap",
          "--",
          "node",
          "--test",
          `--test-reporter=${reporter}`,
          join(folder, "cart.test.mjs"),
        ],
        env,
      );
      child.once("exit", resolve);
    });
    const names = (await daemon.spans("direct")).map((span) => span.name);
    expect(names.filter((name) => name.startsWith("test.")).sort()).toEqual([
      "test.case",
      "test.suite.run",
      "test.suite.run",
    ]);
  });
});

describe("an event", () => {
  const REFUSED = [
    "",
    "{",
    '{"kind":"finished"',
    "[]",
    "null",
    '{"kind":"finished","key":1}',
    '{"kind":"constructor"}',
  ];
  for (const line of REFUSED) {
    it(`is not \`${line}\``, () => expect(parseTestEvent(line)).toBeUndefined());
  }
});
