import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { FORMAT_NAMES } from "../../src/generate/parameters.ts";
import { ANALYSIS_TYPES } from "../../src/query/analyze-window.ts";
import { ACTION_NAMES, type Action } from "../../src/query/configure-parameters.ts";
import { INTERACTION_NAMES } from "../../src/query/interact-parameters.ts";
import { WHATS } from "../../src/query/parameters.ts";
import { createMasker } from "../../src/store/mask.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { CLOCK, fillShop } from "../query/fixture.ts";

let api: TestApi;
let client: Client;

beforeAll(async () => {
  const store = createRingStore({
    limits: DEFAULTS.store,
    clock: CLOCK,
    random: () => 0.5,
    masker: createMasker(),
  });
  fillShop(store);
  api = await startApi(store);
  client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${api.url}/mcp`)) as Transport);
});

afterAll(async () => {
  await client.close();
  await api.close();
});

async function call(name: string, input: object): Promise<{ text: string; bytes: number }> {
  const result = await client.callTool({ name, arguments: { ...input } });
  expect(result.isError).toBeFalsy();
  const [content] = result.content as { text: string }[];
  return { text: content!.text, bytes: Buffer.byteLength(JSON.stringify(result)) };
}

const STEPS: readonly [Action, object, RegExp][] = [
  ["save_checkpoint", { name: "shop" }, /Saved checkpoint shop: .* 4 traces/],
  ["set_baseline", { name: "usual", since: "2026-01-01T00:00:00Z" }, /Saved baseline usual/],
  ["list_checkpoints", {}, /2 checkpoints on file, 1 of them baselines/],
  ["delete_checkpoint", { name: "shop" }, /Deleted checkpoint shop/],
  ["noise_rule", { name: "listing", rule: { url: "/items" } }, /on file and hides 1 record/],
  ["streaming", { state: "on" }, /Not over this connection.*\/api\/stream/s],
  ["redaction_rule", { rule: { key: "url.path" } }, /masks every reply/],
  [
    "register_edge_case",
    { name: "no bank", rule: { match: { exception: "Timeout" } } },
    /1 edge case in all/,
  ],
  ["learn_contracts", {}, /Proposed \d contracts/],
  ["describe_capabilities", {}, /takes OTLP .* at http:\/\/127/],
  ["doctor", {}, /All is well/],
  ["clear", { buffer: "spans" }, /Cleared \d+ records of spans/],
];

test("every action works as an agent calls it, within 8,000 bytes", async () => {
  expect(STEPS.map(([action]) => action).sort()).toEqual([...ACTION_NAMES].sort());
  for (const [action, input, reply] of STEPS) {
    const { text, bytes } = await call("configure", { action, ...input });
    expect(text).toMatch(reply);
    expect(bytes).toBeLessThanOrEqual(8_200);
    if (action === "redaction_rule") {
      const { text: shown } = await call("observe", {
        what: "trace",
        filter: { span_id: "00000000000007d1" },
      });
      expect(shown).not.toContain("/checkout/");
    }
  }
  expect((await call("observe", { what: "traces" })).text).toContain("0 spans 4 logs");
});

test("REST takes it by POST alone, since it changes something", async () => {
  const get = await fetch(`${api.url}/api/configure?action=clear`);
  expect(get.status).toBe(405);
  expect(get.headers.get("allow")).toBe("POST");
  const post = await fetch(`${api.url}/api/configure`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "list_checkpoints" }),
  });
  expect(await post.json()).toMatchObject({ action: "list_checkpoints", rows: [{ name: "usual" }] });
});

test("describe_capabilities names all that can be asked, in 4,000 bytes", async () => {
  const { text, bytes } = await call("configure", { action: "describe_capabilities" });
  const names = [...WHATS, ...ANALYSIS_TYPES, ...FORMAT_NAMES, ...ACTION_NAMES, ...INTERACTION_NAMES];
  for (const name of names) expect(text).toContain(name);
  expect(text).toContain("baselines");
  expect(text).toContain("not paired");
  expect(bytes).toBeLessThanOrEqual(4_000);
});
