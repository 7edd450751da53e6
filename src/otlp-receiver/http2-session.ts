import {
  constants,
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { GasolineError } from "../model/errors.ts";
import { discardRest } from "./http2-stream.ts";
import { isGrpc, serveOtlpGrpc } from "./otlp-grpc.ts";
import { type HttpExchange, serveOtlpHttp } from "./otlp-http.ts";
import { CONTENT_TYPES, errorPayload } from "./response.ts";
import type { Service } from "./service.ts";
import { signalOfTarget } from "./signals.ts";

/** The 64 KiB default makes a client wait for credit four times in one batch of 512 spans. */
const WINDOW_BYTES = 4 * 1024 * 1024;
const STREAMS_MAX = 256;

/**
 * Serves HTTP/2 with prior knowledge on a socket whose first bytes, the preface, were put back: gRPC calls, and
 * OTLP/HTTP. A connection that opens no stream is closed after `silentSocketMs`; a stream that is not whole after
 * `requestTimeoutMs` is cancelled.
 */
export function serveHttp2(service: Service, socket: Socket): ServerHttp2Session {
  // A client that closes its side is gone: without this the session would wait for the socket for ever.
  socket.allowHalfOpen = false;
  const session = performServerHandshake(socket, {
    settings: { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: STREAMS_MAX },
  });
  session.setLocalWindowSize(WINDOW_BYTES);
  session.setTimeout(service.limits.silentSocketMs, () => session.destroy());
  session.once("stream", () => session.setTimeout(0));
  session.on("stream", (stream, headers) => serveStream(service, stream, headers));
  // A broken peer ends its session; the streams it had are counted as they close.
  session.on("error", () => undefined);
  return session;
}

function serveStream(service: Service, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  // The peer reset the stream: "close" follows, and is where it is counted.
  stream.on("error", () => undefined);
  const deadline = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), service.limits.requestTimeoutMs);
  stream.once("close", () => clearTimeout(deadline));

  if (isGrpc(headers["content-type"])) {
    serveOtlpGrpc(service, stream, headers);
    return;
  }
  const exchange = exchangeOf(stream, headers);
  const path = headers[":path"] ?? "";
  const signal = signalOfTarget(path);
  if (signal === undefined) replyUnknownPath(exchange, path);
  else serveOtlpHttp(service, signal, exchange);
}

function exchangeOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): HttpExchange {
  return {
    method: headers[":method"] ?? "",
    headers,
    body: stream,
    // A stream that is reset ends too, with what it had so far.
    isWhole: () => !stream.aborted,
    proceed() {
      if (headers.expect?.toLowerCase() === "100-continue") stream.additionalHeaders({ ":status": 100 });
    },
    reply(status, replyHeaders, payload, bodyLeft) {
      if (stream.destroyed || stream.headersSent) return;
      const isEmpty = payload.length === 0;
      const length = status === 204 ? {} : { "content-length": payload.length };
      const head = { ":status": status, ...length, ...replyHeaders };
      stream.respond(head, { endStream: isEmpty });
      if (!isEmpty) stream.end(payload);
      if (bodyLeft) discardRest(stream);
    },
  };
}

/** Pages, REST and MCP are HTTP/1.1 alone: no browser and no client library speaks cleartext HTTP/2 unasked. */
function replyUnknownPath(exchange: HttpExchange, path: string): void {
  const error = new GasolineError(
    "unknown_path",
    `"${path.slice(0, 200)}" is not served over HTTP/2; expected /v1/traces, /v1/metrics, /v1/logs or a gRPC export.`,
    "Ask again over HTTP/1.1 (curl: without --http2-prior-knowledge).",
  );
  exchange.reply(error.httpStatus, { "content-type": CONTENT_TYPES.json }, errorPayload("json", error), true);
}
