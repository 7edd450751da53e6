import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Command, parseArguments } from "../../src/cli/command.ts";
import { doctor } from "../../src/cli/doctor.ts";
import { extension } from "../../src/cli/extension.ts";
import { interact } from "../../src/cli/interact.ts";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import { EFFECT, StandInExtension } from "../support/stand-in-extension.ts";

let gasoline: Gasoline;
let stateDir: string;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "gasoline-extension-"));
  gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [], stateDir }, () => undefined);
});
afterAll(async () => {
  await gasoline.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function run(command: Command, ...words: string[]): Promise<{ code: number; stdout: string }> {
  let stdout = "";
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      stdout += chunk.toString();
      done();
    },
  });
  const args = parseArguments(command, [...words, "--endpoint", gasoline.url, "--state-dir", stateDir]);
  const stop = new AbortController().signal;
  return { code: await command.run(args, { stdout: out, stderr: out, env: {}, stop }), stdout };
}

test("what `gasoline extension` writes pairs a browser with the daemon, whom doctor and interact then meet", async () => {
  expect((await run(doctor)).stdout).toMatch(/note {2}browser: No browser is paired\. `gasoline extension`/);
  await expect(run(interact, "page")).rejects.toThrow(/gasoline extension/);

  const { code, stdout } = await run(extension, "--out", join(stateDir, "extension"));
  expect(code).toBe(0);
  expect(stdout).toMatch(/1\. .*Developer mode.*\n.*2\. .*Load unpacked.*\n.*3\. /);
  const folder = stdout.split("\n", 1)[0]!;
  expect(existsSync(join(folder, "manifest.json"))).toBe(true);
  const path = join(folder, "config.json");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { endpoint, token } = JSON.parse(readFileSync(path, "utf8")) as { endpoint: string; token: string };
  expect(new URL(endpoint).port).toBe(new URL(gasoline.url).port);

  const paired = await StandInExtension.connect(endpoint, {
    token,
    state: {
      origins: [
        {
          origin: "http://localhost:3000",
          state: "propagated_unseen",
          how: "network_rule",
          reason: "silent",
        },
      ],
      delivery: { sent: 5, queued: 1, dropped: 2 },
      problems: ["Something odd."],
    },
    answer: ({ name }) =>
      name === "step"
        ? { error: { code: "not_found", message: "Nothing fits #pay.", remedy: "Look at the page." } }
        : {
            name: "page",
            page: {
              tab_id: 7,
              url: "http://localhost:3000/",
              title: "Shop",
              lines: ['heading "Hi"'],
              lines_left_out: 0,
            },
          },
  });
  const looked = await run(doctor);
  expect(looked.code).toBe(1);
  for (const said of [
    /ok +browser: .*tabs 1, captured 1/,
    /WRONG browser: The extension dropped 2 records/,
    /note +browser origin: .*localhost:3000.*no server span was seen.*network rule.*silent/,
    /note +browser: Something odd\./,
  ])
    expect(looked.stdout).toMatch(said);

  expect((await run(interact, "page")).stdout).toContain('heading "Hi"');
  const failed = await run(interact, "explore", 'steps=[{"type":"click","target":"#pay"}]');
  expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining("FAILED: Nothing fits #pay.") });
  await paired.close();
});

test("secrets that a page shows are masked on the way out", async () => {
  const config = JSON.parse(readFileSync(join(stateDir, "pairing.json"), "utf8")) as { token: string };
  const secret = `ghp_${"a1B2".repeat(9)}`;
  const paired = await StandInExtension.connect(gasoline.url, {
    token: config.token,
    answer: () => ({ name: "step", effect: { ...EFFECT, dom: `the page shows ${secret}` } }),
  });
  const { stdout } = await run(interact, "explore", 'steps=[{"type":"click","target":"#a"}]');
  expect(stdout).toContain("the page shows ");
  expect(stdout).not.toContain(secret);
  await paired.close();
});
