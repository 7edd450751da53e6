import type { Readable, Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { GasolineError } from "../model/errors.ts";
import { layOut } from "../query/configure.ts";
import { parseConfigure } from "../query/configure-parameters.ts";
import { VERSION } from "../version.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { Notifier } from "./notifier.ts";
import { serveStdio, type ToolListing, type ToolResult } from "./sdk.ts";
import { answerWith, errorResult, listTools } from "./server.ts";
import { CLIENT_HEADER } from "./tool.ts";

export interface BridgeOptions {
  /** As `connect`, of a daemon that runs already: rejects when there is none. */
  readonly find: () => Promise<string>;
  /** Finds (or starts) a daemon; its URL. Called on the first question, and again whenever one stops answering. */
  readonly connect: () => Promise<string>;
  /** `""` when the daemon requires none. */
  readonly apiKey: string;
  readonly stop: AbortSignal;
  readonly warn: (message: string) => void;
  readonly stdin?: Readable;
  readonly stdout?: Writable;
}

/**
 * MCP on stdin and stdout, answered by a running daemon's `/mcp`. The connection to the client outlives the
 * daemon: when that dies, the call under way says so, and the next one goes to its successor. Resolves when stdin
 * ends (after the calls under way) or `stop` is aborted.
 */
export async function bridgeStdio(options: BridgeOptions): Promise<void> {
  const stdin = options.stdin ?? process.stdin;
  const daemon = new Daemon(options, () => client());
  const notifier = new Notifier({
    find: options.find,
    apiKey: options.apiKey,
    notify: (text) => server.notify("error", text),
  });
  const pending = new Set<Promise<unknown>>();
  const track = async <T>(work: Promise<T>): Promise<T> => {
    pending.add(work);
    try {
      return await work;
    } finally {
      pending.delete(work);
    }
  };
  const server = await serveStdio(
    {
      version: VERSION,
      instructions: INSTRUCTIONS,
      listTools: (signal) => track(daemon.listTools(signal)),
      callTool: (name, input, signal) =>
        track(
          isStreaming(name, input) ? switchStreaming(notifier, input) : daemon.callTool(name, input, signal),
        ),
    },
    stdin,
    options.stdout ?? process.stdout,
  );
  // Two windows of one client are two callers.
  const client = (): string => `${server.client()} ${process.pid}`;
  await new Promise<void>((resolve) => {
    stdin.once("end", resolve);
    stdin.once("close", resolve);
    options.stop.addEventListener("abort", () => resolve(), { once: true });
    if (options.stop.aborted) resolve();
  });
  if (!options.stop.aborted) {
    // A message just read is handled in the next turn; a reply just made is written in the one after it.
    await nextTurn();
    await Promise.allSettled(pending);
    await nextTurn();
  }
  notifier.stop();
  await server.close();
}

/** The one action that is about this connection, and that the daemon, who sees single requests, cannot do. */
function isStreaming(name: string, input: unknown): boolean {
  return (
    name === "configure" &&
    typeof input === "object" &&
    input !== null &&
    "action" in input &&
    input.action === "streaming"
  );
}

async function switchStreaming(notifier: Notifier, input: unknown): Promise<ToolResult> {
  try {
    const request = parseConfigure(input);
    if (request.state === "on") await notifier.start();
    if (request.state === "off") notifier.stop();
    const { text, structured } = layOut(request, notifier.status(), 0, {});
    return answerWith(text, structured);
  } catch (error) {
    return errorResult(error);
  }
}

/** The daemon that is asked, and its successor when it is gone. */
class Daemon {
  readonly #options: BridgeOptions;
  /** Who asks, for the daemon's record of calls. */
  readonly #client: () => string;
  #url: Promise<string> | undefined;

  constructor(options: BridgeOptions, client: () => string) {
    this.#options = options;
    this.#client = client;
  }

  /** The daemon's own list; without one that answers, the list of this version, so that a client can start. */
  async listTools(signal: AbortSignal): Promise<ToolListing[]> {
    try {
      const { tools } = (await this.#request("tools/list", {}, signal)) as { tools: ToolListing[] };
      return tools;
    } catch (error) {
      this.#options.warn(`gasoline: the tools are listed without a daemon: ${messageOf(error)}`);
      return listTools();
    }
  }

  async callTool(name: string, input: unknown, signal: AbortSignal): Promise<ToolResult> {
    try {
      return (await this.#request("tools/call", { name, arguments: input }, signal)) as ToolResult;
    } catch (error) {
      // What the protocol itself refuses (a tool that does not exist) stays the protocol's to say.
      if (!(error instanceof GasolineError) || error.code === "bad_parameter") throw error;
      return this.#explain(error);
    }
  }

  /** A daemon that died is looked for again at once, so that the error can say what the next call will meet. */
  async #explain(error: GasolineError): Promise<ToolResult> {
    if (error.code !== "not_found" || this.#url !== undefined) return errorResult(error);
    try {
      const url = await this.#find();
      return errorResult(
        new GasolineError(
          "not_found",
          error.problem,
          `Now connected to ${url}: call again. Records that only the former daemon held are gone.`,
        ),
      );
    } catch (again) {
      return errorResult(
        new GasolineError("not_found", `${error.problem} ${messageOf(again)}`, "Then call again."),
      );
    }
  }

  #find(): Promise<string> {
    this.#url ??= this.#options.connect().catch((error: unknown) => {
      this.#url = undefined;
      throw error instanceof GasolineError
        ? error
        : new GasolineError("internal", `${messageOf(error)}.`, "");
    });
    return this.#url;
  }

  /** One JSON-RPC request. Throws GasolineError: `not_found` when nothing answers, else as the daemon refused. */
  async #request(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    const url = await this.#find();
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(`${url}/mcp`, {
        method: "POST",
        signal,
        headers: {
          accept: "application/json, text/event-stream",
          "content-type": "application/json",
          // Header values are ASCII.
          [CLIENT_HEADER]: this.#client()
            .replace(/[^ -~]/g, "?")
            .slice(0, 100),
          ...(this.#options.apiKey === "" ? {} : { "x-api-key": this.#options.apiKey }),
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      });
      body = await response.json();
    } catch (error) {
      if (signal.aborted) throw error;
      this.#url = undefined;
      throw new GasolineError("not_found", `The daemon at ${url} no longer answers (${causeOf(error)}).`, "");
    }
    return resultOf(body, response.status);
  }
}

/**
 * What a JSON-RPC reply holds. Throws GasolineError: `bad_parameter` for an error of the protocol, else (our own
 * refusal came in its place: a key, a Host) `unauthenticated` or `internal`.
 */
function resultOf(body: unknown, status: number): unknown {
  const reply = (typeof body === "object" && body !== null ? body : {}) as {
    readonly result?: unknown;
    readonly error?: { readonly code?: unknown; readonly message?: unknown };
  };
  if (reply.result !== undefined) return reply.result;
  const { code, message } = reply.error ?? {};
  const said = typeof message === "string" ? message : `The daemon answered ${status}.`;
  if (typeof code === "number")
    throw new GasolineError("bad_parameter", said.replace(/^MCP error -?\d+: /, ""), "");
  throw new GasolineError(status === 401 ? "unauthenticated" : "internal", said, "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** fetch hides the reason (ECONNREFUSED, a reset) behind "fetch failed". */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return messageOf(error);
}
