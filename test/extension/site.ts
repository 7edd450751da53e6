import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a path is answered. */
export type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** A request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/** A web server of a test's own on an ephemeral port, which remembers what it was asked. */
export interface Site {
  readonly port: number;
  /** Under the address 127.0.0.1. */
  readonly url: string;
  readonly arrived: readonly Arrived[];
  /** The newest request for a path. */
  last(path: string): Arrived | undefined;
  close(): Promise<void>;
}

export async function startSite(routes: Readonly<Record<string, Route>>): Promise<Site> {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0]!;
    arrived.push({ method: request.method ?? "", path, headers: request.headers });
    const route = routes[path];
    if (route !== undefined) route(request, response);
    else response.writeHead(404).end("not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    arrived,
    last: (path) => arrived.findLast((request) => request.path === path),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page with this in its body. */
export const html =
  (body: string, headers: Readonly<Record<string, string>> = {}): Route =>
  (_, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers });
    response.end(
      `<!doctype html><html lang="en"><head><title>Test</title></head><body>${body}</body></html>`,
    );
  };

/** An answer in JSON. */
export const json =
  (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Route =>
  (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
