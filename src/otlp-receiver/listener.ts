import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ReceiverLimits } from "../config.ts";
import type { TelemetrySink } from "../model/sink.ts";
import { Admission } from "./admission.ts";
import { bind, closeAll, type Endpoint } from "./bind.ts";
import { BodyMemory } from "./body-memory.ts";
import { createGather } from "./gather.ts";
import { createHttp1Server } from "./http1-server.ts";
import { serveHttp2 } from "./http2-session.ts";
import { createIngest } from "./ingest.ts";
import type { Guard, Service } from "./service.ts";
import { sniff } from "./sniff.ts";
import { createCounters, type ReceiverStats, snapshot } from "./stats.ts";

export interface ReceiverOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Further ports, taken when they are free and left alone when they are not. */
  readonly aliases: readonly number[];
  readonly limits: ReceiverLimits;
  readonly sink: TelemetrySink;
  /** Asked before every export request, over HTTP and gRPC alike. */
  readonly guard: Guard;
  /** Every HTTP/1.1 request that is not an OTLP path (REST, MCP, UI). */
  readonly fallback: (request: IncomingMessage, response: ServerResponse) => void;
  /** WebSocket upgrades; absent: refused. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly warn: (message: string) => void;
}

export interface Receiver {
  readonly port: number;
  /** Every address that is listened on: the main port first. */
  readonly endpoints: readonly Endpoint[];
  stats(): ReceiverStats;
  /** Stops listening, lets requests under way end for `CLOSE_GRACE_MS`, then ends every connection. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 1_000;
const CLOSE_CHECK_MS = 20;

/**
 * Starts the one port: OTLP over gRPC and HTTP, and the fallback for the rest.
 *
 * ```
 *  net.Server ─► sniff ─┬ "PRI * HTTP/2.0…" ─► http2 session ─┬ application/grpc ─► otlp-grpc ─┐
 *                       │                                     └ /v1/…            ─► otlp-http ─┼─► ingest ─► sink
 *                       └ anything else ─► node:http ─┬ /v1/… ─────────────────► otlp-http ────┘
 *                                                     └ other paths ► fallback, WebSocket ► upgrade
 * ```
 * Throws `port_taken` when the main port is in use, and `bad_parameter` when the host cannot be listened on.
 */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { limits, warn } = options;
  const counters = createCounters();
  const admission = new Admission(limits.inFlightBytesMax, limits.retryAfterS);
  const memory = new BodyMemory();
  const service: Service = {
    limits,
    admission,
    counters,
    guard: options.guard,
    memory,
    gather: createGather(),
    ingest: createIngest(options.sink, limits, counters, memory),
    warn,
  };
  const http1 = createHttp1Server(service, { fallback: options.fallback, upgrade: options.upgrade });
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  let tlsSeen = false;

  const { servers, endpoints, port } = await bind(options.host, options.port, options.aliases, (socket) => {
    counters.connections++;
    sockets.add(socket);
    undecided.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    // A reset is no news: whoever serves the socket sees it close.
    socket.on("error", () => undefined);
    sniff(
      socket,
      limits.silentSocketMs,
      (protocol) => {
        undecided.delete(socket);
        if (protocol === "http1") {
          http1.emit("connection", socket);
        } else if (protocol === "http2") {
          const session = serveHttp2(service, socket);
          sessions.add(session);
          session.once("close", () => sessions.delete(session));
        } else {
          counters.connectionsRefused++;
          socket.destroy();
          if (!tlsSeen) warn(TLS_WARNING);
          tlsSeen = true;
        }
      },
      () => {
        counters.connectionsRefused++;
      },
    );
  });

  return {
    port,
    endpoints,
    stats: () => snapshot(counters, admission.bytesInFlight, sockets.size),
    async close() {
      const closed = closeAll(servers);
      for (const socket of undecided) socket.destroy();
      for (const session of sessions) session.close();
      http1.close();
      // A connection whose request was under way is idle once it is answered.
      const idle = setInterval(() => http1.closeIdleConnections(), CLOSE_CHECK_MS);
      const grace = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSE_GRACE_MS);
      await closed;
      clearInterval(idle);
      clearTimeout(grace);
    },
  };
}

const TLS_WARNING =
  "A client tried TLS, which is not spoken here, and was turned away (said once). Point it at http:// instead of " +
  "https://; for gRPC exporters set OTEL_EXPORTER_OTLP_INSECURE=true.";
