import { GasolineError } from "../model/errors.ts";

/**
 * Primitives to walk protobuf's wire format (https://protobuf.dev/programming-guides/encoding). There is no
 * cursor object: positions go in and come out as numbers, so that a hot loop keeps its own in a local variable.
 * A loop over a message's fields reads
 *
 * ```
 *  let p = at;
 *  while (p < end) {
 *    const tag = varintValue(body, p);            //  ┌ tag ┬ length ┬ payload … ┐
 *    const valueAt = varintEnd(body, p, end);     //        └ valueAt           │
 *    p = fieldEnd(body, valueAt, end, tag);       //                            └ p
 *    …payload of a length-delimited field: payloadStart(body, valueAt, end) to p
 *  }
 * ```
 *
 * Every function that returns a position has checked it against `end` and throws `malformed_body` otherwise.
 */
export const WIRE = { varint: 0, fixed64: 1, length: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

const VARINT_BYTES_MAX = 10;
/** Groups in groups that are still skipped. Nothing in OTLP uses groups at all. */
const GROUP_DEPTH_MAX = 64;
const TAG_MAX = 0xffff_ffff;

/** The error for bytes that are not OTLP; `at` is the offset in the body where reading stopped. */
export function malformed(at: number, what: string): GasolineError {
  return new GasolineError(
    "malformed_body",
    `Malformed protobuf at byte ${at}: ${what}.`,
    "Send one whole OTLP export request, encoded as protobuf; check that the body was not cut off and that " +
      "Content-Type and Content-Encoding say what it is.",
  );
}

/** Position after the varint at `at`. Throws when it runs past `end` or is longer than 10 bytes. */
export function varintEnd(body: Uint8Array, at: number, end: number): number {
  if (at < end && body[at]! < 0x80) return at + 1;
  return longVarintEnd(body, at, end);
}

function longVarintEnd(body: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + VARINT_BYTES_MAX);
  for (let p = at; p < limit; p++) {
    if (body[p]! < 0x80) return p + 1;
  }
  throw limit === end
    ? malformed(at, "a varint is cut off by the end of its message")
    : malformed(at, `a varint is longer than ${VARINT_BYTES_MAX} bytes`);
}

/**
 * Value of the varint at `at`, whose end was checked before or is checked next. Exact up to 2^53, rounded above;
 * `varintBig` is exact.
 */
export function varintValue(body: Uint8Array, at: number): number {
  const first = body[at]!;
  return first < 0x80 ? first : longVarintValue(body, at);
}

function longVarintValue(body: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  for (let p = at; p < at + VARINT_BYTES_MAX && p < body.length; p++) {
    const byte = body[p]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
  }
  return value;
}

/** Value of the varint at `at` as an unsigned 64-bit integer, exact. Higher bits of an overlong varint are dropped. */
export function varintBig(body: Uint8Array, at: number): bigint {
  let value = 0n;
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = body[at + i]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) break;
  }
  return BigInt.asUintN(64, value);
}

/**
 * Payload position of the length-delimited value whose length stands at `at`; the payload is
 * `varintValue(body, at)` bytes. Throws when it runs past `end`.
 */
export function payloadStart(body: Uint8Array, at: number, end: number): number {
  if (at < end) {
    const length = body[at]!;
    if (length < 0x80 && length < end - at) return at + 1;
  }
  return longPayloadStart(body, at, end);
}

function longPayloadStart(body: Uint8Array, at: number, end: number): number {
  const start = varintEnd(body, at, end);
  const length = varintValue(body, at);
  if (length > end - start) {
    throw malformed(at, `a field of ${length} bytes runs ${length - (end - start)} bytes past its message`);
  }
  return start;
}

/** Position after a value of `bytes` fixed bytes at `at`. */
export function fixedEnd(at: number, bytes: number, end: number): number {
  if (bytes > end - at) throw malformed(at, `a ${8 * bytes}-bit value is cut off by the end of its message`);
  return at + bytes;
}

/** Position after the value at `at` of a field with this tag, whatever it is; groups are walked to their end. */
export function fieldEnd(body: Uint8Array, at: number, end: number, tag: number): number {
  return skipField(body, at, end, tag, 0);
}

function skipField(body: Uint8Array, at: number, end: number, tag: number, depth: number): number {
  if (tag < 8 || tag > TAG_MAX) throw malformed(at, `tag ${tag} names no valid field number`);
  switch (tag & 7) {
    case WIRE.varint:
      return varintEnd(body, at, end);
    case WIRE.fixed64:
      return fixedEnd(at, 8, end);
    case WIRE.length: {
      const start = payloadStart(body, at, end);
      return start + varintValue(body, at);
    }
    case WIRE.groupStart:
      return groupEnd(body, at, end, tag, depth + 1);
    case WIRE.fixed32:
      return fixedEnd(at, 4, end);
    default:
      throw malformed(at, `wire type ${tag & 7} of field ${fieldNumber(tag)} is not expected here`);
  }
}

function groupEnd(body: Uint8Array, at: number, end: number, startTag: number, depth: number): number {
  if (depth > GROUP_DEPTH_MAX) throw malformed(at, `groups are nested deeper than ${GROUP_DEPTH_MAX}`);
  const endTag = startTag + (WIRE.groupEnd - WIRE.groupStart);
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    p = varintEnd(body, p, end);
    if (tag === endTag) return p;
    p = skipField(body, p, end, tag, depth);
  }
  throw malformed(at, `the group of field ${fieldNumber(startTag)} is never closed`);
}

/** Field number of a tag. */
export function fieldNumber(tag: number): number {
  return tag >>> 3;
}
