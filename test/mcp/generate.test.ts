import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FORMAT_NAMES } from "../../src/generate/parameters.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { fillShop, openStore } from "../query/fixture.ts";

let api: TestApi;
let client: Client;

beforeAll(async () => {
  const store = openStore();
  fillShop(store);
  api = await startApi(store);
  client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${api.url}/mcp`)) as Transport);
});

afterAll(async () => {
  await client.close();
  await api.close();
});

test.each(FORMAT_NAMES)("%s works as an agent calls it, and the same by REST", async (format) => {
  const result = await client.callTool({ name: "generate", arguments: { format } });
  expect(result.isError).toBeFalsy();
  const { content, structuredContent } = result as unknown as {
    content: { text: string }[];
    structuredContent: { content: string; metadata: { left_out?: string } };
  };
  expect(Buffer.byteLength(JSON.stringify({ content, structuredContent }))).toBeLessThanOrEqual(8_000);
  expect(content[0]!.text).toContain(structuredContent.content);
  const post = await fetch(`${api.url}/api/generate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ format }),
  });
  const whole = (await post.json()) as { content: string; metadata: { left_out?: string } };
  expect(whole.metadata.left_out).toBeUndefined();
  if (structuredContent.metadata.left_out === undefined)
    expect(whole.content).toBe(structuredContent.content);
});
