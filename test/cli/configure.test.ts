import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Command, parseArguments } from "../../src/cli/command.ts";
import { configure } from "../../src/cli/configure.ts";
import { generate } from "../../src/cli/generate.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { fillShop, openStore } from "../query/fixture.ts";

let api: TestApi;

beforeAll(async () => {
  const store = openStore();
  fillShop(store);
  api = await startApi(store);
});
afterAll(() => api.close());

async function run(command: Command, ...words: string[]): Promise<{ code: number; stdout: string }> {
  let stdout = "";
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      stdout += chunk.toString();
      done();
    },
  });
  const args = parseArguments(command, [...words, "--endpoint", api.url]);
  const stop = new AbortController().signal;
  return { code: await command.run(args, { stdout: out, stderr: out, env: {}, stop }), stdout };
}

test("configure takes the name behind the action or as a key, and scope as keys", async () => {
  expect((await run(configure, "save_checkpoint", "first", "service=payment")).stdout).toMatch(
    /^Saved checkpoint first: .* of 2 traces/,
  );
  expect((await run(configure, "save_checkpoint", "name=second")).stdout).toMatch(/^Saved checkpoint second/);
  const { code, stdout } = await run(configure, "list_checkpoints", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ rows: [{ name: "first" }, { name: "second" }] });
});

test("generate writes the document itself, in full", async () => {
  const { stdout } = await run(generate, "har");
  expect(JSON.parse(stdout)).toMatchObject({ log: { version: "1.2" } });
  expect((await run(generate, "reproduction", "description=Pay twice")).stdout).toMatch(/^# Pay twice\n/);
});

test.each<[Command, string[], RegExp]>([
  [configure, [], /needs an action.*save_checkpoint/],
  [configure, ["clear", "buffer=lgs"], /Did you mean .*logs/],
  [configure, ["redaction_rule", "rule={"], /rule/],
  [generate, [], /needs a format.*har/],
  [generate, ["har", "trace_id=ffffffff"], /ffffffff/],
])("%# is refused in a sentence", async (command, words, message) => {
  await expect(run(command, ...words)).rejects.toThrow(message);
});
