import http from "node:http";
import type { LookupFunction } from "node:net";
import { type Attributes, context, createContextKey } from "@opentelemetry/api";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";

/** How one call to another service is made. */
export interface CallOptions {
  readonly params?: { readonly [name: string]: string };
  readonly query?: { readonly [name: string]: string };
  readonly body?: unknown;
  /** Of one attempt; 2 s when absent. */
  readonly timeoutMs?: number;
  /** A call that timed out is sent again, up to this many attempts in all; 1 when absent. */
  readonly attempts?: number;
  /** Names of the only headers that are sent. */
  readonly headersAllowed?: readonly string[];
}

/**
 * Calls `operation` (`GET /products/:sku`) of a peer; returns its JSON. Throws `UpstreamError` when the peer
 * refuses, fails, is silent or is not there.
 */
export type Call = <Reply>(peer: string, operation: string, options?: CallOptions) => Promise<Reply>;

/** The peer answered with an error, or (status 0) not at all. */
export class UpstreamError extends Error {
  readonly peer: string;
  readonly status: number;
  constructor(peer: string, status: number, message: string) {
    super(message);
    this.name = "UpstreamError";
    this.peer = peer;
    this.status = status;
  }
}

class TimeoutError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = "TimeoutError";
  }
}

const TIMEOUT_MS = 2_000;

/** Carries a call's span attributes to the instrumentation, which makes the span. */
const OUTGOING = createContextKey("shop outgoing call");

interface Outgoing {
  readonly spanName: string;
  readonly attributes: Attributes;
}

/** Client spans are named by method and template instead of by method alone; the admin paths are not traced. */
export function httpInstrumentation(): HttpInstrumentation {
  return new HttpInstrumentation({
    ignoreIncomingRequestHook: (request) => request.url?.startsWith("/admin/") === true,
    requestHook: (span) => {
      const outgoing = context.active().getValue(OUTGOING) as Outgoing | undefined;
      if (outgoing === undefined) return;
      span.updateName(outgoing.spanName);
      span.setAttributes(outgoing.attributes);
    },
  });
}

/** `addressOf` knows where peers are now: the shop tells every service when one starts or moves. */
export function createCaller(addressOf: (peer: string) => string | undefined): Call {
  return async <Reply>(peer: string, operation: string, options: CallOptions = {}): Promise<Reply> => {
    const attempts = options.attempts ?? 1;
    for (let attempt = 0; ; attempt++) {
      try {
        return (await send(peer, addressOf(peer), operation, options, attempt)) as Reply;
      } catch (error) {
        if (error instanceof TimeoutError && attempt + 1 < attempts) continue;
        if (error instanceof UpstreamError) throw error;
        throw new UpstreamError(
          peer,
          0,
          `${peer} did not answer: ${error instanceof Error ? error.message : error}`,
        );
      }
    }
  };
}

async function send(
  peer: string,
  address: string | undefined,
  operation: string,
  options: CallOptions,
  attempt: number,
): Promise<unknown> {
  if (address === undefined) throw new UpstreamError(peer, 0, `no ${peer} is known`);
  const [method = "GET", template = "/"] = operation.split(" ");
  const path = template.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(options.params?.[name] ?? ""),
  );
  const query = options.query === undefined ? "" : `?${new URLSearchParams(options.query)}`;
  const outgoing: Outgoing = {
    spanName: operation,
    attributes: {
      "url.template": template,
      ...(attempt > 0 ? { "http.request.resend_count": attempt } : {}),
    },
  };
  const response = await context.with(context.active().setValue(OUTGOING, outgoing), () =>
    roundTrip(peer, address, method, path + query, options),
  );
  const body: unknown = JSON.parse(response.text);
  if (response.status < 400) return body;
  const reason = typeof body === "object" && body !== null && "error" in body ? String(body.error) : "";
  throw new UpstreamError(peer, response.status, reason);
}

/** Peers have names, as in a real network, and all of them are here: spans show `bank.example`, not an address. */
const lookupHere: LookupFunction = (_hostname, options, callback) =>
  options.all === true
    ? callback(null, [{ address: "127.0.0.1", family: 4 }])
    : callback(null, "127.0.0.1", 4);

async function roundTrip(
  peer: string,
  address: string,
  method: string,
  path: string,
  options: CallOptions,
): Promise<{ readonly status: number; readonly text: string }> {
  return await new Promise((resolve, reject) => {
    const request = http.request({
      method,
      host: peer,
      port: new URL(address).port,
      path,
      lookup: lookupHere,
      headers: options.body === undefined ? {} : { "content-type": "application/json" },
    });
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(() => request.destroy(new TimeoutError(timeoutMs)), timeoutMs);
    request.on("close", () => clearTimeout(timer));
    for (const name of request.getHeaderNames()) {
      if (options.headersAllowed?.includes(name) === false) request.removeHeader(name);
    }
    request.on("error", reject);
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}
