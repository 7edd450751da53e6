import { fieldEnd, payloadStart, varintBig, varintEnd, varintValue, WIRE } from "./cursor.ts";

/**
 * Attributes looked up in a record's raw bytes, without decoding or allocating. A value is named by the position of
 * its AnyValue's length prefix, which every function below takes:
 *
 * ```
 *  KeyValue  │ 0x0a │ key length │ key … │ 0x12 │ value length │ AnyValue … │
 *                                              ▲ the position returned
 * ```
 * so its length is `varintValue(bytes, at)` and its payload starts at `varintEnd(bytes, at, bytes.length)`. The
 * bytes have been through a scan.
 */

/** Field number of the attributes in the messages that have some. */
export const ATTRIBUTES_FIELD = {
  resource: 1,
  scope: 3,
  span: 9,
  log: 6,
  gauge: 7,
  sum: 7,
  histogram: 9,
  exponential_histogram: 1,
  summary: 7,
} as const;

/**
 * Where the value of the first of `keys` (UTF-8) that the record has lies; -1 when it has none of them. The record
 * is the message at `offset` of `length` bytes, with its attributes in `attributesField`. A key that repeats counts
 * with its last value, as in decoded attributes; one without a value is absent.
 */
export function findAttribute(
  bytes: Uint8Array,
  offset: number,
  length: number,
  attributesField: number,
  keys: readonly Uint8Array[],
): number {
  const attributesTag = attributesField * 8 + 2;
  const end = offset + length;
  let found = -1;
  let rank = keys.length - 1;
  let p = offset;
  while (p < end) {
    let tag = bytes[p]!;
    let fieldAt = p + 1;
    if (tag >= 0x80) {
      tag = varintValue(bytes, p);
      fieldAt = varintEnd(bytes, p, end);
    }
    if (tag !== attributesTag) {
      p = validFieldEnd(bytes, fieldAt, end, tag);
      continue;
    }
    let start = fieldAt + 1;
    p = start + bytes[fieldAt]!;
    if (bytes[fieldAt]! >= 0x80) {
      start = varintEnd(bytes, fieldAt, end);
      p = start + varintValue(bytes, fieldAt);
    }
    // Key first, then value, is what every exporter writes.
    const keyLength = bytes[start + 1]!;
    const valueAt = start + keyLength + 3;
    const isUsual =
      valueAt < p &&
      bytes[start] === 0x0a &&
      keyLength < 0x80 &&
      bytes[valueAt - 1] === 0x12 &&
      (bytes[valueAt]! < 0x80 ? bytes[valueAt] === p - valueAt - 1 : endsAt(bytes, valueAt, p));
    for (let i = 0; i <= rank; i++) {
      const key = keys[i]!;
      if (isUsual) {
        if (keyLength !== key.length || !sameBytes(bytes, start + 2, keyLength, key)) continue;
        found = valueAt;
      } else {
        const anyValueAt = looseValueAt(bytes, start, p, key);
        if (anyValueAt < 0) continue;
        found = anyValueAt;
      }
      rank = i;
    }
  }
  return found;
}

/** `fieldEnd` without its checks for the two commonest kinds: a scan has made them. */
function validFieldEnd(bytes: Uint8Array, at: number, end: number, tag: number): number {
  const wire = tag & 7;
  if (wire === WIRE.length) {
    const length = bytes[at]!;
    if (length < 0x80) return at + 1 + length;
  } else if (wire === WIRE.fixed64) {
    return at + 8;
  }
  return fieldEnd(bytes, at, end, tag);
}

/** Whether the value whose length prefix stands at `at` is the last of a message that ends at `end`. */
function endsAt(bytes: Uint8Array, at: number, end: number): boolean {
  return varintEnd(bytes, at, end) + varintValue(bytes, at) === end;
}

/** Position of the value in a KeyValue of any layout with this key; -1 when it has another key, or no value. */
function looseValueAt(bytes: Uint8Array, at: number, end: number, key: Uint8Array): number {
  let isKey = key.length === 0;
  let found = -1;
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x0a) {
      isKey = sameBytes(bytes, payloadStart(bytes, valueAt, p), varintValue(bytes, valueAt), key);
    } else if (tag === 0x12) {
      found = valueAt;
    }
  }
  return isKey ? found : -1;
}

/** Whether the value at `at` is a string of exactly these UTF-8 bytes. */
export function stringEquals(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  const field = setField(bytes, at);
  if (field < 0 || bytes[field] !== 0x0a) return false;
  return sameBytes(bytes, varintEnd(bytes, field + 1, bytes.length), varintValue(bytes, field + 1), text);
}

/**
 * Whether the value at `at` is a string that contains `needle`, ignoring the case of ASCII letters. `needle` is
 * UTF-8 with its ASCII letters in lower case (see `asciiLower`).
 */
export function stringContains(bytes: Uint8Array, at: number, needle: Uint8Array): boolean {
  const field = setField(bytes, at);
  if (field < 0 || bytes[field] !== 0x0a) return false;
  const start = varintEnd(bytes, field + 1, bytes.length);
  return containsIgnoringCase(bytes, start, varintValue(bytes, field + 1), needle);
}

/** Whether `length` bytes at `at` contain `needle` (ASCII letters in lower case), ignoring the case of ASCII letters. */
function containsIgnoringCase(bytes: Uint8Array, at: number, length: number, needle: Uint8Array): boolean {
  const last = at + length - needle.length;
  for (let p = at; p <= last; p++) {
    let i = 0;
    while (i < needle.length && lower(bytes[p + i]!) === needle[i]) i++;
    if (i === needle.length) return true;
  }
  return false;
}

/** UTF-8 of a text with its ASCII letters in lower case; other letters stay as they are. */
export function asciiLower(text: string): Uint8Array {
  return new TextEncoder().encode(text).map(lower);
}

/**
 * The number at `at`: an int (rounded above 2^53) or a double. NaN when the value is neither; a NaN double
 * compares like one that is absent.
 */
export function numberOf(bytes: Uint8Array, at: number): number {
  const field = setField(bytes, at);
  if (field < 0) return Number.NaN;
  if (bytes[field] === 0x18) {
    const short = varintEnd(bytes, field + 1, bytes.length) - field <= 8;
    return short ? varintValue(bytes, field + 1) : Number(BigInt.asIntN(64, varintBig(bytes, field + 1)));
  }
  if (bytes[field] !== 0x21) return Number.NaN;
  return new DataView(bytes.buffer, bytes.byteOffset + field + 1, 8).getFloat64(0, true);
}

/** Position of the one-byte tag of the field that is set in the AnyValue at `at`, the last if several; -1 if none. */
function setField(bytes: Uint8Array, at: number): number {
  let p = varintEnd(bytes, at, bytes.length);
  const end = p + varintValue(bytes, at);
  let field = -1;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    if (tag < 0x40) field = valueAt - 1;
    p = fieldEnd(bytes, valueAt, end, tag);
  }
  return field;
}

function sameBytes(bytes: Uint8Array, at: number, length: number, expected: Uint8Array): boolean {
  if (length !== expected.length) return false;
  // From the end: attribute keys share their beginnings ("http.", "db.").
  for (let i = length - 1; i >= 0; i--) {
    if (bytes[at + i] !== expected[i]) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
