import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import grpc from "@grpc/grpc-js";
import { jsonBody, protobufBody, spanBatch } from "./ingest-batch.ts";

/** What to send, in one message from the benchmark; answered with the time it took when every request was accepted. */
export interface SendOrder {
  readonly wire: Wire;
  readonly port: number;
  readonly requests: number;
  /** Starts no more than this many requests a second; absent: as fast as they are answered. */
  readonly perSecond?: number;
}

export type Wire = "protobuf" | "protobuf-gzip" | "json" | "grpc" | "grpc-gzip";

/** Different bodies, so that ids and traces vary; sent in turn. */
const BODIES = 32;
const PARALLEL = 4;

const batches = Array.from({ length: BODIES }, (_, seed) => spanBatch(seed));
const protobuf = batches.map(protobufBody);
const bodies: Readonly<Record<Wire, readonly Buffer[]>> = {
  protobuf,
  "protobuf-gzip": protobuf.map((body) => gzipSync(body)),
  json: batches.map(jsonBody),
  grpc: protobuf,
  "grpc-gzip": protobuf,
};
const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
const clients = new Map<string, grpc.Client>();

function send(wire: Wire, port: number, body: Buffer): Promise<void> {
  return wire === "grpc" || wire === "grpc-gzip" ? sendGrpc(wire, port, body) : sendHttp(wire, port, body);
}

function sendHttp(wire: Wire, port: number, body: Buffer): Promise<void> {
  const headers = {
    "content-type": wire === "json" ? "application/json" : "application/x-protobuf",
    "content-length": body.length,
    ...(wire === "protobuf-gzip" ? { "content-encoding": "gzip" } : {}),
  };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/v1/traces", method: "POST", agent, headers };
    const outgoing = request(options, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${wire}: HTTP ${response.statusCode}`)),
      );
    });
    outgoing.once("error", reject).end(body);
  });
}

function sendGrpc(wire: Wire, port: number, body: Buffer): Promise<void> {
  const key = `${wire} ${port}`;
  let client = clients.get(key);
  if (client === undefined) {
    client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
      "grpc.default_compression_algorithm": wire === "grpc-gzip" ? 2 : 0,
    });
    clients.set(key, client);
  }
  const identity = (bytes: Buffer): Buffer => bytes;
  const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, identity, identity, body, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

process.on("message", async ({ wire, port, requests, perSecond }: SendOrder) => {
  const startMs = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests) {
      const mine = next++;
      const dueMs = perSecond === undefined ? 0 : startMs + (mine * 1000) / perSecond;
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 0) await sleep(earlyMs);
      await send(wire, port, bodies[wire][mine % BODIES]!);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  process.send!({ sentInMs: performance.now() - startMs });
});
process.on("disconnect", () => process.exit(0));
process.send!({ bodyBytes: protobuf[0]!.length });
