import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { createMasker } from "../../src/store/mask.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { CLOCK, fillShop } from "../query/fixture.ts";
import { type Agent, type AgentReply, connectAgent } from "./agent.ts";

let store: TelemetryStore;
let api: TestApi;
const agents: Agent[] = [];

beforeEach(async () => {
  store = createRingStore({
    limits: DEFAULTS.store,
    clock: CLOCK,
    random: () => 0.5,
    masker: createMasker(),
  });
  api = await startApi(store);
});

afterEach(async () => {
  for (const each of agents.splice(0)) await each.close();
  await api.close();
  await store.close();
});

async function agent(name: string): Promise<(tool: string, input: object) => Promise<Reply>> {
  const connected = await connectAgent(api.url, name);
  agents.push(connected);
  return async (tool, input) => (await connected.call(tool, input)) as Reply;
}

type Reply = AgentReply & {
  readonly structuredContent: {
    readonly metadata: { readonly total_count: number; readonly hidden?: object };
  };
};

const CALLS = { what: "logs", filter: { name: "gasoline.tool_call" } };

test("calls are kept, hidden from what programs logged, and shown when asked for by name", async () => {
  fillShop(store);
  const call = await agent("claude");
  const before = await call("observe", { what: "timeline" });
  await call("observe", { what: "nothing" });
  const after = await call("observe", { what: "timeline" });
  const { total_count } = before.structuredContent.metadata;
  expect(after.structuredContent.metadata).toMatchObject({ total_count, hidden: { tool_calls: 2 } });
  expect(after.content[0]!.text).toContain("Hidden: 2 calls of these tools; include_noise shows them.");
  expect((await call("observe", { what: "errors" })).content[0]!.text).not.toContain("tool_call");
  expect((await call("observe", { what: "services" })).content[0]!.text).not.toContain("gasoline:");

  const { records } = await store.records({
    filter: { name: "gasoline.tool_call" },
    order: "oldest",
    limit: 2,
  });
  expect(records).toMatchObject([
    {
      stream: "custom",
      severity: 9,
      attributes: {
        "gasoline.tool.name": "observe timeline",
        "gasoline.tool.mode": "timeline",
        "gasoline.tool.arguments": '{"what":"timeline"}',
        "gasoline.tool.client": "claude",
        "gasoline.tool.duration_ms": 0,
      },
    },
    { severity: 13, attributes: { "error.message": expect.stringMatching(/what is "nothing"/) } },
  ]);
  const listed = await call("observe", CALLS);
  expect(listed.structuredContent.metadata.total_count).toBe(5);
  expect(listed.structuredContent.metadata.hidden).toBeUndefined();
});

test("an agent that runs in circles is told so, and another one beside it is not", async () => {
  fillShop(store);
  const [stuck, busy] = [await agent("stuck"), await agent("busy")];
  for (let i = 0; i < 3; i++) {
    await stuck("observe", { what: "errors" });
    await busy("observe", { what: "traces", limit: i + 1 });
  }
  const { structuredContent } = await busy("analyze", { type: "detect_loop" });
  expect(structuredContent).toMatchObject({
    verdict: "loop",
    client: "stuck",
    findings: [{ kind: "identical_call", repeats: 3 }],
  });
});

test("the same call whose answer changes is no loop", async () => {
  fillShop(store);
  const call = await agent("patient");
  for (let i = 0; i < 3; i++) {
    await call("observe", { what: "traces" });
    fillShop(store);
  }
  expect((await call("analyze", { type: "detect_loop" })).structuredContent).toMatchObject({
    verdict: "no_loop",
    attempts: 3,
  });
});

test("calls leave other analyses, baselines and an empty store as they were", async () => {
  const call = await agent("early");
  await call("observe", { what: "logs" });
  const empty = await call("observe", { what: "logs" });
  expect(empty.content[0]!.text).toContain("Nothing has been received yet");
  fillShop(store);
  const spans = await call("analyze", { type: "infer" });
  const again = await call("analyze", { type: "infer" });
  expect(again.structuredContent.metadata).toMatchObject({
    logs: (spans.structuredContent.metadata as unknown as { logs: number }).logs,
  });
  expect(JSON.stringify(again)).not.toContain("tool_call");
});

test("secrets in arguments are masked, and long ones are kept by a digest", async () => {
  fillShop(store);
  const call = await agent("a");
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${"dozjgNryP4J3jVmNHl0w5N".repeat(2)}`;
  await call("observe", { what: "logs", filter: { text: jwt } });
  await call("observe", { what: "logs", filter: { text: `${"x".repeat(900)}1` } });
  await call("observe", { what: "logs", filter: { text: `${"x".repeat(900)}2` } });
  const { records } = await store.records({
    filter: { name: "gasoline.tool_call" },
    order: "oldest",
    limit: 3,
  });
  const texts = records.map(({ attributes }) => String(attributes["gasoline.tool.arguments"]));
  expect(texts[0]).not.toContain(jwt);
  expect(texts[1]!.length).toBeLessThan(700);
  expect(texts[1]).not.toBe(texts[2]);
});
