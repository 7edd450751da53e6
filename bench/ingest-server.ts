import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { PerformanceObserver } from "node:perf_hooks";
import grpc from "@grpc/grpc-js";
import { DEFAULTS } from "../src/config.ts";
import { startGasoline } from "../src/main.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { protobufBody, spanBatch } from "./ingest-batch.ts";
import { quantile } from "./row.ts";

/**
 * One server of the ingest benchmark, in a process of its own so that its CPU time is its own. Argument: which one.
 * Tells its port over IPC, then answers each question below with numbers.
 */
export type Question = "cpu" | "gc" | "visible";

const SERVERS: Readonly<Record<string, () => Promise<{ port: number; store?: TelemetryStore }>>> = {
  "bare-http": bareHttp,
  "bare-grpc": bareGrpc,
  gasoline,
};

/** `node:http` that collects the chunks of each body and throws them away. */
function bareHttp(): Promise<{ port: number }> {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      response.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 });
      response.end();
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ port: (server.address() as AddressInfo).port }));
  });
}

/** grpc-js with a handler that gets each message as bytes and throws it away. */
function bareGrpc(): Promise<{ port: number }> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": DEFAULTS.receiver.bodyBytesMax });
  const identity = (bytes: Buffer): Buffer => bytes;
  const Export = {
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  const handler = (_call: unknown, done: grpc.sendUnaryData<Buffer>): void => done(null, Buffer.alloc(0));
  server.addService({ Export }, { Export: handler });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve({ port }) : reject(error),
    );
  });
}

/** The whole daemon with its defaults. */
async function gasoline(): Promise<{ port: number; store: TelemetryStore }> {
  const warn = (message: string): void => void process.stderr.write(`${message}\n`);
  const { receiver, store } = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, warn);
  return { port: receiver.port, store };
}

const gcPausesMs: number[] = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) gcPausesMs.push(entry.duration);
}).observe({ entryTypes: ["gc"] });

/** Time from the response to an export until the store finds its trace: the 99th percentile. */
async function visibleP99Ms(to: number, found: TelemetryStore, exports: readonly Export[]): Promise<number> {
  const delaysMs: number[] = [];
  for (const { traceId, body } of exports) {
    await post(to, body);
    const answeredMs = performance.now();
    while ((await found.trace(traceId)).found !== "yes");
    delaysMs.push(performance.now() - answeredMs);
  }
  return quantile(delaysMs, 0.99);
}

interface Export {
  readonly traceId: string;
  readonly body: Buffer;
}

/** Exports of one trace each, made ahead so that their making is not measured. */
function prepareExports(): Export[] {
  return Array.from({ length: 200 }, (_, seed) => {
    const trace = spanBatch(1_000 + seed).slice(0, 8);
    return { traceId: trace[0]!.traceId!, body: protobufBody(trace) };
  });
}

function post(port: number, body: Buffer): Promise<void> {
  const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
  const options = { host: "127.0.0.1", port, path: "/v1/traces", method: "POST", headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`));
      response.resume().once("end", resolve);
    });
    outgoing.once("error", reject).end(body);
  });
}

const start = SERVERS[process.argv[2]!];
if (start === undefined) throw new Error(`no server is called ${process.argv[2]}`);
const { port, store } = await start();
const exports = store === undefined ? [] : prepareExports();

async function answer(question: Question): Promise<Record<string, number>> {
  switch (question) {
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system };
    }
    case "gc": {
      const pausesMs = gcPausesMs.splice(0);
      return { maxMs: Math.max(0, ...pausesMs), totalMs: pausesMs.reduce((sum, ms) => sum + ms, 0) };
    }
    case "visible":
      return { p99Ms: store === undefined ? Number.NaN : await visibleP99Ms(port, store, exports) };
  }
}

process.on("message", async (question: Question) => process.send!(await answer(question)));
process.on("disconnect", () => process.exit(0));
process.send!({ port });
