import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable, Writable } from "node:stream";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";
import { GasolineError } from "../model/errors.ts";

/*
 * The only file that knows the MCP SDK. It offers a server of tools over the two transports; what the tools are
 * and do is said by whoever makes one.
 */

export type ToolListing = Tool;
export type ToolResult = CallToolResult;

/** What a server answers with. */
export interface McpAnswers {
  readonly version: string;
  readonly instructions: string;
  readonly listTools: (signal: AbortSignal) => Promise<ToolListing[]>;
  /** Throws GasolineError `bad_parameter` for a tool that does not exist: it becomes JSON-RPC's invalid params. */
  readonly callTool: (name: string, input: unknown, signal: AbortSignal) => Promise<ToolResult>;
}

function createServer(answers: McpAnswers, notifies: boolean): Server {
  const server = new Server(
    { name: "gasoline", title: "Gasoline 360", version: answers.version },
    { capabilities: { tools: {}, ...(notifies ? { logging: {} } : {}) }, instructions: answers.instructions },
  );
  server.setRequestHandler(ListToolsRequestSchema, async (_request, { signal }) => ({
    tools: await answers.listTools(signal),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    try {
      return await answers.callTool(params.name, params.arguments ?? {}, signal);
    } catch (error) {
      if (error instanceof GasolineError) throw new McpError(ErrorCode.InvalidParams, error.message);
      throw error;
    }
  });
  return server;
}

const REQUEST_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Answers one POST of the streamable HTTP transport (specification 2025-11-25) without a session: every reply
 * is one JSON document. The request's body must not have been read.
 */
export async function answerHttp(
  answers: McpAnswers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const server = createServer(answers, false);
  const transport = new StreamableHTTPServerTransport({
    enableJsonResponse: true,
    maxRequestBodySize: REQUEST_BYTES_MAX,
  });
  response.once("close", () => {
    // Ends what the client no longer waits for; there is nobody left to tell of a failure.
    server.close().catch(() => undefined);
  });
  await server.connect(asTransport(transport));
  await transport.handleRequest(request, response);
}

/** A server on stdin and stdout. */
export interface StdioServer {
  /** Tells the client something unasked, unless it wants to hear of worse only (logging/setLevel). */
  readonly notify: (level: "error", text: string) => Promise<void>;
  /** Name and version of the client; `""` before it said so. */
  readonly client: () => string;
  readonly close: () => Promise<void>;
}

/** Starts a server on stdin and stdout; nothing else may write to `stdout`. */
export async function serveStdio(
  answers: McpAnswers,
  stdin: Readable,
  stdout: Writable,
): Promise<StdioServer> {
  const server = createServer(answers, true);
  await server.connect(asTransport(new StdioServerTransport(stdin, stdout)));
  return {
    notify: (level, text) => server.sendLoggingMessage({ level, logger: "gasoline", data: text }),
    client: () => {
      const client = server.getClientVersion();
      return client === undefined ? "" : `${client.name}/${client.version}`;
    },
    close: () => server.close(),
  };
}

/** The SDK declares its transports' callbacks `| undefined`, which its own Transport type does not allow for. */
function asTransport(transport: StreamableHTTPServerTransport | StdioServerTransport): Transport {
  return transport as Transport;
}
