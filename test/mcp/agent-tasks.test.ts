import { readFileSync, writeFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FaultName, faultOf } from "../../demo/shop/faults.ts";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { driveTraffic } from "../../demo/shop/traffic.ts";
import { startTestDaemon, type TestDaemon } from "../adapters/daemon.ts";
import {
  AGENT_TASKS,
  agentTasksPage,
  BYTES_MAX,
  CALLS_MAX,
  expectedNames,
  TASK_NAMES,
  type TaskName,
  type TaskRow,
  type TaskWindow,
} from "./agent-tasks.ts";

/** `UPDATE_DOCS=1 npx vitest run test/mcp/agent-tasks.test.ts` writes it again. */
const PAGE = new URL("../../docs/agent-tasks.md", import.meta.url);
const RECORD_MS = 180_000;
const VISITS = 12;
/** Faults that make every visit wait, which a few visits show as well. */
const WAITING: readonly FaultName[] = ["timeout-retry", "third-party-slowdown", "twin-slow"];
const VISITS_WAITING = 6;

let daemon: TestDaemon;
let shop: Shop;
let client: Client;
const windows = new Map<TaskName, TaskWindow>();
const rows: TaskRow[] = [];

beforeAll(async () => {
  daemon = await startTestDaemon();
  shop = await startShop({ endpoint: daemon.gasoline.url });
  await visit(VISITS, 1);
  for (const name of TASK_NAMES) windows.set(name, await record(name));
  client = new Client({ name: "agent", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.gasoline.url}/mcp`)) as Transport);
}, RECORD_MS);

afterAll(async () => {
  await client?.close();
  await shop?.close();
  await daemon?.stop();
});

async function visit(visits: number, seed: number): Promise<void> {
  await driveTraffic({ url: shop.url, seed, visits });
  await shop.flush();
}

/** The shop without the fault, then with it. */
async function record(name: TaskName): Promise<TaskWindow> {
  const visits = WAITING.includes(name) ? VISITS_WAITING : VISITS;
  const now = () => new Date().toISOString();
  const healthySince = now();
  await visit(visits, 4);
  await shop.setFault(name, true);
  // A process that has just started is slow, which is not what a deployed fault is about.
  if (faultOf(name).cause.kind === "deploy") await visit(3, 4);
  const since = now();
  await visit(visits, 5);
  const until = now();
  await shop.setFault(name, false);
  if (faultOf(name).cause.kind === "deploy") await visit(3, 4);
  return { healthySince, since, until };
}

test.each(TASK_NAMES)("%s is found within the budget", async (name) => {
  const calls = AGENT_TASKS[name].map((make) => make(windows.get(name)!));
  const replies = [];
  for (const { tool, arguments: input } of calls) {
    const { content, structuredContent, isError } = await client.callTool({ name: tool, arguments: input });
    expect(isError, JSON.stringify(content)).toBeFalsy();
    replies.push(JSON.stringify({ content, structuredContent }));
  }
  const bytes = replies.reduce((sum, reply) => sum + Buffer.byteLength(reply), 0);
  rows.push({ name, calls, bytes });
  expect(calls.length).toBeLessThanOrEqual(CALLS_MAX);
  expect(bytes).toBeLessThanOrEqual(BYTES_MAX);
  expect(conclusionOf(replies.at(-1)!, name), replies.at(-1)).toBe(true);
});

/** Whether the reply's conclusion is the label: what it says first, not anything it mentions. */
function conclusionOf(reply: string, name: TaskName): boolean {
  const { structuredContent: said } = JSON.parse(reply) as {
    structuredContent: {
      abstained?: boolean;
      ranking?: { service: string }[];
      root_cause?: { service: string; operation: string };
      rows?: { service: string; operations?: string[] }[];
    };
  };
  if (faultOf(name).expect === "abstain") {
    const leaders = said.ranking?.slice(0, 2).map(({ service }) => service);
    return said.abstained === true && leaders?.sort().join() === "cart,catalog";
  }
  const named = [
    ...(said.root_cause === undefined ? [] : [said.root_cause]),
    ...(said.rows?.slice(0, 1) ?? []).flatMap(({ service, operations = [] }) =>
      operations.map((operation) => ({ service, operation })),
    ),
  ];
  return expectedNames(name).some(([service, operation]) =>
    named.some((one) => one.service === service && one.operation === operation),
  );
}

test("the page about it is up to date", () => {
  const page = agentTasksPage(rows);
  console.info(page);
  if (process.env.UPDATE_DOCS !== undefined) writeFileSync(PAGE, page);
  const withoutSizes = (text: string) => text.replace(/[\d.]+ \| [\d.]+ \|$/gm, "");
  expect(withoutSizes(readFileSync(PAGE, "utf8"))).toBe(withoutSizes(page));
});
