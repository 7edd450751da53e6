import { type Resource, type Scope, UNKNOWN_SERVICE } from "../model/resource.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { decodeAttributes, decodeKeyValue, newAttributes } from "./decode-attributes.ts";
import { asBuffer, textAt } from "./decode-scalars.ts";

/**
 * A Resource message {1 attributes} and the schema URL that came beside it. Its `service` is "unknown_service" when
 * `service.name` is absent, empty or not a string. Throws `malformed_body` on bytes that no scan has let through.
 */
export function decodeResource(bytes: Uint8Array, schemaUrl: Uint8Array): Resource {
  const attributes = decodeAttributes(asBuffer(bytes), 0, bytes.length, 1);
  const service = attributes["service.name"];
  return {
    attributes,
    service: typeof service === "string" && service !== "" ? service : UNKNOWN_SERVICE,
    schemaUrl: asBuffer(schemaUrl).toString(),
  };
}

/** An InstrumentationScope message {1 name, 2 version, 3 attributes} and its schema URL; absent texts are "". */
export function decodeScope(bytes: Uint8Array, schemaUrl: Uint8Array): Scope {
  const buffer = asBuffer(bytes);
  const end = buffer.length;
  const attributes = newAttributes();
  let name = "";
  let version = "";
  let p = 0;
  while (p < end) {
    const tag = varintValue(buffer, p);
    const valueAt = varintEnd(buffer, p, end);
    p = fieldEnd(buffer, valueAt, end, tag);
    if (tag === 0x0a) name = textAt(buffer, valueAt, p);
    else if (tag === 0x12) version = textAt(buffer, valueAt, p);
    else if (tag === 0x1a) decodeKeyValue(buffer, payloadStart(buffer, valueAt, p), p, attributes);
  }
  return { name, version, attributes, schemaUrl: asBuffer(schemaUrl).toString() };
}
