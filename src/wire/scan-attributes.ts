import { fixedEnd, malformed, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { markOfKey } from "./marks.ts";
import { ANY_VALUE, ARRAY_VALUE, KEY_VALUE, KEY_VALUE_LIST } from "./schema.ts";
import { skipUnknown } from "./skip-unknown.ts";

/**
 * Checks one KeyValue {1 key, 2 value} between `at` and `end` and returns the mark of its key (see `markOfKey`).
 * `depth` is that of its value: 1 for a record's own attribute. Throws `malformed_body`.
 *
 * Nearly all attributes of nearly all exporters have this layout, which is checked without a loop (450 → 270 ns a span
 * of ten attributes); the lengths K, V and S are single bytes:
 *
 * ```
 *  0a K key…  12 V  0a S string…       or 18 varint, or another AnyValue, in the place of the string
 * ```
 */
export function scanKeyValue(
  body: Uint8Array,
  at: number,
  end: number,
  depth: number,
  depthMax: number,
): number {
  if (end - at < 4 || body[at] !== 0x0a) return scanLooseKeyValue(body, at, end, depth, depthMax);
  const keyLength = body[at + 1]!;
  const valueAt = at + keyLength + 4;
  const valueLength = end - valueAt;
  if (
    keyLength >= 0x80 ||
    valueLength < 2 ||
    valueLength >= 0x80 ||
    body[valueAt - 2] !== 0x12 ||
    body[valueAt - 1] !== valueLength
  ) {
    return scanLooseKeyValue(body, at, end, depth, depthMax);
  }
  const kind = body[valueAt];
  const isPlain =
    kind === 0x0a
      ? body[valueAt + 1] === valueLength - 2
      : kind === 0x18 && varintEnd(body, valueAt + 1, end) === end;
  if (!isPlain || depth > depthMax) scanAnyValue(body, valueAt, end, depth, depthMax);
  return markOfKey(body, at + 2, keyLength);
}

/** A KeyValue of any layout: fields in any order, repeated, unknown, long. */
function scanLooseKeyValue(
  body: Uint8Array,
  at: number,
  end: number,
  depth: number,
  depthMax: number,
): number {
  let keyAt = 0;
  let keyLength = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag === 0x0a) {
      keyAt = payloadStart(body, valueAt, end);
      keyLength = varintValue(body, valueAt);
      p = keyAt + keyLength;
    } else if (tag === 0x12) {
      const start = payloadStart(body, valueAt, end);
      p = start + varintValue(body, valueAt);
      scanAnyValue(body, start, p, depth, depthMax);
    } else {
      p = skipUnknown(body, valueAt, end, tag, KEY_VALUE);
    }
  }
  return markOfKey(body, keyAt, keyLength);
}

/**
 * Checks one AnyValue {1 string, 2 bool, 3 int, 4 double, 5 array, 6 kvlist, 7 bytes} between `at` and `end`.
 * Throws `malformed_body`, also when values are nested deeper than `depthMax`.
 */
export function scanAnyValue(
  body: Uint8Array,
  at: number,
  end: number,
  depth: number,
  depthMax: number,
): void {
  if (depth > depthMax) throw malformed(at, `attribute values are nested deeper than ${depthMax}`);
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    switch (tag) {
      case 0x0a:
      case 0x3a: {
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        break;
      }
      case 0x10:
      case 0x18:
        p = varintEnd(body, valueAt, end);
        break;
      case 0x21:
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x2a:
      case 0x32: {
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        scanValueList(body, start, p, tag === 0x32, depth + 1, depthMax);
        break;
      }
      default:
        p = skipUnknown(body, valueAt, end, tag, ANY_VALUE);
    }
  }
}

/** An ArrayValue or KeyValueList: both hold their entries in field 1. */
function scanValueList(
  body: Uint8Array,
  at: number,
  end: number,
  keyed: boolean,
  depth: number,
  depthMax: number,
): void {
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag !== 0x0a) {
      p = skipUnknown(body, valueAt, end, tag, keyed ? KEY_VALUE_LIST : ARRAY_VALUE);
      continue;
    }
    const start = payloadStart(body, valueAt, end);
    p = start + varintValue(body, valueAt);
    if (keyed) scanKeyValue(body, start, p, depth, depthMax);
    else scanAnyValue(body, start, p, depth, depthMax);
  }
}
