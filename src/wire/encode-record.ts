import type { ScopeGroup } from "../model/scan-table.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type AttributesToEncode, writeAnyValue, writeAttributes } from "./encode-value.ts";

/** Unix time. */
export type TimeToEncode = readonly [seconds: number, nanoseconds: number];

/** A log record to encode. Ids are lower-case hex, `""` or absent when unknown. */
export interface LogToEncode {
  /** When it happened; absent: when it was observed. */
  readonly time?: TimeToEncode | undefined;
  /** 1 to 24, 0 when unknown (opentelemetry/proto/logs/v1/logs.proto, SeverityNumber). */
  readonly severity: number;
  readonly severityText?: string;
  readonly eventName?: string;
  readonly body: unknown;
  readonly attributes: AttributesToEncode;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly flags?: number;
}

/** A span to encode, ended. Ids are lower-case hex; no `parentSpanId` makes it a root. */
export interface SpanToEncode {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly name: string;
  /** Number of OTLP's SpanKind; internal when absent. */
  readonly kind?: number;
  readonly start: TimeToEncode;
  readonly end: TimeToEncode;
  readonly attributes: AttributesToEncode;
  /** `code` of OTLP's StatusCode: 0 unset, 1 ok, 2 error. */
  readonly status?: { readonly code: number; readonly message?: string };
  readonly events?: readonly {
    readonly time: TimeToEncode;
    readonly name: string;
    readonly attributes: AttributesToEncode;
  }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

const KIND_INTERNAL = 1;
const FLAG_SAMPLED = 1;
/** Of most messages with attributes; others are moved once their length is known. */
const LENGTH_BYTES = 2;

/** Appends a LogRecord message's bytes (logs.proto) to `writer`. `observed` is when the record was read. */
export function writeLog(writer: ByteWriter, log: LogToEncode, observed: TimeToEncode): void {
  writeTime(writer, 1, log.time ?? observed);
  if (log.severity !== 0) writer.varintField(2, log.severity);
  if (log.severityText) writer.textField(3, log.severityText);
  if (log.body !== undefined) writeAnyValue(writer, 5, log.body);
  writeAttributes(writer, 6, log.attributes);
  if (log.traceId) {
    writeFlags(writer, 8, log.flags ?? 0);
    writeId(writer, 9, log.traceId);
    if (log.spanId) writeId(writer, 10, log.spanId);
  }
  writeTime(writer, 11, observed);
  if (log.eventName) writer.textField(12, log.eventName);
}

/** Appends a Span message's bytes (opentelemetry/proto/trace/v1/trace.proto) to `writer`. */
export function writeSpan(writer: ByteWriter, span: SpanToEncode): void {
  writeId(writer, 1, span.traceId);
  writeId(writer, 2, span.spanId);
  if (span.parentSpanId) writeId(writer, 4, span.parentSpanId);
  writer.textField(5, span.name);
  writer.varintField(6, span.kind ?? KIND_INTERNAL);
  writeTime(writer, 7, span.start);
  writeTime(writer, 8, span.end);
  writeAttributes(writer, 9, span.attributes);
  for (const event of span.events ?? []) {
    const message = writer.beginField(11, LENGTH_BYTES);
    writeTime(writer, 1, event.time);
    writer.textField(2, event.name);
    writeAttributes(writer, 3, event.attributes);
    writer.endMessage(message, LENGTH_BYTES);
  }
  for (const link of span.links ?? []) {
    const message = writer.beginField(13, 1);
    writeId(writer, 1, link.traceId);
    writeId(writer, 2, link.spanId);
    writer.endMessage(message, 1);
  }
  if (span.status !== undefined && span.status.code !== 0) {
    const message = writer.beginField(15, 1);
    if (span.status.message) writer.textField(2, span.status.message);
    writer.varintField(3, span.status.code);
    writer.endMessage(message, 1);
  }
  writeFlags(writer, 16, FLAG_SAMPLED);
}

/** What all records of one sender share: a resource with these attributes, and a scope. */
export function encodeGroup(
  resourceAttributes: AttributesToEncode,
  scopeName: string,
  scopeVersion: string,
): ScopeGroup {
  const resource = new ByteWriter();
  writeAttributes(resource, 1, resourceAttributes);
  const scope = new ByteWriter();
  scope.textField(1, scopeName);
  scope.textField(2, scopeVersion);
  const none = new Uint8Array(0);
  return {
    resource: resource.finish(),
    scope: scope.finish(),
    resourceSchemaUrl: none,
    scopeSchemaUrl: none,
  };
}

const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** A fixed64 of nanoseconds, which are more than a number holds: multiplied in halves of the seconds. */
function writeTime(writer: ByteWriter, field: number, [seconds, nanoseconds]: TimeToEncode): void {
  const upper = Math.floor(seconds / TWO_16) * 1e9;
  const lower = (upper % TWO_16) * TWO_16 + (seconds % TWO_16) * 1e9 + nanoseconds;
  writer.varint(field * 8 + 1);
  writer.fixed64(lower % TWO_32, Math.floor(upper / TWO_16) + Math.floor(lower / TWO_32));
}

function writeFlags(writer: ByteWriter, field: number, flags: number): void {
  writer.varint(field * 8 + 5);
  writer.fixed32(flags);
}

function writeId(writer: ByteWriter, field: number, hex: string): void {
  writer.varint(field * 8 + 2);
  writer.varint(hex.length / 2);
  for (let i = 0; i < hex.length; i += 2) {
    writer.byte(16 * hexDigit(hex.charCodeAt(i)) + hexDigit(hex.charCodeAt(i + 1)));
  }
}

/** `0`–`9` are 0x30–0x39, `a`–`f` 0x61–0x66. */
function hexDigit(code: number): number {
  return code < 0x40 ? code - 0x30 : code - 0x57;
}
