import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pairingToken } from "../../src/http/pairing.ts";
import type { CommandValue } from "../../src/model/browser.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { openStore } from "../query/fixture.ts";
import { EFFECT, StandInExtension } from "../support/stand-in-extension.ts";

let api: TestApi;
let client: Client;

beforeAll(async () => {
  api = await startApi(openStore());
  client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${api.url}/mcp`)) as Transport);
});
afterAll(async () => {
  await client.close();
  await api.close();
});

interface Result {
  readonly isError?: boolean;
  readonly content: readonly { type: string; text?: string; data?: string; mimeType?: string }[];
}

async function call(name: string, input: object): Promise<Result> {
  return (await client.callTool({ name, arguments: { ...input } })) as unknown as Result;
}

test("the list says that it changes things, in few bytes", async () => {
  const { tools } = await client.listTools();
  const tool = tools.find(({ name }) => name === "interact")!;
  expect(tool.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
  expect(Buffer.byteLength(JSON.stringify(tool))).toBeLessThanOrEqual(1_500);
});

test.each([
  ["interact", { action: "explore", steps: [{ type: "click", target: "#a" }] }],
  ["interact", { action: "page" }],
  ["interact", { action: "screenshot" }],
  ["interact", { action: "record", name: "a" }],
  ["observe", { what: "page" }],
])("%s %j without a browser is an error that says how to pair", async (name, input) => {
  const { isError, content } = await call(name, input);
  expect(isError).toBe(true);
  expect(content[0]!.text).toMatch(
    /No browser is paired\..*`gasoline extension`.*Load unpacked.*page of your app/,
  );
});

test("files are not changed unless the daemon may", async () => {
  const { isError, content } = await call("interact", { action: "apply_changes", patch: "--- a/x" });
  expect(isError).toBe(true);
  expect(content[0]!.text).toContain("--allow-edits");
});

test("with a browser: page, steps and an image, within 8,000 bytes", async () => {
  const lines = Array.from({ length: 400 }, (_, i) => `link "Item ${i}" → aria/Item ${i}`);
  const page = { tab_id: 7, url: "http://localhost/", title: "Shop", lines, lines_left_out: 3 };
  const values: Readonly<Record<string, CommandValue>> = {
    page: { name: "page", page },
    step: { name: "step", effect: EFFECT },
    screenshot: { name: "screenshot", mime: "image/png", data: "cG5n" },
  };
  const paired = await StandInExtension.connect(api.url, {
    token: pairingToken(api.stateDir),
    answer: ({ name }) => values[name],
  });
  for (const [name, input] of [
    ["interact", { action: "page" }],
    ["observe", { what: "page" }],
    ["interact", { action: "explore", steps: [{ type: "click", target: "#a" }] }],
  ] as const) {
    const result = await call(name, input);
    expect(result.isError, result.content[0]!.text).toBeFalsy();
    expect(result.content[0]!.text).toMatch(
      /<telemetry[\s\S]*link "Item 0"[\s\S]*<\/telemetry>\nLeft out: .*of 403 lines/,
    );
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(8_200);
  }
  const doctor = await call("configure", { action: "doctor" });
  expect(doctor.content[0]!.text).toMatch(/check: browser; extension: .*captured: 1/);
  const { content } = await call("interact", { action: "screenshot", image: true });
  expect(content[1]).toEqual({ type: "image", mimeType: "image/png", data: "cG5n" });
  await paired.close();
});
