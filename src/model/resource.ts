import type { Attributes } from "./attributes.ts";

/** Who sent a record: an OTLP Resource (opentelemetry/proto/resource/v1/resource.proto), decoded and masked. */
export interface Resource {
  readonly attributes: Attributes;
  /** `service.name`, or `"unknown_service"` when the sender gave none (semantic conventions, service.name). */
  readonly service: string;
  readonly schemaUrl: string;
}

/** The instrumentation scope of a record. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
  readonly schemaUrl: string;
}

export const UNKNOWN_SERVICE = "unknown_service";
