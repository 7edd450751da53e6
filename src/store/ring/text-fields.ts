import { fieldEnd, fieldNumber, payloadStart, varintEnd, varintValue, WIRE } from "../../wire/cursor.ts";
import type { Message } from "../../wire/schema.ts";

/**
 * Whether bytes [from, to) lie inside one string of a message between `at` and `end`, and not in an id, a number or
 * the framing between fields. The bytes have been through a scan.
 */
export function isInText(
  bytes: Uint8Array,
  message: Message,
  at: number,
  end: number,
  from: number,
  to: number,
): boolean {
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (p < to) continue;
    const field = message.fields[fieldNumber(tag)];
    if (field === undefined || (tag & 7) !== WIRE.length) return false;
    const start = payloadStart(bytes, valueAt, p);
    if (start > from) return false;
    if (field.kind === "string") return true;
    return field.message !== undefined && isInText(bytes, field.message, start, p, from, to);
  }
  return false;
}

/** Whether any string of a message between `at` and `end` satisfies `test`. */
export function someText(
  bytes: Buffer,
  message: Message,
  at: number,
  end: number,
  test: (text: string) => boolean,
): boolean {
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    const field = message.fields[fieldNumber(tag)];
    if (field === undefined || (tag & 7) !== WIRE.length) continue;
    const start = payloadStart(bytes, valueAt, p);
    if (field.kind === "string" && test(bytes.toString("utf8", start, p))) return true;
    if (field.message !== undefined && someText(bytes, field.message, start, p, test)) return true;
  }
  return false;
}
