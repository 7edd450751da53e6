import { type ClientHttp2Session, connect, constants as http2, type IncomingHttpHeaders } from "node:http2";
import grpc from "@grpc/grpc-js";

const SERVICES = {
  traces: "opentelemetry.proto.collector.trace.v1.TraceService",
  metrics: "opentelemetry.proto.collector.metrics.v1.MetricsService",
  logs: "opentelemetry.proto.collector.logs.v1.LogsService",
  profiles: "opentelemetry.proto.collector.profiles.v1development.ProfilesService",
} as const;

/** The path of a signal's Export method. */
export function exportPath(signal: keyof typeof SERVICES): string {
  return `/${SERVICES[signal]}/Export`;
}

/** What a call came to: status 0 with a message, or an error with its trailers. */
export interface GrpcAnswer {
  readonly code: number;
  readonly details: string;
  readonly message: Buffer | undefined;
  readonly trailers: grpc.Metadata;
}

/** A grpc-js client that sends and receives bytes. */
export function createGrpcClient(port: number, options: grpc.ClientOptions = {}) {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
    "grpc.enable_retries": 0,
    ...options,
  });
  const identity = (bytes: Buffer): Buffer => bytes;
  return {
    call(
      path: string,
      body: Uint8Array,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<GrpcAnswer> {
      const metadata = new grpc.Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      return new Promise((resolve) => {
        let trailers = new grpc.Metadata();
        client
          .makeUnaryRequest(path, identity, identity, Buffer.from(body), metadata, (error, message) => {
            const code = error?.code ?? 0;
            resolve({ code, details: error?.details ?? "", message, trailers: error?.metadata ?? trailers });
          })
          .on("status", (status) => {
            trailers = status.metadata;
          });
      });
    },
    close: () => client.close(),
  };
}

/** The five-byte head of a gRPC message, and the message. */
export function grpcFrame(message: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export interface Http2Answer {
  /** Response headers, then trailers; for a reply of trailers only, both are in the first block. */
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly resetCode: number;
}

/** Opens an HTTP/2 session that writes gRPC calls by hand. */
export function openHttp2(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  return session;
}

/** Sends the chunks as DATA frames of their own, ends the stream unless told not to, and collects the answer. */
export function sendChunks(
  session: ClientHttp2Session,
  chunks: readonly Uint8Array[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Http2Answer> {
  const stream = session.request({
    [http2.HTTP2_HEADER_METHOD]: "POST",
    [http2.HTTP2_HEADER_PATH]: exportPath("traces"),
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let answered: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  const body: Buffer[] = [];
  stream.on("response", (received) => {
    answered = received;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (chunk: Buffer) => body.push(chunk));
  stream.on("error", () => undefined);
  const write = (index: number): void => {
    if (index === chunks.length) stream.end();
    else stream.write(chunks[index]!, () => write(index + 1));
  };
  write(0);
  return new Promise((resolve) => {
    stream.once("close", () =>
      resolve({ headers: answered, trailers, body: Buffer.concat(body), resetCode: stream.rstCode ?? 0 }),
    );
  });
}
