import type { Attributes } from "./attributes.ts";
import type { Resource, Scope } from "./resource.ts";

/** Span kinds by their OTLP number (opentelemetry/proto/trace/v1/trace.proto, SpanKind). */
export const SPAN_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** Status codes by their OTLP number (Status.StatusCode). */
export const STATUS_CODES = ["unset", "ok", "error"] as const;
export type StatusCode = (typeof STATUS_CODES)[number];

export interface SpanEvent {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: Attributes;
  readonly flags: number;
  readonly droppedAttributes: number;
}

/**
 * One decoded span. Ids are lower-case hex (32 and 16 digits); `parentSpanId` is `""` for a root. Times are
 * exact Unix nanoseconds as the sender gave them: untrusted, so `endNs` may lie before `startNs` or be 0.
 */
export interface Span {
  readonly kind: "span";
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  readonly spanKind: SpanKind;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly statusCode: StatusCode;
  readonly statusMessage: string;
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  readonly resource: Resource;
  readonly scope: Scope;
}
