import { BITS } from "../model/scan-table.ts";
import { fixedEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { isException } from "./marks.ts";
import { scanKeyValue } from "./scan-attributes.ts";
import { SPAN_EVENT, STATUS } from "./schema.ts";
import { skipUnknown } from "./skip-unknown.ts";

/** Checks a span event between `at` and `end`; returns the mark of one named `exception`, else 0. */
export function scanEvent(body: Uint8Array, at: number, end: number, depthMax: number): number {
  let mark = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    switch (tag) {
      case 0x09: // 1 time_unix_nano
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x12: {
        // 2 name
        const start = payloadStart(body, valueAt, end);
        const length = varintValue(body, valueAt);
        p = start + length;
        mark = isException(body, start, length) ? BITS.markException : 0;
        break;
      }
      case 0x1a: {
        // 3 attributes
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        scanKeyValue(body, start, p, 1, depthMax);
        break;
      }
      case 0x20: // 4 dropped_attributes_count
        p = varintEnd(body, valueAt, end);
        break;
      default:
        p = skipUnknown(body, valueAt, end, tag, SPAN_EVENT);
    }
  }
  return mark;
}

/**
 * Checks a Status between `at` and `end`; returns its code, or `before` when it has none: a Status that comes twice is
 * merged.
 */
export function scanStatus(body: Uint8Array, at: number, end: number, before: number): number {
  let code = before;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag === 0x18) {
      code = varintValue(body, valueAt);
      p = varintEnd(body, valueAt, end);
    } else if (tag === 0x12) {
      const start = payloadStart(body, valueAt, end);
      p = start + varintValue(body, valueAt);
    } else {
      p = skipUnknown(body, valueAt, end, tag, STATUS);
    }
  }
  return code;
}
