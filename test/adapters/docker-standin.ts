import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { gunzipSync } from "node:zlib";

interface Recorded {
  readonly inspect: { readonly Id: string; readonly Name: string };
  readonly log: Buffer;
}

const file = JSON.parse(readFileSync(new URL("docker-recorded.json", import.meta.url), "utf8")) as Record<
  "framed" | "terminal",
  { readonly inspect: Recorded["inspect"]; readonly log: string }
>;

/** What Docker 20.10 answered for two containers: one with stdout and stderr in frames, one with a terminal. */
export const RECORDED = {
  framed: { inspect: file.framed.inspect, log: gunzipSync(Buffer.from(file.framed.log, "base64")) },
  terminal: { inspect: file.terminal.inspect, log: gunzipSync(Buffer.from(file.terminal.log, "base64")) },
} satisfies Record<string, Recorded>;

/** A frame as the engine sends it: stream 1 is stdout, 2 stderr. */
export function frame(stream: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** A container that the stand-in tells of. */
export interface StandInContainer {
  readonly id: string;
  name: string;
  readonly terminal: boolean;
  running: boolean;
  /** Its whole log: entries as the engine sends them, with their times. */
  entries: { readonly time: string; readonly bytes: Buffer }[];
}

/**
 * A stand-in for the Docker daemon: the part of the Engine API that reads logs, replaying entries that are recorded
 * or written by the test. `since` is inclusive and compares nanoseconds, as the real one does.
 */
export interface DockerStandIn {
  readonly containers: Map<string, StandInContainer>;
  /** Requests for logs that were served, as their paths. */
  readonly asked: string[];
  /** Size of the pieces that logs are sent in. */
  chunkBytes: number;
  start(id: string): void;
  rename(id: string, name: string): void;
  stop(id: string): void;
  write(id: string, ...entries: StandInContainer["entries"]): void;
  /** Cuts all connections, as an engine that is killed does. */
  cut(): void;
  close(): Promise<void>;
}

export async function startDockerStandIn(path: string): Promise<DockerStandIn> {
  const containers = new Map<string, StandInContainer>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const events = new Set<ServerResponse>();
  const followers = new Map<ServerResponse, { readonly id: string; sent: number; readonly since: bigint }>();

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, "http://docker");
    const [, version, kind, id, what] = url.pathname.split("/");
    const container = containers.get(id ?? "");
    if (version === "version") json(response, { ApiVersion: "1.41", MinAPIVersion: "1.12" });
    else if (version !== "v1.41") json(response, { message: `no version ${version}` }, 400);
    else if (kind === "info") json(response, { SystemTime: "2026-11-22T10:00:00.000000000Z" });
    else if (kind === "events") {
      events.add(response);
      response.flushHeaders();
    } else if (id === "json") json(response, running());
    else if (container === undefined) json(response, { message: "No such container" }, 404);
    else if (what === "json") json(response, inspected(container));
    else {
      asked.push(request.url!);
      const since = nanoseconds(url.searchParams.get("since")!);
      followers.set(response, { id: container.id, sent: 0, since });
      response.on("close", () => followers.delete(response));
      send(response);
    }
  }

  function running(): object {
    return [...containers.values()].filter((each) => each.running).map((each) => ({ Id: each.id }));
  }

  function send(response: ServerResponse): void {
    const follower = followers.get(response)!;
    const container = containers.get(follower.id)!;
    const fresh = container.entries.slice(follower.sent);
    follower.sent = container.entries.length;
    const bytes = Buffer.concat(
      fresh.filter(({ time }) => timeNs(time) >= follower.since).map((entry) => entry.bytes),
    );
    for (let at = 0; at < bytes.length; at += standIn.chunkBytes) {
      response.write(bytes.subarray(at, at + standIn.chunkBytes));
    }
    if (!container.running) response.end();
  }

  function sendAll(): void {
    for (const response of followers.keys()) send(response);
  }

  function tell(Action: string, id: string): void {
    for (const response of events) {
      response.write(`${JSON.stringify({ Action, id, Type: "container", timeNano: 1_795_341_600e9 })}\n`);
    }
  }

  const server = createServer(answer);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const standIn: DockerStandIn = {
    containers,
    asked,
    chunkBytes: 64 * 1024,
    start: (id) => {
      containers.get(id)!.running = true;
      tell("start", id);
    },
    rename: (id, name) => {
      containers.get(id)!.name = name;
      tell("rename", id);
    },
    stop: (id) => {
      containers.get(id)!.running = false;
      sendAll();
    },
    write: (id, ...entries) => {
      containers.get(id)!.entries.push(...entries);
      sendAll();
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return standIn;
}

function inspected({ id, name, terminal, running }: StandInContainer): object {
  return {
    Id: id,
    Name: `/${name}`,
    State: { Running: running },
    Config: { Tty: terminal, Image: "shop/cart:1.2", Labels: {} },
  };
}

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function nanoseconds(since: string): bigint {
  const [seconds, fraction = ""] = since.split(".");
  return BigInt(seconds!) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** A time with nanoseconds, as the engine stamps entries, in nanoseconds. */
export function timeNs(stamp: string): bigint {
  return BigInt(Date.parse(`${stamp.slice(0, 19)}Z`)) * 1_000_000n + BigInt(stamp.slice(20, 29));
}
