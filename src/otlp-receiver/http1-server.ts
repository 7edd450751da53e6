import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type HttpExchange, serveOtlpHttp } from "./otlp-http.ts";
import type { Service } from "./service.ts";
import { signalOfTarget } from "./signals.ts";

// An `import` of node:http reads all its exports, and to read `WebSocket` loads undici, which takes 30 ms at start.
const { createServer } = process.getBuiltinModule("node:http");

/** A body left unread is taken off the wire up to this size, so that its connection can go on. */
const DRAIN_BYTES_MAX = 1024 * 1024;
/** How often Node looks for requests past their time. */
const TIMEOUT_CHECKS_MS_MAX = 5_000;

export interface Http1Options {
  readonly fallback: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
}

/**
 * An HTTP/1.1 server that never listens: it is given sockets by `emit("connection", socket)`. OTLP paths are matched
 * before anything else; the rest is the fallback's.
 *
 * Only WebSocket upgrades are upgrades. Any other `Upgrade` header (`h2c`, which the JDK's HttpClient and
 * `curl --http2` send along with a POST) is ignored, as RFC 9110 section 7.8 allows, or its request would be lost.
 */
export function createHttp1Server(service: Service, { fallback, upgrade }: Http1Options): Server {
  const { limits } = service;
  const route = (request: IncomingMessage, response: ServerResponse): void => {
    const signal = signalOfTarget(request.url!);
    if (signal !== undefined) serveOtlpHttp(service, signal, exchangeOf(service, request, response));
    else fallback(request, response);
  };
  const server = createServer(
    {
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECKS_MS_MAX, limits.headersTimeoutMs / 2),
      shouldUpgradeCallback: isWebSocketUpgrade,
    },
    route,
  );
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (signalOfTarget(request.url!) === undefined) response.writeContinue();
    route(request, response);
  });
  server.on("upgrade", upgrade ?? refuseUpgrade);
  // Node starts its header and request timeouts, and the list behind closeAllConnections, on this event alone.
  server.emit("listening");
  return server;
}

function isWebSocketUpgrade(request: IncomingMessage): boolean {
  if (request.method !== "GET" || signalOfTarget(request.url!) !== undefined) return false;
  const offered = (request.headers.upgrade ?? "").toLowerCase().split(",");
  return offered.some((protocol) => protocol.trim() === "websocket");
}

function refuseUpgrade(_request: IncomingMessage, socket: Duplex): void {
  const message = "WebSocket connections are not served at this address.\n";
  socket.end(
    "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n" +
      `Content-Length: ${message.length}\r\n\r\n${message}`,
  );
}

function exchangeOf(service: Service, request: IncomingMessage, response: ServerResponse): HttpExchange {
  const { headers } = request;
  const awaitsContinue = headers.expect !== undefined && request.httpVersion !== "1.0";
  let proceeded = !awaitsContinue;
  return {
    method: request.method!,
    headers,
    body: request,
    isWhole: () => request.complete,
    proceed() {
      if (awaitsContinue) response.writeContinue();
      proceeded = true;
    },
    reply(status, replyHeaders, payload, bodyLeft) {
      // A 204 has no length (RFC 9110, section 8.6).
      const headersOut =
        status === 204 ? replyHeaders : { "content-length": payload.length, ...replyHeaders };
      const announced = Number(headers["content-length"] ?? Number.POSITIVE_INFINITY);
      const drains = !bodyLeft || request.complete || (proceeded && announced <= DRAIN_BYTES_MAX);
      if (drains) {
        request.resume();
        response.writeHead(status, headersOut);
        if (payload.length === 0) response.end();
        else response.end(payload);
      } else {
        response.writeHead(status, { ...headersOut, connection: "close" }).write(payload);
        linger(request, response, service.limits.bodyBytesMax);
      }
    },
  };
}

/**
 * Ends a connection whose client may still be sending. To close at once would reset the connection, and the client
 * could lose the reply that it was already sent; so what comes is thrown away until the client stops, has sent
 * `bytesMax`, or the request timeout ends it.
 */
function linger(request: IncomingMessage, response: ServerResponse, bytesMax: number): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) response.end();
  });
  request.on("end", () => response.end());
  request.on("close", () => response.end());
}
