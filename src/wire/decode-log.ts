import type { AttributeValue } from "../model/attributes.ts";
import type { LogRecord } from "../model/log.ts";
import type { Resource, Scope } from "../model/resource.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { decodeAnyValue, decodeKeyValue, newAttributes } from "./decode-attributes.ts";
import { asBuffer, idAt, textAt, uint32At } from "./decode-scalars.ts";
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from "./scan-words.ts";

/** Severity numbers end at 24 (FATAL4); unknown ones read as 0, unset. */
const SEVERITY_MAX = 24;

/**
 * Decodes the bytes of one LogRecord message (opentelemetry/proto/logs/v1/logs.proto). Ids that are absent or
 * malformed are `""`, times that are absent 0n, a body that is absent null. Throws `malformed_body` on bytes that
 * no scan has let through.
 */
export function decodeLog(bytes: Uint8Array, resource: Resource, scope: Scope): LogRecord {
  const buffer = asBuffer(bytes);
  const end = buffer.length;
  let traceId = "";
  let spanId = "";
  let flags = 0;
  let timeNs = 0n;
  let observedNs = 0n;
  let severity = 0;
  let severityText = "";
  let eventName = "";
  let body: AttributeValue = null;
  let droppedAttributes = 0;
  const attributes = newAttributes();
  let p = 0;
  while (p < end) {
    const tag = varintValue(buffer, p);
    const valueAt = varintEnd(buffer, p, end);
    p = fieldEnd(buffer, valueAt, end, tag);
    switch (tag) {
      case 0x09: // 1 time_unix_nano
        timeNs = buffer.readBigUInt64LE(valueAt);
        break;
      case 0x10: // 2 severity_number
        severity = uint32At(buffer, valueAt);
        break;
      case 0x1a: // 3 severity_text
        severityText = textAt(buffer, valueAt, p);
        break;
      case 0x2a: // 5 body
        body = decodeAnyValue(buffer, payloadStart(buffer, valueAt, p), p, body);
        break;
      case 0x32: // 6 attributes
        decodeKeyValue(buffer, payloadStart(buffer, valueAt, p), p, attributes);
        break;
      case 0x38: // 7 dropped_attributes_count
        droppedAttributes = uint32At(buffer, valueAt);
        break;
      case 0x45: // 8 flags
        flags = buffer.readUInt32LE(valueAt);
        break;
      case 0x4a: // 9 trace_id
        traceId = idAt(buffer, valueAt, p, TRACE_ID_BYTES);
        break;
      case 0x52: // 10 span_id
        spanId = idAt(buffer, valueAt, p, SPAN_ID_BYTES);
        break;
      case 0x59: // 11 observed_time_unix_nano
        observedNs = buffer.readBigUInt64LE(valueAt);
        break;
      case 0x62: // 12 event_name
        eventName = textAt(buffer, valueAt, p);
        break;
    }
  }
  return {
    kind: "log",
    traceId,
    spanId,
    flags,
    timeNs,
    observedNs,
    severity: severity > SEVERITY_MAX ? 0 : severity,
    severityText,
    eventName,
    body,
    attributes,
    droppedAttributes,
    resource,
    scope,
  };
}
