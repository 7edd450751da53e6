import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import grpc from "@grpc/grpc-js";
import { DEFAULTS } from "../src/config.ts";
import type { TelemetrySink } from "../src/model/sink.ts";
import { startReceiver } from "../src/otlp-receiver/listener.ts";

/**
 * A server for the ingest benchmark, alone in its process so that its CPU time is its own. Argument: which one.
 * Tells its port over IPC, then answers `cpu` with its CPU time so far in microseconds.
 */
const SERVERS: Readonly<Record<string, () => Promise<number>>> = {
  "bare-http": bareHttp,
  "bare-grpc": bareGrpc,
  scan,
};

/** `node:http` that collects the chunks of each body and throws them away. */
function bareHttp(): Promise<number> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 });
      response.end();
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/** grpc-js with a handler that gets each message as bytes and throws it away. */
function bareGrpc(): Promise<number> {
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
  server.addService(
    { Export },
    { Export: (_call: unknown, done: grpc.sendUnaryData<Buffer>) => done(null, Buffer.alloc(0)) },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** The receiver with a sink that keeps nothing: framing and scan alone. */
function scan(): Promise<number> {
  const discard = ({ count }: { count: number }) => ({ stored: count, dropped: 0, droppedReason: "" });
  return receiver({ commitSpans: discard, commitLogs: discard, commitPoints: discard });
}

async function receiver(sink: TelemetrySink): Promise<number> {
  const { port } = await startReceiver({
    host: "127.0.0.1",
    port: 0,
    aliases: [],
    limits: DEFAULTS.receiver,
    sink,
    guard: () => undefined,
    fallback: (_request, response) => response.writeHead(404).end(),
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  return port;
}

const start = SERVERS[process.argv[2]!];
if (start === undefined) throw new Error(`no server is called ${process.argv[2]}`);
process.on("message", (ask) => {
  if (ask !== "cpu") return;
  const { user, system } = process.cpuUsage();
  process.send!({ cpuUs: user + system });
});
process.on("disconnect", () => process.exit(0));
process.send!({ port: await start() });
