import type { Resource, Scope } from "../model/resource.ts";
import {
  SPAN_KINDS,
  type Span,
  type SpanEvent,
  type SpanLink,
  STATUS_CODES,
  type StatusCode,
} from "../model/span.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { decodeKeyValue, newAttributes } from "./decode-attributes.ts";
import { asBuffer, idAt, textAt, uint32At } from "./decode-scalars.ts";
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from "./scan-words.ts";

/**
 * Decodes the bytes of one Span message (opentelemetry/proto/trace/v1/trace.proto). Exact: times to the
 * nanosecond, 64-bit integers as number or bigint. Kinds and status codes that are unknown read as unspecified
 * and unset. Throws `malformed_body` on bytes that no scan has let through.
 */
export function decodeSpan(bytes: Uint8Array, resource: Resource, scope: Scope): Span {
  const buffer = asBuffer(bytes);
  const end = buffer.length;
  let traceId = "";
  let spanId = "";
  let parentSpanId = "";
  let traceState = "";
  let name = "";
  let flags = 0;
  let kind = 0;
  let startNs = 0n;
  let endNs = 0n;
  let status: Status = UNSET;
  let droppedAttributes = 0;
  let droppedEvents = 0;
  let droppedLinks = 0;
  const attributes = newAttributes();
  const events: SpanEvent[] = [];
  const links: SpanLink[] = [];
  let p = 0;
  while (p < end) {
    const tag = varintValue(buffer, p);
    const valueAt = varintEnd(buffer, p, end);
    p = fieldEnd(buffer, valueAt, end, tag);
    switch (tag) {
      case 0x0a: // 1 trace_id
        traceId = idAt(buffer, valueAt, p, TRACE_ID_BYTES);
        break;
      case 0x12: // 2 span_id
        spanId = idAt(buffer, valueAt, p, SPAN_ID_BYTES);
        break;
      case 0x1a: // 3 trace_state
        traceState = textAt(buffer, valueAt, p);
        break;
      case 0x22: // 4 parent_span_id
        parentSpanId = idAt(buffer, valueAt, p, SPAN_ID_BYTES);
        break;
      case 0x2a: // 5 name
        name = textAt(buffer, valueAt, p);
        break;
      case 0x30: // 6 kind
        kind = uint32At(buffer, valueAt);
        break;
      case 0x39: // 7 start_time_unix_nano
        startNs = buffer.readBigUInt64LE(valueAt);
        break;
      case 0x41: // 8 end_time_unix_nano
        endNs = buffer.readBigUInt64LE(valueAt);
        break;
      case 0x4a: // 9 attributes
        decodeKeyValue(buffer, payloadStart(buffer, valueAt, p), p, attributes);
        break;
      case 0x50: // 10 dropped_attributes_count
        droppedAttributes = uint32At(buffer, valueAt);
        break;
      case 0x5a: // 11 events
        events.push(decodeEvent(buffer, payloadStart(buffer, valueAt, p), p));
        break;
      case 0x60: // 12 dropped_events_count
        droppedEvents = uint32At(buffer, valueAt);
        break;
      case 0x6a: // 13 links
        links.push(decodeLink(buffer, payloadStart(buffer, valueAt, p), p));
        break;
      case 0x70: // 14 dropped_links_count
        droppedLinks = uint32At(buffer, valueAt);
        break;
      case 0x7a: // 15 status
        status = decodeStatus(buffer, payloadStart(buffer, valueAt, p), p, status);
        break;
      case 0x85: // 16 flags
        flags = buffer.readUInt32LE(valueAt);
        break;
    }
  }
  return {
    kind: "span",
    traceId,
    spanId,
    parentSpanId,
    traceState,
    flags,
    name,
    spanKind: SPAN_KINDS[kind] ?? "unspecified",
    startNs,
    endNs,
    attributes,
    events,
    links,
    statusCode: status.code,
    statusMessage: status.message,
    droppedAttributes,
    droppedEvents,
    droppedLinks,
    resource,
    scope,
  };
}

function decodeEvent(buffer: Buffer, at: number, end: number): SpanEvent {
  let timeNs = 0n;
  let name = "";
  let droppedAttributes = 0;
  const attributes = newAttributes();
  let p = at;
  while (p < end) {
    const tag = varintValue(buffer, p);
    const valueAt = varintEnd(buffer, p, end);
    p = fieldEnd(buffer, valueAt, end, tag);
    if (tag === 0x09) timeNs = buffer.readBigUInt64LE(valueAt);
    else if (tag === 0x12) name = textAt(buffer, valueAt, p);
    else if (tag === 0x1a) decodeKeyValue(buffer, payloadStart(buffer, valueAt, p), p, attributes);
    else if (tag === 0x20) droppedAttributes = uint32At(buffer, valueAt);
  }
  return { timeNs, name, attributes, droppedAttributes };
}

/** Ids of a link that are malformed read as `""`; the span is kept. */
function decodeLink(buffer: Buffer, at: number, end: number): SpanLink {
  let traceId = "";
  let spanId = "";
  let traceState = "";
  let flags = 0;
  let droppedAttributes = 0;
  const attributes = newAttributes();
  let p = at;
  while (p < end) {
    const tag = varintValue(buffer, p);
    const valueAt = varintEnd(buffer, p, end);
    p = fieldEnd(buffer, valueAt, end, tag);
    if (tag === 0x0a) traceId = idAt(buffer, valueAt, p, TRACE_ID_BYTES);
    else if (tag === 0x12) spanId = idAt(buffer, valueAt, p, SPAN_ID_BYTES);
    else if (tag === 0x1a) traceState = textAt(buffer, valueAt, p);
    else if (tag === 0x22) decodeKeyValue(buffer, payloadStart(buffer, valueAt, p), p, attributes);
    else if (tag === 0x28) droppedAttributes = uint32At(buffer, valueAt);
    else if (tag === 0x35) flags = buffer.readUInt32LE(valueAt);
  }
  return { traceId, spanId, traceState, attributes, flags, droppedAttributes };
}

interface Status {
  readonly code: StatusCode;
  readonly message: string;
}

const UNSET: Status = { code: "unset", message: "" };

/** Status {2 message, 3 code}; what this one does not say stays as in `before`. */
function decodeStatus(buffer: Buffer, at: number, end: number, before: Status): Status {
  let { code, message } = before;
  let p = at;
  while (p < end) {
    const tag = varintValue(buffer, p);
    const valueAt = varintEnd(buffer, p, end);
    p = fieldEnd(buffer, valueAt, end, tag);
    if (tag === 0x12) message = textAt(buffer, valueAt, p);
    else if (tag === 0x18) code = STATUS_CODES[uint32At(buffer, valueAt)] ?? "unset";
  }
  return { code, message };
}
