import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { GasolineError } from "../model/errors.ts";
import { encodeStatus, type Signal } from "../wire/encode-response.ts";
import { BodyInFlight, tooLarge } from "./body.ts";
import { discardRest } from "./http2-stream.ts";
import { type Compression, compressionOf, ENCODINGS_ACCEPTED } from "./inflate.ts";
import { successPayload } from "./response.ts";
import { askGuard, type Service, single, toGasolineError } from "./service.ts";
import { signalOfMethod } from "./signals.ts";
import { countRefusal } from "./stats.ts";
import { withWholeBody } from "./whole-body.ts";

/** A message is preceded by a flag (1: compressed) and its length, big-endian (gRPC over HTTP/2, "Requests"). */
const FRAME_HEAD_BYTES = 5;
const MESSAGE_CHARS_MAX = 1_000;

const REPLY_HEADERS: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": ENCODINGS_ACCEPTED,
};
const TRAILERS_OK: OutgoingHttpHeaders = { "grpc-status": "0" };

/** Whether a request is gRPC by its content type (`application/grpc`, `application/grpc+proto`, with parameters). */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:$|[+;\s])/i.test(contentType);
}

/** Serves one gRPC call. Every refusal is a reply of trailers only with status, message and, to retry, RetryInfo. */
export function serveOtlpGrpc(
  service: Service,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  const refuse = (thrown: unknown): void => {
    const error = toGasolineError(service, thrown);
    countRefusal(service.counters, error.code);
    if (stream.destroyed || stream.headersSent) return;
    stream.respond({ ...REPLY_HEADERS, ...errorTrailers(error) }, { endStream: true });
    if (!stream.readableEnded) discardRest(stream);
  };

  let signal: Signal;
  let compression: Compression | undefined;
  try {
    signal = checkCall(service, headers);
    compression = compressionOf(single(headers["grpc-encoding"]));
  } catch (error) {
    refuse(error);
    return;
  }
  const body = new BodyInFlight(
    service.admission,
    service.memory,
    service.limits.bodyBytesMax + FRAME_HEAD_BYTES,
  );
  let announced = -1;
  let answered = false;
  const finish = (message: Buffer): void => {
    try {
      succeed(stream, successPayload(signal, "protobuf", service.ingest(signal, "protobuf", message)));
    } catch (error) {
      refuse(error);
    }
  };

  stream.on("data", (chunk: Buffer) => {
    if (answered) return;
    service.counters.bytesReceived += chunk.length;
    let error = body.add(chunk);
    if (announced < 0 && body.bytes >= FRAME_HEAD_BYTES) {
      announced = frameHead(body.chunks).readUInt32BE(1);
      if (announced > service.limits.bodyBytesMax) error = tooLarge(service.limits.bodyBytesMax, announced);
      else if (!service.admission.hasRoom(announced - body.bytes)) error ??= service.admission.refusal();
    }
    if (error === undefined) return;
    answered = true;
    body.release();
    refuse(error);
  });
  stream.on("end", () => {
    // A stream that the client resets ends as well, with what it had so far; "close" follows.
    if (answered || stream.aborted) return;
    answered = true;
    const flag = announced < 0 ? 0 : frameHead(body.chunks)[0]!;
    const error = frameProblem(body.bytes, announced, flag, compression);
    if (error === undefined) {
      withWholeBody(service, body, FRAME_HEAD_BYTES, flag === 0 ? undefined : compression, finish, refuse);
    } else {
      body.release();
      refuse(error);
    }
  });
  stream.on("close", () => {
    if (answered) return;
    answered = true;
    service.counters.aborted++;
    body.release();
  });
}

function checkCall(service: Service, headers: IncomingHttpHeaders): Signal {
  askGuard(service, headers);
  const path = headers[":path"] ?? "";
  const signal = signalOfMethod(path);
  if (signal !== undefined) return signal;
  throw new GasolineError(
    "unknown_path",
    `gRPC method "${path.slice(0, 200)}" is not served; expected Export of OTLP's TraceService, MetricsService or LogsService.`,
    "Point an OTLP exporter at this address; everything else here is spoken over HTTP/1.1.",
  );
}

/** The first five bytes of the body, which may be spread over chunks. */
function frameHead(chunks: readonly Buffer[]): Buffer {
  const first = chunks[0]!;
  return first.length >= FRAME_HEAD_BYTES ? first : Buffer.concat(chunks);
}

/** What is wrong with the framing of a body that has ended. An export call is unary: one message, whole. */
function frameProblem(
  bytes: number,
  announced: number,
  flag: number,
  compression: Compression | undefined,
): GasolineError | undefined {
  const remedy = "Send one length-prefixed export request; a proxy in between may have cut it.";
  const bytesExpected = FRAME_HEAD_BYTES + announced;
  if (announced < 0) {
    const problem = `The call ended after ${bytes} bytes, within the ${FRAME_HEAD_BYTES}-byte head of its message.`;
    return new GasolineError("malformed_body", problem, remedy);
  }
  if (bytes < bytesExpected) {
    const problem = `The call ended after ${bytes - FRAME_HEAD_BYTES} of ${announced} bytes of its message.`;
    return new GasolineError("malformed_body", problem, remedy);
  }
  if (bytes > bytesExpected) {
    const problem = `${bytes - bytesExpected} bytes follow the message of ${announced} bytes; expected one message a call.`;
    return new GasolineError("malformed_body", problem, remedy);
  }
  if (flag > 1) {
    return new GasolineError(
      "malformed_body",
      `The message's compression flag is ${flag}; expected 0 or 1.`,
      remedy,
    );
  }
  if (flag === 1 && compression === undefined) {
    const problem = "The message is marked compressed, and no grpc-encoding header says how.";
    return new GasolineError("malformed_body", problem, `Send grpc-encoding, one of ${ENCODINGS_ACCEPTED}.`);
  }
  return undefined;
}

function succeed(stream: ServerHttp2Stream, payload: Uint8Array): void {
  if (stream.destroyed) return;
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + payload.length);
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, FRAME_HEAD_BYTES);
  stream.respond(REPLY_HEADERS, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(TRAILERS_OK));
  stream.end(frame);
}

function errorTrailers(error: GasolineError): OutgoingHttpHeaders {
  const trailers: OutgoingHttpHeaders = {
    "grpc-status": String(error.grpcStatus),
    "grpc-message": percentEncode(error.message.slice(0, MESSAGE_CHARS_MAX)),
  };
  if (error.retryAfterS !== undefined) {
    const status = encodeStatus(error.grpcStatus, error.message, error.retryAfterS);
    trailers["grpc-status-details-bin"] = Buffer.from(status).toString("base64");
  }
  return trailers;
}

/** Percent-encodes UTF-8 bytes outside printable ASCII, and `%` (gRPC over HTTP/2, "Status-Message"). */
function percentEncode(message: string): string {
  return message.replace(/[^ -$&-~]+/g, (text) =>
    Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
