import type { IncomingMessage, ServerResponse } from "node:http";
import { VERSION } from "../version.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { answerHttp } from "./sdk.ts";
import { callTool, listTools } from "./server.ts";
import type { ToolContext } from "./tool.ts";

/**
 * `/mcp` over streamable HTTP. There are no sessions: cursors are in the calls, so any number of agents may ask
 * at once and a restart of the daemon breaks no connection. GET (a stream of the server's own messages) and
 * DELETE (the end of a session) are therefore answered 405, as the specification has it.
 */
export async function handleMcp(
  parts: Omit<ToolContext, "endpoint">,
  endpoint: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST") return refuseMethod(request, response);
  const { store, clock, config, analyst, state } = parts;
  const context: ToolContext = { store, clock, config, analyst, state, endpoint };
  await answerHttp(
    {
      version: VERSION,
      instructions: INSTRUCTIONS,
      listTools: async () => listTools(),
      callTool: (name, input) => callTool(name, input, context),
    },
    request,
    response,
  );
}

function refuseMethod(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(405, { allow: "POST", "content-type": "application/json" });
  const message = `${request.method} is not used here: this server keeps no sessions and streams nothing. Send POST.`;
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32000, message }, id: null }));
}
