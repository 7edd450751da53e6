import { fieldEnd, fieldNumber, malformed, payloadStart, varintEnd, varintValue, WIRE } from "./cursor.ts";
import { scanAnyValue, scanKeyValue } from "./scan-attributes.ts";
import { ANY_VALUE, type Field, KEY_VALUE, type Message, WIRE_OF_KIND } from "./schema.ts";
import { wrongWireType } from "./skip-unknown.ts";

/**
 * Checks one message of `schema` between `at` and `end`: wire types of known fields, all lengths, nested
 * messages. Table-driven, for what is not in every record. Returns nothing; throws `malformed_body`.
 */
export function validateMessage(
  body: Uint8Array,
  at: number,
  end: number,
  schema: Message,
  depthMax: number,
): void {
  if (schema === KEY_VALUE) {
    scanKeyValue(body, at, end, 1, depthMax);
    return;
  }
  if (schema === ANY_VALUE) {
    scanAnyValue(body, at, end, 1, depthMax);
    return;
  }
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
    validateField(body, valueAt, p, tag, schema, depthMax);
  }
}

/** Checks one field of `schema` whose value lies between `valueAt` and `end` (see `fieldEnd`). */
export function validateField(
  body: Uint8Array,
  valueAt: number,
  end: number,
  tag: number,
  schema: Message,
  depthMax: number,
): void {
  const known = schema.fields[fieldNumber(tag)];
  if (known === undefined) return;
  const wire = tag & 7;
  const expected = WIRE_OF_KIND[known.kind];
  if (wire === expected) {
    if (known.message === undefined) return;
    validateMessage(body, payloadStart(body, valueAt, end), end, known.message, depthMax);
  } else if (wire === WIRE.length && known.repeated) {
    validatePacked(body, payloadStart(body, valueAt, end), end, known);
  } else {
    throw wrongWireType(valueAt, schema, known, wire);
  }
}

function validatePacked(body: Uint8Array, at: number, end: number, field: Field): void {
  const wire = WIRE_OF_KIND[field.kind];
  if (wire === WIRE.varint) {
    for (let p = at; p < end; ) p = varintEnd(body, p, end);
  } else if ((end - at) % (wire === WIRE.fixed64 ? 8 : 4) !== 0) {
    throw malformed(at, `packed ${field.name} of ${end - at} bytes is not whole values`);
  }
}
