import type { IncomingMessage, ServerResponse } from "node:http";
import { type Duplex, Readable } from "node:stream";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Config } from "../config.ts";
import { generate } from "../generate/generate.ts";
import { FORMAT_NAMES, parseGenerate } from "../generate/parameters.ts";
import { GasolineError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { Analyst } from "../query/analyst.ts";
import { analyze } from "../query/analyze.ts";
import { parseAnalyze } from "../query/analyze-parameters.ts";
import type { Browser } from "../query/browser-link.ts";
import { configure } from "../query/configure.ts";
import { parseConfigure } from "../query/configure-parameters.ts";
import { interact } from "../query/interact.ts";
import { parseInteract } from "../query/interact-parameters.ts";
import { observe } from "../query/observe.ts";
import { openSourcesOnce } from "../query/open-sources.ts";
import { parseObserve } from "../query/parameters.ts";
import type { ObserveContext } from "../query/shapes.ts";
import { openStateFiles, type StateFiles } from "../query/state-files.ts";
import { ToolCallLog } from "../query/tool-calls.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import { VERSION } from "../version.ts";
import { errorBody, toGasolineError, unknownRoute } from "./api-errors.ts";
import type { HealthBody, TextBody, TraceBody } from "./api-types.ts";
import { EXCHANGE_BYTES_MAX, EXCHANGE_TYPE, exportLines, importFile } from "./exchange.ts";
import { ExtensionSocket } from "./extension-socket.ts";
import { accessGuard } from "./guard.ts";
import { metricsText, type ReceiverCounts } from "./metrics.ts";
import { PAGE_POLICY, renderErrorPage, renderPage, renderTracePage } from "./page.ts";
import { LiveStreams } from "./stream.ts";
import { traceBody } from "./trace-body.ts";

export interface ApiOptions {
  readonly config: Config;
  readonly store: TelemetryStore;
  readonly receiverStats: () => ReceiverCounts;
  readonly clock: Clock;
  /** Masks secrets in what the browser says and in source, as the store does in records. */
  readonly maskText: (text: string) => string;
  /** Puts OTLP/JSON logs in at the daemon's own door. */
  readonly sendLogs: (body: object) => Promise<void>;
}

/** What the routes work with. */
type Parts = ApiOptions & {
  readonly browser: Browser;
  readonly analyst: Analyst;
  readonly state: StateFiles;
  readonly source: ObserveContext["source"];
  readonly calls: ToolCallLog;
};

/** Everything that is served beside OTLP: REST, MCP, health, the page. */
export interface Api {
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Takes WebSocket upgrades: the extension's. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends the connections that would otherwise never end by themselves. */
  hangUp(): void;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;
const PAGE_TRACES = 20;
/** A person scrolls: far more than an agent gets, and still not a flood. */
const TRACE_PAGE_BYTES = 200_000;
/** Alive and ready are told to anyone: they reveal nothing, and probes know no key. */
const UNGUARDED = new Set(["/healthz", "/readyz"]);

/** Headers of every reply: nothing is cached, sniffed, framed or told to other sites. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Builds the API. `handle` takes any HTTP/1.1 request that is not OTLP. */
export async function createApi(parts: ApiOptions): Promise<Api> {
  const browser = new ExtensionSocket(parts.config, parts.clock, parts.maskText);
  const options: Parts = {
    ...parts,
    browser,
    analyst: new Analyst(),
    state: openStateFiles(parts.config.stateDir),
    source: openSourcesOnce({
      workspace: parts.config.workspace,
      maskText: parts.maskText,
      nowMs: parts.clock.nowMs,
    }),
    calls: new ToolCallLog(parts.store),
  };
  const streams = new LiveStreams(parts.store, parts.clock);
  const app = fastify({ bodyLimit: BODY_BYTES_MAX });
  // Only JSON is read: a page can send text/plain to any port without asking first.
  app.removeContentTypeParser("text/plain");
  const guard = accessGuard(options.config);

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    const { host, origin, authorization } = request.headers;
    if (UNGUARDED.has(request.url.split("?", 1)[0]!)) return;
    const apiKey = header(request, "x-api-key");
    const refusal = guard({ host, origin, authorization, apiKey });
    if (refusal !== undefined) throw refusal;
  });
  app.setErrorHandler((error, request, reply) => sendError(toGasolineError(error), request, reply));
  app.setNotFoundHandler((request, reply) => {
    const { error, allow } = unknownRoute(request.method, request.url, ROUTES);
    if (allow !== undefined) reply.header("allow", allow);
    return sendError(error, request, reply);
  });

  addHealth(app, options);
  addQuestions(app, options);
  addStream(app, streams);
  addExchange(app, options);
  addTraces(app, options);
  addPage(app, options);
  addMcp(app, options);
  await app.ready();
  return {
    handle: (request, response) => app.routing(request, response),
    upgrade: (request, socket, head) => browser.upgrade(request, socket, head),
    hangUp: () => browser.close(),
    close: async () => {
      browser.close();
      streams.close();
      await app.close();
      await options.analyst.close();
    },
  };
}

