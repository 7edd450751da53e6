import type { Attributes, AttributeValue } from "../model/attributes.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { boolAt, bytesAt, int64At, textAt } from "./decode-scalars.ts";
import { knownKey } from "./known-keys.ts";

/** Attributes being filled: no prototype, so that `__proto__` is a key like any other. */
export type AttributesDraft = { [key: string]: AttributeValue };

/** An empty object for `decodeKeyValue` to fill. */
export function newAttributes(): AttributesDraft {
  return Object.create(null) as AttributesDraft;
}

/**
 * Attributes of a message that holds KeyValues in `attributesField`, and whatever else: it is skipped. A repeated
 * key keeps its last value. Never absent: no attributes are an empty object.
 */
export function decodeAttributes(
  bytes: Buffer,
  at: number,
  end: number,
  attributesField: number,
): Attributes {
  const attributes = newAttributes();
  const attributesTag = (attributesField << 3) | 2;
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === attributesTag) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, attributes);
  }
  return attributes;
}

/** Sets the KeyValue {1 key, 2 value} between `at` and `end` on `attributes`. One without a value is null. */
export function decodeKeyValue(bytes: Buffer, at: number, end: number, attributes: AttributesDraft): void {
  let key = "";
  let value: AttributeValue = null;
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x0a) key = knownKey(bytes, payloadStart(bytes, valueAt, p), p) ?? textAt(bytes, valueAt, p);
    else if (tag === 0x12) value = decodeAnyValue(bytes, payloadStart(bytes, valueAt, p), p, value);
  }
  attributes[key] = value;
}

/**
 * The AnyValue between `at` and `end`; null when nothing is set. `before` is what the same field said earlier in
 * the message: a list that follows a list is appended to it, anything else replaces it (protobuf merging).
 */
export function decodeAnyValue(
  bytes: Buffer,
  at: number,
  end: number,
  before: AttributeValue = null,
): AttributeValue {
  let value = before;
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    switch (tag) {
      case 0x0a:
        value = textAt(bytes, valueAt, p);
        break;
      case 0x10:
        value = boolAt(bytes, valueAt);
        break;
      case 0x18:
        value = int64At(bytes, valueAt, p);
        break;
      case 0x21:
        value = bytes.readDoubleLE(valueAt);
        break;
      case 0x2a:
        value = decodeArray(bytes, payloadStart(bytes, valueAt, p), p, value);
        break;
      case 0x32:
        value = decodeKeyValueList(bytes, payloadStart(bytes, valueAt, p), p, value);
        break;
      case 0x3a:
        value = bytesAt(bytes, valueAt, p);
        break;
    }
  }
  return value;
}

function decodeArray(bytes: Buffer, at: number, end: number, before: AttributeValue): AttributeValue {
  const values: AttributeValue[] = Array.isArray(before) ? [...before] : [];
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x0a) values.push(decodeAnyValue(bytes, payloadStart(bytes, valueAt, p), p));
  }
  return values;
}

function decodeKeyValueList(bytes: Buffer, at: number, end: number, before: AttributeValue): AttributeValue {
  const values = newAttributes();
  if (isMap(before)) Object.assign(values, before);
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x0a) decodeKeyValue(bytes, payloadStart(bytes, valueAt, p), p, values);
  }
  return values;
}

function isMap(value: AttributeValue): value is Attributes {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
