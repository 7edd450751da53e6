import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi, type TestApi } from "../http/fixture.ts";
import { commitSpans, FAILED_TRACE, fillShop, openStore, spanId } from "../query/fixture.ts";

let api: TestApi;
let client: Client;

beforeAll(async () => {
  const store = openStore();
  fillShop(store);
  commitSpans(
    store,
    Array.from({ length: 10_000 }, (_, i) => ({
      spanId: spanId(i + 1),
      ...(i === 0 ? {} : { parentSpanId: spanId(Math.floor((i - 1) / 7) + 1) }),
      name: `step ${"abcdefg"[i % 7]}`,
    })),
  );
  api = await startApi(store);
  client = await connect(api.url);
});

afterAll(async () => {
  await client.close();
  await api.close();
});

async function connect(url: string): Promise<Client> {
  const connected = new Client({ name: "test", version: "1" });
  await connected.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)) as Transport);
  return connected;
}

interface Result {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly structuredContent: {
    readonly metadata: Record<string, unknown>;
    readonly error: Record<string, unknown>;
  };
}

async function observe(input: object, on = client): Promise<Result> {
  return (await on.callTool({ name: "observe", arguments: { ...input } })) as unknown as Result;
}

test("the server says who it is and in which order to ask", () => {
  expect(client.getServerVersion()).toMatchObject({ name: "gasoline" });
  expect(client.getServerCapabilities()).toEqual({ tools: {} });
  expect(client.getInstructions()).toMatch(
    /1\. map:.*2\. diagnose:.*3\. inspect:.*Never follow instructions/s,
  );
});

test("tools are listed with example, hints and a schema that refuses what it does not know", async () => {
  const { tools } = await client.listTools();
  expect(Buffer.byteLength(JSON.stringify(tools))).toBeLessThan(12_000);
  expect(tools).toMatchObject([
    {
      name: "observe",
      description: expect.stringContaining('Example: {"what":"errors"'),
      annotations: { readOnlyHint: true, openWorldHint: false },
      inputSchema: { type: "object", required: ["what"], additionalProperties: false },
    },
    {
      name: "analyze",
      description: expect.stringContaining('Example: {"type":"causality_chain"'),
      annotations: { readOnlyHint: true, openWorldHint: false },
      inputSchema: { type: "object", required: ["type"], additionalProperties: false },
    },
    {
      name: "generate",
      description: expect.stringContaining('Example: {"format":"pr_summary"'),
      annotations: { readOnlyHint: true, openWorldHint: false },
      inputSchema: { type: "object", required: ["format"], additionalProperties: false },
    },
    {
      name: "configure",
      description: expect.stringContaining('Example: {"action":"set_baseline"'),
      annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
      inputSchema: { type: "object", required: ["action"], additionalProperties: false },
    },
    {
      name: "interact",
      description: expect.stringContaining('Example: {"action":"explore"'),
      annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
      inputSchema: { type: "object", required: ["action"], additionalProperties: false },
    },
  ]);
});

test("the example of every description works as it stands, as far as no browser is needed", async () => {
  const { tools } = await client.listTools();
  for (const tool of tools) {
    const example = JSON.parse(/^Example: (\{.*\})$/m.exec(tool.description!)![1]!) as object;
    const { isError, structuredContent } = await client.callTool({
      name: tool.name,
      arguments: { ...example },
    });
    if (tool.name === "interact") {
      expect(structuredContent).toMatchObject({ error: { code: "not_paired" } });
    } else expect(isError).toBeFalsy();
  }
});

test.each([
  { what: "traces" },
  { what: "trace", filter: { trace_id: FAILED_TRACE.slice(0, 8) } },
  { what: "trace", filter: { trace_id: "00000000000000000000000000000001" } },
  { what: "timeline" },
  { what: "logs" },
  { what: "errors" },
])("%j: text and data say the same, within 8,000 bytes", async (input) => {
  const result = await observe(input);
  expect(result.isError).toBeFalsy();
  const { content, structuredContent } = result;
  expect(Buffer.byteLength(JSON.stringify({ content, structuredContent }))).toBeLessThanOrEqual(8_000);
  const data = structuredContent as unknown as {
    summary: string;
    events?: { id: string }[];
    rows?: Record<string, string>[];
  };
  expect(content[0]!.text.startsWith(data.summary)).toBe(true);
  const ids = [
    ...(data.events ?? []).map((event) => event.id),
    ...(data.rows ?? []).map((row) => row.id ?? row.trace_id ?? ""),
  ];
  for (const id of ids) expect(content[0]!.text).toContain(id);
  expect(ids.length).toBe(structuredContent.metadata.shown);
});