/** Paths and their methods, for the answer to a path or method that does not exist. */
const ROUTES: Readonly<Record<string, readonly string[]>> = {
  "/": ["GET"],
  "/traces/:id": ["GET"],
  "/api/observe": ["GET", "POST"],
  "/api/analyze": ["GET", "POST"],
  "/api/configure": ["POST"],
  "/api/generate": ["POST"],
  "/api/interact": ["POST"],
  "/api/export": ["GET"],
  "/api/import": ["POST"],
  "/api/stream": ["GET"],
  "/api/traces/:id": ["GET"],
  "/healthz": ["GET"],
  "/readyz": ["GET"],
  "/metrics": ["GET"],
  "/mcp": ["POST", "GET", "DELETE"],
};

function addHealth(app: FastifyInstance, { store, receiverStats }: ApiOptions): void {
  app.get(
    "/healthz",
    async (): Promise<HealthBody> => ({ status: "ok", service: "gasoline", version: VERSION }),
  );
  app.get("/readyz", async (): Promise<HealthBody> => {
    // A store that cannot even count is not ready: it throws, and the answer is 500.
    store.stats();
    return { status: "ready", service: "gasoline", version: VERSION };
  });
  app.get("/metrics", async (_request, reply) => {
    reply.type("text/plain; version=0.0.4; charset=utf-8");
    return metricsText(receiverStats(), store.stats());
  });
}

/**
 * Questions that a GET asks in its query string and a POST in its body, by path; POST alone what changes something or
 * has a `format` of its own.
 */
const QUESTIONS = {
  "/api/observe": askObserve,
  "/api/analyze": askAnalyze,
  "/api/configure": askConfigure,
  "/api/generate": askGenerate,
  "/api/interact": askInteract,
} as const;

interface Answered {
  readonly text: string;
  readonly structured: object;
}

function addQuestions(app: FastifyInstance, options: Parts): void {
  for (const [path, ask] of Object.entries(QUESTIONS)) {
    app.route({
      method: [...ROUTES[path]!],
      url: path,
      handler: async (request, reply): Promise<unknown> => {
        const { format, ...parameters } = request.query as Record<string, unknown>;
        if (format !== undefined && format !== "text" && format !== "json") {
          throw new GasolineError(
            "bad_parameter",
            `format is ${JSON.stringify(format)}; expected json or text.`,
            "",
          );
        }
        const plain = format === undefined && (request.headers.accept ?? "").startsWith("text/plain");
        const input = request.method === "POST" ? { ...asObject(request.body), ...parameters } : parameters;
        const found = await ask(options, request, input, format === "text" || plain);
        if (plain) {
          reply.type("text/plain; charset=utf-8");
          return `${found.text}\n`;
        }
        return format === "text" ? textBody(found) : found.structured;
      },
    });
  }
}

function textBody({ text, structured }: Answered): TextBody {
  return "verdict" in structured ? { text, verdict: String(structured.verdict) } : { text };
}

function addStream(app: FastifyInstance, streams: LiveStreams): void {
  app.get("/api/stream", async (request, reply) => {
    // A question that is refused is answered like any other; from then on the connection is the stream's.
    const follow = await streams.prepare(request.query as object);
    reply.hijack();
    await follow(reply.raw, HEADERS);
  });
}

/** Records in a file, from one daemon to another. */
function addExchange(app: FastifyInstance, options: Parts): void {
  app.addContentTypeParser(
    EXCHANGE_TYPE,
    { parseAs: "buffer", bodyLimit: EXCHANGE_BYTES_MAX },
    (_request, body, done) => done(null, body),
  );
  app.get("/api/export", async (request, reply) => {
    const lines = await exportLines(options, request.query);
    reply.header("content-disposition", 'attachment; filename="export.gasoline.jsonl"');
    return reply.type(EXCHANGE_TYPE).send(Readable.from(lines));
  });
  app.post("/api/import", { bodyLimit: EXCHANGE_BYTES_MAX }, (request) =>
    importFile(options, request.body, request.socket),
  );
}

function asObject(body: unknown): object {
  if (body === null || body === undefined) return {};
  if (typeof body === "object" && !Array.isArray(body)) return body;
  throw new GasolineError(
    "malformed_body",
    "The body is not a JSON object.",
    'Send {"what":"errors"} as application/json.',
  );
}

