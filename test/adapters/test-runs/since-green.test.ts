import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DEFAULTS } from "../../../src/config.ts";
import { type Gasoline, startGasoline } from "../../../src/main.ts";
import { makeRepository, type Repository } from "../../support/repository.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

let repository: Repository;
let gasoline: Gasoline;
beforeAll(async () => {
  repository = makeRepository();
  repository.write("price.mjs", "export const price = () => 5;\n");
  repository.write("other.mjs", "export const other = 1;\n");
  repository.write(
    "price.test.mjs",
    `import { strictEqual } from "node:assert";
     import { test } from "node:test";
     import { price } from "./price.mjs";
     test("costs five", () => strictEqual(price(), 5));`,
  );
  repository.commit("Price it");
  const options = { ...DEFAULTS, port: 0, aliases: [], workspace: repository.root };
  gasoline = await startGasoline(options, () => undefined);
});
afterAll(async () => {
  await gasoline.close();
  repository.remove();
});

function cli(...args: string[]): Promise<string> {
  const env = {
    PATH: `${ROOT}/node_modules/.bin:${process.env.PATH}`,
    HOME: process.env.HOME,
    GASOLINE_ENDPOINT: gasoline.url,
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [`${ROOT}/bin/gasoline.js`, ...args],
      { env, cwd: repository.root },
      (_, stdout) => resolve(stdout),
    );
  });
}

const runTests = (): Promise<string> => cli("test", "--service", "shop-tests", "--", "node", "--test");

it("names the file that was edited and committed between a green and a failing run", async () => {
  expect(await cli("observe", "git")).toMatch(/Since the last green run: unknown, no test run is held/);

  repository.write("other.mjs", "export const other = 2;\n");
  await runTests();
  expect(await cli("observe", "git")).toMatch(
    /Since the last green run \(1 test passed at \S+\): no file changed/,
  );

  repository.write("price.mjs", "export const price = () => 6;\n");
  repository.git("add", "price.mjs");
  repository.git("commit", "--quiet", "--message", "Raise the price");
  await runTests();
  // other.mjs differs from the commit too, but the tests passed with it.
  const git = await cli("observe", "git");
  expect(git).toMatch(/\(1 test passed at \S+\): 1 file changed: price\.mjs/);
  const code = await cli("observe", "code");
  expect(code).toMatch(/Since the last green run .*: 1 file changed: price\.mjs/);
  expect(await cli("observe", "tests")).toMatch(
    /Last run: 0 passed, 1 failed, 0 flaky at [0-9a-f]{8} with uncommitted changes/,
  );

  repository.write("new.mjs", "export const fresh = true;\n");
  expect(await cli("observe", "git")).toMatch(/2 files changed: price\.mjs, new\.mjs/);
});

it("says so when the very same files passed before", async () => {
  repository.write("price.mjs", "export const price = () => (process.env.PRICE ? 7 : 5);\n");
  repository.commit("Take the price from outside");
  await runTests();
  await cli("test", "--service", "shop-tests", "--", "env", "PRICE=7", "node", "--test");
  expect(await cli("observe", "git")).toMatch(
    /: no file changed\. The last run failed on the same revision and uncommitted changes: no change of files explains it\./,
  );
});
