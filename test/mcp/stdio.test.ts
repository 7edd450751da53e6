import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterEach, expect, test } from "vitest";
import { listTools } from "../../src/mcp/server.ts";
import { bridgeStdio } from "../../src/mcp/stdio.ts";
import { GasolineError } from "../../src/model/errors.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { FAILED_TRACE, fillShop, openStore } from "../query/fixture.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function shopApi(config: Parameters<typeof startApi>[1] = {}): Promise<TestApi> {
  const store = openStore();
  fillShop(store);
  const api = await startApi(store, config);
  let closed: Promise<void> | undefined;
  const shared = { ...api, close: () => (closed ??= api.close()) };
  cleanups.push(shared.close);
  return shared;
}

test("the command, spoken to by the SDK's own client", async () => {
  const api = await shopApi({ apiKey: "k3y" });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [LAUNCHER, "mcp", "--endpoint", api.url],
      env: { ...(process.env as Record<string, string>), GASOLINE_API_KEY: "k3y" },
      stderr: "ignore",
    }),
  );
  cleanups.push(() => client.close());
  expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(
    listTools().map((tool) => tool.name),
  );
  const result = await client.callTool({
    name: "observe",
    arguments: { what: "trace", filter: { trace_id: FAILED_TRACE } },
  });
  expect((result.content as { text: string }[])[0]!.text).toContain("failed at: payment POST /charge");
  expect(result.structuredContent).toMatchObject({ metadata: { total_count: 5 } });
});

test("stdout holds JSON-RPC and nothing else, and a closed stdin ends it after its answers", async () => {
  const api = await shopApi();
  const child: ChildProcess = spawn(process.execPath, [LAUNCHER, "mcp", "--endpoint", api.url]);
  cleanups.push(() => child.kill());
  let stdout = "";
  child.stdout!.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stdin!.end(
    [
      request(1, "initialize", {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "t", version: "1" },
      }),
      '{"jsonrpc":"2.0","method":"notifications/initialized"}\n',
      "this is not JSON\n",
      request(2, "tools/list", {}),
      request(3, "tools/call", { name: "observe", arguments: { what: "errors" } }),
      request(4, "tools/call", { name: "observe", arguments: { what: "nothing" } }),
      request(5, "tools/call", { name: "nothing", arguments: {} }),
    ].join(""),
  );
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  const replies = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Reply);
  expect(replies.every((reply) => reply.jsonrpc === "2.0")).toBe(true);
  const byId = new Map(replies.map((reply) => [reply.id, reply]));
  expect([...byId.keys()].sort()).toEqual([1, 2, 3, 4, 5]);
  expect(byId.get(3)!.result!.content![0]!.text).toContain("TimeoutError");
  expect(byId.get(4)!.result).toMatchObject({ isError: true });
  expect(byId.get(5)!.error).toMatchObject({ code: -32602 });
});

interface Reply {
  readonly jsonrpc: string;
  readonly id: number;
  readonly result?: {
    readonly content?: readonly { readonly text: string }[];
    readonly isError?: boolean;
    readonly tools?: readonly { readonly name: string }[];
  };
  readonly error?: { readonly code: number; readonly message: string };
}

function request(id: number, method: string, params: object): string {
  return `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
}

/** A bridge inside this process, asked line by line. */
function openBridge(
  connect: () => Promise<string>,
  apiKey = "",
): { ask(method: string, params: object): Promise<Reply> } {
  const stdin = new PassThrough();
  const stdout = new PassThrough({ encoding: "utf8" });
  const stop = new AbortController();
  const done = bridgeStdio({
    find: connect,
    connect,
    apiKey,
    stop: stop.signal,
    warn: () => undefined,
    stdin,
    stdout,
  });
  cleanups.push(() => {
    stop.abort();
    return done;
  });
  let id = 0;
  return {
    ask: async (method, params) => {
      stdin.write(request(++id, method, params));
      const [line] = (await once(stdout, "data")) as [string];
      return JSON.parse(line) as Reply;
    },
  };
}

const ERRORS = { name: "observe", arguments: { what: "errors" } };

test("a daemon that dies is named in the error, and the next call goes to its successor", async () => {
  const first = await shopApi();
  let daemon: TestApi | undefined = first;
  const { ask } = openBridge(async () => {
    if (daemon === undefined)
      throw new GasolineError("not_found", "No gasoline is running.", "Start one with `gasoline`.");
    return daemon.url;
  });
  expect((await ask("tools/call", ERRORS)).result!.isError).toBeFalsy();

  daemon = undefined;
  await first.close();
  const orphaned = await ask("tools/call", ERRORS);
  expect(orphaned.result!.isError).toBe(true);
  expect(orphaned.result!.content![0]!.text).toMatch(
    new RegExp(
      `The daemon at ${first.url} no longer answers \\(\\w+\\)\\. No gasoline is running\\. Start one`,
    ),
  );
  expect((await ask("tools/call", ERRORS)).result!.content![0]!.text).toMatch(/No gasoline is running/);
  expect((await ask("tools/list", {})).result!.tools).toMatchObject(
    listTools().map(({ name }) => ({ name })),
  );
  expect((await ask("ping", {})).result).toEqual({});

  daemon = await shopApi();
  expect((await ask("tools/call", ERRORS)).result!.isError).toBeFalsy();
});

test("a daemon that was replaced is found at once, and what is lost is said", async () => {
  const first = await shopApi();
  let daemon = first;
  const { ask } = openBridge(async () => daemon.url);
  await ask("tools/call", ERRORS);
  daemon = await shopApi();
  await first.close();
  const told = await ask("tools/call", ERRORS);
  expect(told.result!.isError).toBe(true);
  expect(told.result!.content![0]!.text).toContain(
    `Now connected to ${daemon.url}: call again. Records that only the former daemon held are gone.`,
  );
  expect((await ask("tools/call", ERRORS)).result!.isError).toBeFalsy();
});

test("a key that is wrong is said", async () => {
  const api = await shopApi({ apiKey: "right" });
  const { ask } = openBridge(async () => api.url, "wrong");
  const reply = await ask("tools/call", ERRORS);
  expect(reply.result!.isError).toBe(true);
  expect(reply.result!.content![0]!.text).toMatch(/not the daemon's.*GASOLINE_API_KEY/);
});
