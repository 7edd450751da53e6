import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PackedProject, packProject } from "./packed.ts";

const MANIFEST = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"),
) as { version: string; exports: Readonly<Record<string, string>> };

let project: PackedProject;
let daemon: ChildProcess;
let endpoint = "";
beforeAll(async () => {
  project = packProject();
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(project.folder, name), text);
  daemon = spawn(process.execPath, [project.launcher, "serve", "--port", "0"], {
    cwd: project.folder,
    env: { ...environment(), GASOLINE_STATE_DIR: join(project.folder, ".gasoline") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  endpoint = await new Promise((resolve, reject) => {
    let said = "";
    daemon.stdout!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const url = /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(said)?.[0];
      if (url !== undefined) resolve(url);
    });
    daemon.once("exit", (code) => reject(new Error(`serve ended with ${code}: ${said}`)));
  });
}, 60_000);
afterAll(async () => {
  if (daemon?.kill("SIGTERM")) await new Promise((resolve) => daemon.once("exit", resolve));
  project?.remove();
});

function environment(): NodeJS.ProcessEnv {
  return { PATH: project.path, HOME: process.env.HOME, NO_COLOR: "1" };
}

interface Ended {
  readonly code: unknown;
  readonly output: string;
}

function run(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      command[0]!,
      command.slice(1),
      { cwd: project.folder, env: { ...environment(), GASOLINE_ENDPOINT: endpoint, ...env } },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });
}

const gasoline = (...args: string[]): Promise<Ended> => run([process.execPath, project.launcher, ...args]);

/** One file a runner, and configurations that name the reporters as the package's documentation does. */
const FILES: Readonly<Record<string, string>> = {
  "package.json": '{"name":"shop","type":"module"}',
  "cart.vitest.js": 'import { test } from "vitest"; test("adds", () => undefined);',
  "vitest.config.js":
    'export default { test: { include: ["*.vitest.js"], reporters: ["default", "gasoline360/vitest"], setupFiles: ["gasoline360/vitest-setup"] } };',
  "cart.jest.cjs": 'test("adds", () => undefined);',
  "jest.config.json":
    '{"testMatch":["**/*.jest.cjs"],"reporters":["default","gasoline360/jest"],"setupFilesAfterEnv":["gasoline360/jest-setup"],"transform":{}}',
  "cart.mocha.js": 'it("adds", () => undefined);',
  "cart.play.js": 'import { test } from "gasoline360/playwright"; test("adds", async () => undefined);',
  "playwright.config.js":
    'export default { testMatch: "*.play.js", reporter: [["line"], ["gasoline360/playwright-reporter"]] };',
  "cart.node.js": 'import { test } from "node:test"; test("adds", () => undefined);',
};

const RUNNERS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ["vitest", ["vitest", "run"]],
  ["jest", ["jest"]],
  ["mocha", ["node", "node_modules/mocha/bin/mocha.js", "--require", "gasoline360/mocha", "cart.mocha.js"]],
  ["playwright", ["playwright", "test"]],
  [
    "node-test",
    [
      ...["node", "--test", "--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...["--test-reporter=gasoline360/node-test", "--test-reporter-destination=stdout", "cart.node.js"],
    ],
  ],
];

describe("the published package", () => {
  it("holds what is run and nothing else", () => {
    const { files } = project;
    for (const target of Object.values(MANIFEST.exports)) expect(files).toContain(target.slice(2));
    expect(files).toEqual(
      expect.arrayContaining([
        "bin/gasoline.js",
        "dist/src/adapters/test-runs/gasoline_pytest.py",
        "dist/extension/manifest.json",
        "dist/extension/service-worker.js",
        "dist/extension/main-world.js",
      ]),
    );
    const strange = files.filter((file) => /\.(?:zip|tgz|tsx?|map)$|(?:^|\/)test\/|\.test\./.test(file));
    expect(strange).toEqual([]);
  });

  it("runs its command line, daemon included", async () => {
    expect(await gasoline("--version")).toEqual({ code: 0, output: `${MANIFEST.version}\n` });
    const observed = await gasoline("observe", "services");
    expect(observed.code, observed.output).toBe(0);
    const named = await gasoline("extension", "--help");
    expect(named.code, named.output).toBe(0);
  });

  it.each(RUNNERS)("reports from %s by the reporter's name in the package", async (name, command) => {
    const ended = await run(command, { OTEL_SERVICE_NAME: name });
    expect(ended.code, ended.output).toBe(0);
    const { output } = await gasoline("observe", "tests", `service=${name}`);
    expect(output).toMatch(/Last run: 1 passed, 0 failed, 0 flaky \(passed in/);
    expect(output).toMatch(/pass .*adds/);
  });

  it("adds its reporter to a command by itself", async () => {
    const ended = await gasoline("test", "--service", "added", "--", "node", "--test", "cart.node.js");
    expect(ended.output).toContain("gasoline: 1 passed, 0 failed;");
  });
});
