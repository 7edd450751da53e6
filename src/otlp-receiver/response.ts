import type { GasolineError } from "../model/errors.ts";
import {
  encodePartialSuccess,
  encodePartialSuccessJson,
  encodeStatus,
  encodeStatusJson,
  type Signal,
} from "../wire/encode-response.ts";
import type { Format } from "./signals.ts";

/** What became of an export request that was taken: records refused alone or not kept, and why. */
export interface Ingested {
  readonly rejected: number;
  /** `""` when there is nothing to say. */
  readonly message: string;
}

/** Media types of requests, and of their replies. */
export const CONTENT_TYPES = {
  protobuf: "application/x-protobuf",
  json: "application/json",
} as const satisfies Record<Format, string>;

/** The export response; without anything to say, zero bytes of protobuf or `{}` (OTLP specification, "Full Success"). */
export function successPayload(signal: Signal, format: Format, { rejected, message }: Ingested): Uint8Array {
  return format === "protobuf"
    ? encodePartialSuccess(signal, rejected, message)
    : Buffer.from(encodePartialSuccessJson(signal, rejected, message));
}

/** A `google.rpc.Status` of the error, with RetryInfo when a retry makes sense. */
export function errorPayload(
  format: Format,
  { grpcStatus, message, retryAfterS }: GasolineError,
): Uint8Array {
  return format === "protobuf"
    ? encodeStatus(grpcStatus, message, retryAfterS)
    : Buffer.from(encodeStatusJson(grpcStatus, message, retryAfterS));
}
