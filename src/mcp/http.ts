import type { IncomingMessage, ServerResponse } from "node:http";
import { clean } from "../query/render/clean.ts";
import { VERSION } from "../version.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { answerHttp } from "./sdk.ts";
import { callTool, listTools } from "./server.ts";
import { CLIENT_HEADER, type ToolContext } from "./tool.ts";

const CLIENT_CHARS_MAX = 100;

/**
 * `/mcp` over streamable HTTP. There are no sessions: cursors are in the calls, so any number of agents may ask
 * at once and a restart of the daemon breaks no connection. GET (a stream of the server's own messages) and
 * DELETE (the end of a session) are therefore answered 405, as the specification has it.
 */
export async function handleMcp(
  parts: Omit<ToolContext, "endpoint" | "client">,
  endpoint: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== "POST") return refuseMethod(request, response);
  const { store, clock, config, analyst, state, source, calls, browser, sendLogs } = parts;
  const context: ToolContext = {
    store,
    clock,
    config,
    analyst,
    state,
    source,
    calls,
    browser,
    sendLogs,
    endpoint,
    client: clientOf(request),
  };
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

/** Without a session a client says who it is in each request: the bridge in a header of ours, others as they do. */
function clientOf({ headers }: IncomingMessage): string {
  const said = headers[CLIENT_HEADER] ?? headers["user-agent"] ?? "";
  return clean(String(said), CLIENT_CHARS_MAX);
}

function refuseMethod(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(405, { allow: "POST", "content-type": "application/json" });
  const message = `${request.method} is not used here: this server keeps no sessions and streams nothing. Send POST.`;
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32000, message }, id: null }));
}
