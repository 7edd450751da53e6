import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

/** A reply as the client has it. */
export interface AgentReply {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly structuredContent: { readonly [key: string]: unknown };
}

/** The SDK's own client, connected over HTTP. */
export interface Agent {
  readonly client: Client;
  call(tool: string, input: object): Promise<AgentReply>;
  close(): Promise<void>;
}

/** Connects to the daemon at `url`; `name` is what a client behind a bridge is called. */
export async function connectAgent(url: string, name = "test"): Promise<Agent> {
  const client = new Client({ name, version: "1" });
  const requestInit = { headers: { "x-gasoline-client": name } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }) as Transport,
  );
  return {
    client,
    call: async (tool, input) =>
      (await client.callTool({ name: tool, arguments: { ...input } })) as unknown as AgentReply,
    close: () => client.close(),
  };
}
