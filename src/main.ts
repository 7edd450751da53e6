import type { IncomingMessage, ServerResponse } from "node:http";
import type { Config } from "./config.ts";
import type { Api } from "./http/api.ts";
import { ingestGuard } from "./http/guard.ts";
import { type Clock, systemClock } from "./model/time.ts";
import { type Receiver, startReceiver } from "./otlp-receiver/listener.ts";
import { withoutLineCopies } from "./query/line-copies.ts";
import { createMasker } from "./store/mask.ts";
import { createRingStore } from "./store/ring/ring-store.ts";
import type { TelemetryStore } from "./store/telemetry-store.ts";

/** When the API is loaded if nobody has asked anything yet. */
const API_AHEAD_MS = 1_000;

/** A running daemon. */
export interface Gasoline {
  /** Where everything is: OTLP, REST, MCP, the page. */
  readonly url: string;
  readonly receiver: Receiver;
  readonly store: TelemetryStore;
  /** When the last request that was not a health check came, Unix ms. */
  lastActiveMs(): number;
  close(): Promise<void>;
}

/**
 * The composition root: store, receiver, API, in that order. The receiver listens before the API is even
 * loaded, so that the first span is taken within milliseconds; the first other request waits for the load.
 * Throws GasolineError when the port is taken or the address cannot be bound.
 */
export async function startGasoline(
  config: Config,
  warn: (message: string) => void,
  clock: Clock = systemClock,
): Promise<Gasoline> {
  const masker = createMasker();
  const store = createRingStore({ limits: config.store, clock, random: Math.random, masker });
  let active = clock.nowMs();
  let acceptedSeen = 0;
  let api: Promise<Api> | undefined;

  const receiver: Receiver = await startReceiver({
    host: config.host,
    port: config.port,
    aliases: config.aliases,
    limits: config.receiver,
    sink: store,
    guard: ingestGuard(config),
    fallback: (request, response) => {
      if (!isHealthCheck(request)) active = clock.nowMs();
      loadApi().then(
        (loaded) => loaded.handle(request, response),
        (error: unknown) => answerUnavailable(response, error),
      );
    },
    upgrade: (request, socket, head) => {
      active = clock.nowMs();
      loadApi().then(
        (loaded) => loaded.upgrade(request, socket, head),
        () => socket.destroy(),
      );
    },
    warn,
  });
  const url = `http://${config.host === "127.0.0.1" ? "localhost" : config.host}:${receiver.port}`;

  function loadApi(): Promise<Api> {
    api ??= import("./http/api.ts").then(({ createApi }) =>
      createApi({
        config,
        store: withoutLineCopies(store),
        receiverStats: () => receiver.stats(),
        clock,
        maskText: (text) => masker.maskText(text),
        sendLogs: (body) => sendLogs(url, config.apiKey, body),
      }),
    );
    return api;
  }
  // Loaded ahead of the first question, but not while the first spans come in: loading keeps the thread busy.
  const ahead = setTimeout(
    () => loadApi().catch((error: unknown) => warn(`The API could not be loaded: ${String(error)}`)),
    API_AHEAD_MS,
  );

  return {
    url,
    receiver,
    store,
    lastActiveMs: () => {
      const accepted = store.stats().streams.reduce((sum, stream) => sum + stream.accepted, 0);
      if (accepted !== acceptedSeen) {
        acceptedSeen = accepted;
        active = clock.nowMs();
      }
      return active;
    },
    close: async () => {
      clearTimeout(ahead);
      const loaded = await api;
      loaded?.hangUp();
      await receiver.close();
      await loaded?.close();
      await store.close();
    },
  };
}

/** What the daemon itself has to record comes in by the same door as everything else. */
async function sendLogs(url: string, apiKey: string, body: object): Promise<void> {
  const response = await fetch(`${url}/v1/logs`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(apiKey === "" ? {} : { "x-api-key": apiKey }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`/v1/logs answered ${response.status}`);
}

function isHealthCheck(request: IncomingMessage): boolean {
  return request.url === "/healthz" || request.url === "/readyz" || request.url === "/metrics";
}

function answerUnavailable(response: ServerResponse, error: unknown): void {
  response.statusCode = 500;
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ error: { code: "internal", message: `The API could not be loaded: ${String(error)}` } }),
  );
}