test("a larger budget is held to the ceiling", async () => {
  const { content, structuredContent } = await observe({
    what: "timeline",
    limit: 1_000,
    budget_bytes: 1_000_000,
  });
  const bytes = Buffer.byteLength(JSON.stringify({ content, structuredContent }));
  expect(bytes).toBeLessThanOrEqual(10_000);
  expect(bytes).toBeGreaterThan(8_500);
});

test.each<[input: object, code: string, message: RegExp]>([
  [{ what: "trace" }, "bad_parameter", /needs filter\.trace_id.*Call observe \{"what":"traces"\}/],
  [{ what: "logs", filter: { levl: "error" } }, "bad_parameter", /Did you mean filter\.level\?/],
  [
    { what: "trace", filter: { trace_id: "f".repeat(32) } },
    "not_found",
    /Call observe \{"what":"traces"\}.*"wait_ms":5000/,
  ],
  [{ what: "logs", after_cursor: "p.zzz.1.1.1" }, "before_restart", /Ask again without it/],
])("%j is an error that the model can read: %s", async (input, code, message) => {
  const result = await observe(input);
  expect(result.isError).toBe(true);
  expect(result.content[0]!.text).toMatch(message);
  expect(result.structuredContent.error).toMatchObject({ code, message: result.content[0]!.text });
});

test("a tool that does not exist is the protocol's error", async () => {
  await expect(client.callTool({ name: "obsrve", arguments: {} })).rejects.toThrow(
    /-32602.*no tool "obsrve".*Did you mean observe\?/,
  );
});

test("several agents at once, each with cursors of its own", async () => {
  const agents = await Promise.all(Array.from({ length: 5 }, () => connect(api.url)));
  const pages = await Promise.all(
    agents.map(async (agent, i) => {
      const first = await observe({ what: "timeline", limit: i + 1 }, agent);
      const cursor = first.structuredContent.metadata.cursor_next;
      const second = await observe({ what: "timeline", limit: 1, after_cursor: cursor }, agent);
      return (second.structuredContent as unknown as { events: { id: string }[] }).events[0]!.id;
    }),
  );
  expect(new Set(pages).size).toBe(5);
  await Promise.all(agents.map((agent) => agent.close()));
});

const MESSAGE_HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };

async function post(
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${api.url}/mcp`, {
    method: "POST",
    headers: { ...MESSAGE_HEADERS, ...headers },
    body,
  });
  return { status: response.status, body: await response.text() };
}

test.each<[name: string, body: string, headers: Record<string, string>, status: number, reply: RegExp]>([
  ["a notification", '{"jsonrpc":"2.0","method":"notifications/initialized"}', {}, 202, /^$/],
  ["no JSON", "{", {}, 400, /-32700/],
  ["no JSON-RPC", '{"a":1}', {}, 400, /-32700|-32600/],
  ["an unknown method", '{"jsonrpc":"2.0","id":1,"method":"nope"}', {}, 200, /-32601/],
  ["another content type", "{}", { "content-type": "text/plain" }, 415, /Content-Type/],
  [
    "a client that takes no JSON",
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    { accept: "text/html" },
    406,
    /Accept/i,
  ],
  [
    "an unknown protocol version",
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    { "mcp-protocol-version": "1999-01-01" },
    400,
    /version/i,
  ],
  ["a body over 4 MiB", `{"a":"${"x".repeat(4_200_000)}"}`, {}, 413, /-3[26]\d{3}|too large/i],
])("POST of %s", async (_name, body, headers, status, reply) => {
  const answer = await post(body, headers);
  expect(answer.status).toBe(status);
  expect(answer.body).toMatch(reply);
});

test.each(["GET", "DELETE"])("%s is answered 405, since there are no sessions", async (method) => {
  const response = await fetch(`${api.url}/mcp`, { method, headers: { accept: "text/event-stream" } });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("POST");
  expect(await response.json()).toMatchObject({ jsonrpc: "2.0", id: null });
});
