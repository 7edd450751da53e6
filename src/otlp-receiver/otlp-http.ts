import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { GasolineError } from "../model/errors.ts";
import type { Signal } from "../wire/encode-response.ts";
import { BodyInFlight, tooLarge } from "./body.ts";
import { type Compression, compressionOf, ENCODINGS_ACCEPTED } from "./inflate.ts";
import { corsHeaders, isTrustedOrigin, preflightHeaders } from "./origin.ts";
import { CONTENT_TYPES, errorPayload, successPayload } from "./response.ts";
import { askGuard, type Service, toGasolineError } from "./service.ts";
import type { Format } from "./signals.ts";
import { countRefusal } from "./stats.ts";
import { withWholeBody } from "./whole-body.ts";

const METHODS = "POST, OPTIONS";

/** One request of OTLP/HTTP, whichever HTTP it came over. */
export interface HttpExchange {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  /** Once the body has ended: whether that was the client's doing, and not a connection that broke off. */
  isWhole(): boolean;
  /** Called once, before the body is read: a client that waits for "100 Continue" gets it. */
  proceed(): void;
  /** Answers. `bodyLeft`: the request's body was not read to its end, and nobody wants the rest. */
  reply(status: number, headers: OutgoingHttpHeaders, payload: Uint8Array, bodyLeft: boolean): void;
}

/** What the headers of an acceptable request say. */
interface Head {
  readonly format: Format;
  readonly compression: Compression | undefined;
}

/**
 * Serves one request to an OTLP path. Whatever can be refused is refused at the headers, before the body is read;
 * a body is handed to the sink only when it is whole.
 */
export function serveOtlpHttp(service: Service, signal: Signal, exchange: HttpExchange): void {
  const { headers } = exchange;
  const origin = headers.origin;
  if (exchange.method === "OPTIONS" && origin !== undefined && isTrustedOrigin(origin)) {
    exchange.reply(204, { ...corsHeaders(origin), ...preflightHeaders(METHODS) }, new Uint8Array(0), true);
    return;
  }
  const refuse = (thrown: unknown, bodyLeft: boolean): void => {
    const error = toGasolineError(service, thrown);
    countRefusal(service.counters, error.code);
    const format = formatOf(headers["content-type"]) ?? "json";
    exchange.reply(
      error.httpStatus,
      errorHeaders(error, format, origin),
      errorPayload(format, error),
      bodyLeft,
    );
  };

  let head: Head;
  try {
    head = checkHead(service, exchange);
  } catch (error) {
    refuse(error, true);
    return;
  }
  const { format, compression } = head;
  const body = new BodyInFlight(service.admission, service.memory, service.limits.bodyBytesMax);
  let answered = false;
  const finish = (whole: Buffer): void => {
    try {
      const ingested = service.ingest(signal, format, whole);
      exchange.reply(200, successHeaders(format, origin), successPayload(signal, format, ingested), false);
    } catch (error) {
      refuse(error, false);
    }
  };

  exchange.proceed();
  exchange.body.on("data", (chunk: Buffer) => {
    if (answered) return;
    service.counters.bytesReceived += chunk.length;
    const error = body.add(chunk);
    if (error === undefined) return;
    answered = true;
    body.release();
    refuse(error, true);
  });
  exchange.body.on("end", () => {
    if (answered || !exchange.isWhole()) return;
    answered = true;
    withWholeBody(service, body, 0, compression, finish, (error) => refuse(error, false));
  });
  exchange.body.on("close", () => {
    if (answered) return;
    answered = true;
    service.counters.aborted++;
    body.release();
  });
  // A client that goes away makes an error of its own; "close" follows and is where it is counted.
  exchange.body.on("error", () => undefined);
}

/** Reads the headers, or throws why the request is refused without reading its body. */
function checkHead(service: Service, { method, headers }: HttpExchange): Head {
  askGuard(service, headers);
  if (method !== "POST") {
    throw new GasolineError(
      "wrong_method",
      `${method} is not served here; expected POST with an OTLP export request.`,
      "Point an OpenTelemetry exporter at this address; received telemetry is read from /api/observe.",
    );
  }
  const format = formatOf(headers["content-type"]);
  if (format === undefined) {
    throw new GasolineError(
      "wrong_content_type",
      `Content-Type "${(headers["content-type"] ?? "").slice(0, 80)}" is not OTLP; expected ` +
        `${CONTENT_TYPES.protobuf} or ${CONTENT_TYPES.json}.`,
      "Set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, http/json or grpc.",
    );
  }
  const compression = compressionOf(headers["content-encoding"]);
  const announced = Number(headers["content-length"] ?? 0);
  if (announced > service.limits.bodyBytesMax) throw tooLarge(service.limits.bodyBytesMax, announced);
  if (!service.admission.hasRoom(announced)) throw service.admission.refusal();
  return { format, compression };
}

/** Media type without parameters and case; `undefined` for what is not OTLP. */
function formatOf(contentType: string | undefined): Format | undefined {
  if (contentType === CONTENT_TYPES.protobuf) return "protobuf";
  if (contentType === CONTENT_TYPES.json) return "json";
  if (contentType === undefined) return undefined;
  const semicolon = contentType.indexOf(";");
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  if (type === CONTENT_TYPES.protobuf) return "protobuf";
  return type === CONTENT_TYPES.json ? "json" : undefined;
}

function successHeaders(format: Format, origin: string | undefined): OutgoingHttpHeaders {
  const type = { "content-type": CONTENT_TYPES[format] };
  return origin === undefined ? type : { ...type, ...corsHeaders(origin) };
}

function errorHeaders(error: GasolineError, format: Format, origin: string | undefined): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { "content-type": CONTENT_TYPES[format], ...corsHeaders(origin) };
  if (error.retryAfterS !== undefined) headers["retry-after"] = String(error.retryAfterS);
  if (error.code === "wrong_method") headers.allow = METHODS;
  if (error.code === "bad_encoding") headers["accept-encoding"] = ENCODINGS_ACCEPTED;
  if (error.code === "unauthenticated") headers["www-authenticate"] = "Bearer";
  return headers;
}
