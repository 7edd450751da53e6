import { fieldEnd, fieldNumber, malformed } from "./cursor.ts";
import { type Field, type Message, WIRE_OF_KIND } from "./schema.ts";

/** The error for a known field that comes with another wire type than its own. */
export function wrongWireType(at: number, schema: Message, field: Field, wire: number): Error {
  const expected = WIRE_OF_KIND[field.kind];
  return malformed(
    at,
    `field ${field.number} (${field.name}) of ${schema.name} has wire type ${wire}, expected ${expected}`,
  );
}

/**
 * Position after a field that a hand-written scan does not read itself: skipped when unknown; a known one got
 * here because of its wire type, and throws.
 */
export function skipUnknown(body: Uint8Array, at: number, end: number, tag: number, schema: Message): number {
  const known = schema.fields[fieldNumber(tag)];
  if (known !== undefined) throw wrongWireType(at, schema, known, tag & 7);
  return fieldEnd(body, at, end, tag);
}
