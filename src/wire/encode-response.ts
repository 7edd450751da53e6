import { ByteWriter } from "./byte-writer.ts";

export type Signal = "traces" | "logs" | "metrics" | "profiles";

/** JSON name of the count that each signal's partial success carries. */
const REJECTED_NAME: Readonly<Record<Signal, string>> = {
  traces: "rejectedSpans",
  logs: "rejectedLogRecords",
  metrics: "rejectedDataPoints",
  profiles: "rejectedProfiles",
};

const RETRY_INFO_URL = "type.googleapis.com/google.rpc.RetryInfo";

/**
 * The protobuf body of a successful export: Export…ServiceResponse {1 partial_success {1 rejected int64,
 * 2 message}}; the numbers are the same for all signals. With nothing rejected and no message it is zero bytes, as
 * OTLP asks; a message with nothing rejected is a warning.
 */
export function encodePartialSuccess(_signal: Signal, rejected: number, message: string): Uint8Array {
  const response = new ByteWriter();
  if (rejected === 0 && message === "") return response.finish();
  const partial = new ByteWriter();
  if (rejected !== 0) partial.varintField(1, rejected);
  if (message !== "") partial.bytesField(2, Buffer.from(message));
  response.bytesField(1, partial.finish());
  return response.finish();
}

/** `encodePartialSuccess` as JSON: `{}`, or a partialSuccess whose int64 count is a string. */
export function encodePartialSuccessJson(signal: Signal, rejected: number, message: string): string {
  if (rejected === 0 && message === "") return "{}";
  const partialSuccess = { [REJECTED_NAME[signal]]: String(rejected), errorMessage: message };
  return JSON.stringify({ partialSuccess });
}

/**
 * google.rpc.Status {1 code, 2 message, 3 details} as protobuf, the body of a refusal. `code` is a gRPC status
 * code. With `retryAfterS` (seconds, fractions allowed) it holds a RetryInfo {1 retry_delay}: the client may retry.
 */
export function encodeStatus(code: number, message: string, retryAfterS?: number): Uint8Array {
  const status = new ByteWriter();
  if (code !== 0) status.varintField(1, code);
  if (message !== "") status.bytesField(2, Buffer.from(message));
  if (retryAfterS === undefined) return status.finish();
  const detail = new ByteWriter();
  detail.bytesField(1, Buffer.from(RETRY_INFO_URL));
  detail.bytesField(2, retryInfo(retryAfterS));
  status.bytesField(3, detail.finish());
  return status.finish();
}

/** `encodeStatus` as JSON. */
export function encodeStatusJson(code: number, message: string, retryAfterS?: number): string {
  if (retryAfterS === undefined) return JSON.stringify({ code, message });
  const details = [{ "@type": RETRY_INFO_URL, retryDelay: `${retryAfterS}s` }];
  return JSON.stringify({ code, message, details });
}

/** RetryInfo {1 retry_delay: Duration {1 seconds, 2 nanos}}. */
function retryInfo(delayS: number): Uint8Array {
  const delayNs = Math.round(delayS * 1e9);
  const seconds = Math.floor(delayNs / 1e9);
  const nanos = delayNs % 1e9;
  const duration = new ByteWriter();
  if (seconds !== 0) duration.varintField(1, seconds);
  if (nanos !== 0) duration.varintField(2, nanos);
  const info = new ByteWriter();
  info.bytesField(1, duration.finish());
  return info.finish();
}
