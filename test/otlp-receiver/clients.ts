import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import protobuf from "protobufjs";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
  readonly body: Buffer;
}

export interface HttpQuestion {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: Uint8Array | string;
}

export type HttpClient = (port: number, question: HttpQuestion) => Promise<HttpAnswer>;

const PROTOBUF = { "content-type": "application/x-protobuf" };

/** One request over HTTP/1.1 on a connection of its own. The body goes out with a Content-Length. */
export const askHttp1: HttpClient = (
  port,
  { method = "POST", path = "/v1/traces", headers = PROTOBUF, body = "" },
) =>
  new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const options = {
      host: "127.0.0.1",
      port,
      path,
      method,
      agent: new Agent(),
      headers: { ...(length > 0 ? { "content-length": length } : {}), ...headers },
    };
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.once("error", reject);
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });

/** One request over HTTP/2 with prior knowledge, on a connection of its own. */
export const askHttp2: HttpClient = (
  port,
  { method = "POST", path = "/v1/traces", headers = PROTOBUF, body = "" },
) =>
  new Promise((resolve, reject) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.once("error", reject);
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    const chunks: Buffer[] = [];
    let answer: HttpAnswer["headers"] = {};
    stream.once("response", (received) => {
      answer = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("error", reject);
    stream.once("close", () => {
      session.close();
      resolve({ status: Number(answer[":status"]), headers: answer, body: Buffer.concat(chunks) });
    });
    if (stream.writable) stream.end(body);
  });

/** google.rpc.Status as protobufjs reads it. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  /** Seconds that RetryInfo tells to wait; `undefined` without one. */
  readonly retryDelayS: number | undefined;
}

const RPC = protobuf.parse(
  `
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message ExportResponse { PartialSuccess partial_success = 1; }
  message PartialSuccess { int64 rejected = 1; string error_message = 2; }
`,
  { keepCase: true },
).root;

/** Reads a Status that must be all of `bytes`. */
export function readStatus(bytes: Uint8Array): RpcStatus {
  const status = decode("Status", bytes) as {
    code: number;
    message: string;
    details: { type_url: string; value: Uint8Array }[];
  };
  const retry = status.details?.find((each) => each.type_url === "type.googleapis.com/google.rpc.RetryInfo");
  const info = retry && (decode("RetryInfo", retry.value) as { retry_delay: { seconds: number } });
  return { code: status.code, message: status.message, retryDelayS: info?.retry_delay.seconds };
}

/** Reads an export response's partial success; `undefined` when it is unset. */
export function readPartialSuccess(
  bytes: Uint8Array,
): { rejected: number; error_message: string } | undefined {
  const response = decode("ExportResponse", bytes) as {
    partial_success?: { rejected: number; error_message: string };
  };
  return response.partial_success;
}

function decode(name: string, bytes: Uint8Array): object {
  const type = RPC.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: Number, arrays: true });
}