function askObserve(
  parts: Parts,
  request: FastifyRequest,
  input: unknown,
  textOnly: boolean,
): Promise<Answered> {
  return observe(parts.store, parseObserve(input), contextOf(parts, request, textOnly));
}

function askAnalyze(
  parts: Parts,
  request: FastifyRequest,
  input: unknown,
  textOnly: boolean,
): Promise<Answered> {
  return analyze(parts.store, parseAnalyze(input), contextOf(parts, request, textOnly));
}

function askConfigure(
  parts: Parts,
  request: FastifyRequest,
  input: unknown,
  textOnly: boolean,
): Promise<Answered> {
  const context = { ...contextOf(parts, request, textOnly), formats: FORMAT_NAMES };
  return configure(parts.store, parseConfigure(input), context);
}

function askGenerate(
  parts: Parts,
  request: FastifyRequest,
  input: unknown,
  textOnly: boolean,
): Promise<Answered> {
  return generate(parts.store, parseGenerate(input), contextOf(parts, request, textOnly));
}

function askInteract(
  parts: Parts,
  request: FastifyRequest,
  input: unknown,
  textOnly: boolean,
): Promise<Answered> {
  return interact(parseInteract(input), {
    ...parts,
    ...parts.config,
    ...contextOf(parts, request, textOnly),
  });
}

function contextOf(
  { clock, analyst, state, browser, source }: Parts,
  request: FastifyRequest,
  textOnly: boolean,
): ObserveContext {
  return { clock, analyst, state, browser, source, endpoint: ownUrl(request), textOnly };
}

/** This daemon under the name that the client used, which the guard has let pass. */
function ownUrl(request: FastifyRequest): string {
  return `http://${request.headers.host}`;
}

function addTraces(app: FastifyInstance, options: Parts): void {
  app.get<{ Params: { id: string } }>(
    "/api/traces/:id",
    async (request, reply): Promise<TraceBody | undefined> => {
      const { id } = request.params;
      if (!/^[0-9a-f]{8,32}$/i.test(id)) {
        throw new GasolineError(
          "bad_parameter",
          `${JSON.stringify(id.slice(0, 60))} is not a trace id; expected 32 hex digits, or at least the first 8.`,
          "GET /api/observe?what=traces lists those that are held.",
        );
      }
      const lookup = await options.store.trace(id.toLowerCase());
      if (lookup.found === "yes") return traceBody(lookup.value);
      const code = lookup.found === "never_seen" ? "not_found" : lookup.found;
      const error = new GasolineError(
        code,
        lookup.reason,
        "GET /api/observe?what=traces lists those that are held.",
      );
      // For this path the status says only that it is not there; the code says why.
      await reply.status(404).send(errorBody(error));
      return undefined;
    },
  );
  app.get<{ Params: { id: string } }>("/traces/:id", async (request, reply) => {
    const filter = { trace_id: request.params.id };
    const answer = await askObserve(
      options,
      request,
      { what: "trace", filter, budget_bytes: TRACE_PAGE_BYTES },
      true,
    );
    return sendHtml(reply, renderTracePage(request.params.id, answer.text));
  });
}

function addPage(app: FastifyInstance, { store }: ApiOptions): void {
  app.get("/", async (request, reply) => {
    const { traces } = await store.traces({ filter: {}, limit: PAGE_TRACES });
    return sendHtml(
      reply,
      renderPage({ url: ownUrl(request), version: VERSION, stats: store.stats(), traces }),
    );
  });
}

function addMcp(app: FastifyInstance, options: Parts): void {
  // The transport reads the body itself: in a scope of its own, where nothing has parsed it before.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
    scope.route({
      method: ["POST", "GET", "DELETE"],
      url: "/mcp",
      handler: async (request, reply) => {
        const { handleMcp } = await import("../mcp/http.ts");
        reply.hijack();
        await handleMcp(options, ownUrl(request), request.raw, reply.raw);
      },
    });
  });
}

function sendHtml(reply: FastifyReply, page: string): FastifyReply {
  return reply.header("content-security-policy", PAGE_POLICY).type("text/html; charset=utf-8").send(page);
}

function sendError(error: GasolineError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.status(error.httpStatus);
  if (error.retryAfterS !== undefined) reply.header("retry-after", error.retryAfterS);
  if (error.code === "unauthenticated") reply.header("www-authenticate", "Bearer");
  const isPage = !request.url.startsWith("/api/") && (request.headers.accept ?? "").includes("text/html");
  return isPage ? sendHtml(reply, renderErrorPage(error.message)) : reply.send(errorBody(error));
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
