import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, DEFAULTS } from "../../src/config.ts";
import { createApi } from "../../src/http/api.ts";
import type { ReceiverCounts } from "../../src/http/metrics.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { CLOCK } from "../query/fixture.ts";

/** The API on a port of its own, without a receiver. */
export interface TestApi {
  readonly url: string;
  readonly port: number;
  /** A folder of its own unless one was given; gone after `close`. */
  readonly stateDir: string;
  close(): Promise<void>;
}

const COUNTS: ReceiverCounts = {
  signals: { traces: { requests: 2, accepted: 10, rejected: 1, dropped: 0 } },
  refused: { too_large: 3 },
  aborted: 1,
  bytesReceived: 5_000,
  bytesInFlight: 12,
  connections: 4,
  connectionsOpen: 1,
  connectionsRefused: 0,
};

export async function startApi(store: TelemetryStore, config: Partial<Config> = {}): Promise<TestApi> {
  const own = mkdtempSync(join(tmpdir(), "gasoline-api-"));
  const stateDir = config.stateDir ?? own;
  const api = await createApi({
    config: { ...DEFAULTS, ...config, stateDir },
    store,
    receiverStats: () => COUNTS,
    clock: CLOCK,
    maskText: (text) => text,
    sendLogs: async () => undefined,
  });
  const server: Server = createServer((request, response) => api.handle(request, response));
  server.on("upgrade", (request, socket, head) => api.upgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    stateDir,
    close: async () => {
      await api.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(own, { recursive: true, force: true });
    },
  };
}

/** A request with any headers at all: fetch would not let Host and Origin be chosen. */
export function send(
  port: number,
  path: string,
  headers: Record<string, string>,
  method = "GET",
): Promise<{
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, path, method, headers, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    request.on("error", reject);
    request.end();
  });
}
