import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Attributes, trace } from "@opentelemetry/api";
import { type Call, createCaller, httpInstrumentation, UpstreamError } from "./call.ts";
import type { FaultName } from "./faults.ts";
import { codeOfCaller, log, recordError, startTelemetry } from "./telemetry.ts";

/** A request as handlers see it. `body` is the parsed JSON, or `undefined`. */
export interface ShopRequest {
  readonly params: { readonly [name: string]: string };
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** What a handler returns is the reply as JSON, or a page of HTML. Throw `Refusal` for a 4xx. */
export type Handler = (request: ShopRequest) => unknown;

export class Page {
  readonly html: string;
  constructor(html: string) {
    this.html = html;
  }
}

/** A request that the service understood and will not do: replied with `status`, and no failure of the service. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }
}

/** One service of the shop: an HTTP server with routes, peers to call, and faults that can be switched. */
export interface Service {
  /** `service.version`, e.g. `1.4.2`. */
  readonly version: string;
  /** `pattern` is method and path, parameters with a colon: `GET /products/:sku`. */
  route(pattern: string, handler: Handler): void;
  /** Calls `operation` of another service; see `Call`. */
  readonly call: Call;
  /** Whether a fault is on now. */
  faulty(name: FaultName): boolean;
  /** Called when a fault is switched on or off here; awaited before the switch is confirmed. */
  onFault(name: FaultName, change: (on: boolean) => void | Promise<void>): void;
  /** Where a peer listens. Throws when there is none of that name. */
  addressOf(peer: string): string;
  /** Starts serving and reports the address to the shop; resolves when the peers are known. */
  listen(): Promise<void>;
}

interface Route {
  readonly method: string;
  readonly pattern: string;
  readonly matcher: RegExp;
  readonly handler: Handler;
  readonly code: Attributes;
}

/**
 * Makes this process a service. The telemetry starts here, before the server exists; name, version and receiver
 * come from the environment that the shop sets. The process ends when the shop lets go of it, or dies.
 */
export function createService(): Service {
  const telemetry = startTelemetry(httpInstrumentation());
  const routes: Route[] = [];
  const peers = new Map<string, string>();
  const faults = new Set<string>((process.env.SHOP_FAULTS ?? "").split(",").filter((name) => name !== ""));
  const faultListeners = new Map<string, (on: boolean) => void | Promise<void>>();
  const wired = Promise.withResolvers<void>();
  let open = 0;
  const whenIdle: (() => void)[] = [];

  const server = http.createServer((request, response) => {
    if (request.url?.startsWith("/admin/") === true) {
      administer(request, response).catch((error: unknown) => reply(response, 500, { error: String(error) }));
      return;
    }
    open += 1;
    // A caller may turn away before the handler is done: idle is when both have ended.
    const closed = once(response, "close");
    answer(routes, request, response)
      .catch((error: unknown) => fail(response, error))
      .then(() => closed)
      .catch((error: unknown) => log.error("connection failed", error))
      .finally(() => {
        open -= 1;
        if (open === 0) for (const resolve of whenIdle.splice(0)) resolve();
      });
  });

  /** What the shop asks of its services, not traced: where the others are, a fault, an export. */
  async function administer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // JSON only: a page of another origin could otherwise post here without a preflight.
    if (request.method !== "POST" || request.headers["content-type"] !== "application/json") {
      return reply(response, 405, { error: "POST application/json" });
    }
    const body = (await readJson(request)) as { [key: string]: unknown };
    if (request.url === "/admin/peers") {
      for (const [name, url] of Object.entries(body)) peers.set(name, String(url));
      wired.resolve();
    } else if (request.url === "/admin/faults") {
      const name = String(body.name);
      if (body.on === true) faults.add(name);
      else faults.delete(name);
      await faultListeners.get(name)?.(body.on === true);
    } else if (request.url === "/admin/flush") {
      if (open > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
      await telemetry.flush();
    }
    reply(response, 200, {});
  }

  process.on("disconnect", () => {
    server.close();
    const exit = (): never => process.exit(0);
    setTimeout(exit, SHUTDOWN_MS);
    telemetry.shutdown().then(exit, exit);
  });
  // Ctrl-C reaches the whole process group; the shop decides in which order it ends.
  process.on("SIGINT", () => {});

  return {
    version: process.env.SHOP_VERSION ?? "",
    route: (pattern, handler) => {
      const [method = "", path = ""] = pattern.split(" ");
      const matcher = new RegExp(`^${path.replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`);
      routes.push({ method, pattern, matcher, handler, code: codeOfCaller(handler.name) });
    },
    call: createCaller((name) => peers.get(name)),
    faulty: (name) => faults.has(name),
    onFault: (name, change) => {
      faultListeners.set(name, change);
      if (faults.has(name)) change(true);
    },
    addressOf: (peer) => {
      const address = peers.get(peer);
      if (address === undefined) throw new Error(`no ${peer} is known`);
      return address;
    },
    listen: async () => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
      await wired.promise;
    },
  };
}

const SHUTDOWN_MS = 1_500;

async function answer(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://shop");
  const span = trace.getActiveSpan();
  // A page can show the trace of what it did, and the traffic of the demo names it.
  if (span !== undefined) {
    const { traceId, spanId } = span.spanContext();
    response.setHeader("server-timing", `traceparent;desc="00-${traceId}-${spanId}-01"`);
  }
  for (const route of routes) {
    const match = route.method === request.method ? route.matcher.exec(url.pathname) : null;
    if (match === null) continue;
    span?.updateName(route.pattern);
    span?.setAttributes({ "http.route": route.pattern.slice(route.method.length + 1), ...route.code });
    const params = Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    const body = request.method === "POST" ? await readJson(request) : undefined;
    const result = await route.handler({ params, query: url.searchParams, body });
    if (result instanceof Page) replyPage(response, result);
    else reply(response, 200, result);
    return;
  }
  reply(response, 404, { error: `no route for ${request.method} ${url.pathname}` });
}

/**
 * A failed handler. Only where the error began is it recorded as an exception: a service that passes on the
 * failure of another answers 502 and says whose it was.
 */
function fail(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  let status = 500;
  if (error instanceof Refusal) {
    status = error.status;
    log.warn("request refused", { "refusal.reason": message, "http.response.status_code": status });
  } else if (error instanceof UpstreamError) {
    status = error.status >= 500 || error.status === 0 ? 502 : error.status;
    log.warn("upstream call failed", { "upstream.name": error.peer, "upstream.status": error.status });
  } else {
    const span = trace.getActiveSpan();
    if (span !== undefined) recordError(span, error);
    log.error("request failed", error);
  }
  reply(response, status, { error: message });
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body ?? {}));
}

function replyPage(response: ServerResponse, page: Page): void {
  response
    .writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" })
    .end(page.html);
}

/** The body as JSON, `undefined` when there is none. A body that is not JSON is refused. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "the body is not JSON");
  }
}
