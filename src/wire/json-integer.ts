import { isDigit, type JsonReader } from "./json-reader.ts";

/** A 64-bit integer as two unsigned halves, two's complement when negative. */
export interface Halves {
  low: number;
  high: number;
  negative: boolean;
}

/** Digits whose value is surely exact as a number. */
const DIGITS_EXACT = 15;
/** Digits of 2^64 - 1. */
const DIGITS_MAX = 20;
const UINT32 = 0x1_0000_0000;

/**
 * Consumes a 64-bit integer into `out`, exactly: a decimal string as OTLP/JSON writes it, or a number, also one that
 * JSON.parse would round. A fraction or exponent is taken when the value is whole. Throws `malformed_body` on
 * anything else, and past -2^63 or 2^64 - 1; `signed` also past 2^63 - 1, and unsigned below 0.
 */
export function readInteger(reader: JsonReader, signed: boolean, out: Halves): void {
  const quoted = reader.peek() === 0x22;
  const at = quoted ? reader.at + 1 : reader.at;
  const { bytes } = reader;
  const end = reader.numberEnd(at);
  const negative = bytes[at] === 0x2d;
  const digitsAt = negative ? at + 1 : at;
  if (isPlain(bytes, digitsAt, end)) {
    if (end - digitsAt > DIGITS_MAX) throw reader.error("the integer does not fit 64 bits");
    magnitude(bytes, digitsAt, end, out);
  } else {
    wholeDecimal(reader, at, end, out);
  }
  if (out.high >= UINT32) throw reader.error("the integer does not fit 64 bits");
  applySign(reader, negative, signed, out);
  reader.at = end;
  if (!quoted) return;
  if (end >= reader.end || bytes[end] !== 0x22) throw reader.error("expected a decimal integer in quotes");
  reader.at = end + 1;
}

function isPlain(bytes: Uint8Array, at: number, end: number): boolean {
  for (let p = at; p < end; p++) {
    if (!isDigit(bytes[p]!)) return false;
  }
  return true;
}

/** Value of the digits; `high` is 2^32 or more when it does not fit. */
function magnitude(bytes: Uint8Array, at: number, end: number, out: Halves): void {
  if (end - at <= DIGITS_EXACT) {
    const value = digitsValue(bytes, at, end);
    out.low = value >>> 0;
    out.high = Math.floor(value / UINT32);
    return;
  }
  // value = top * 10^9 + last nine digits, and top = topHigh * 2^16 + topLow: every product below stays under 2^53.
  const top = digitsValue(bytes, at, end - 9);
  const topHigh = Math.floor(top / 65_536);
  const topLow = top % 65_536;
  const upper = topHigh * 1e9;
  const lower = topLow * 1e9 + digitsValue(bytes, end - 9, end) + (upper % 65_536) * 65_536;
  out.low = lower >>> 0;
  out.high = Math.floor(upper / 65_536) + Math.floor(lower / UINT32);
}

function digitsValue(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let p = at; p < end; p++) value = value * 10 + (bytes[p]! - 0x30);
  return value;
}

/** A number with a fraction or an exponent, such as 1.5e3, when it is whole and no larger than 2^53. */
function wholeDecimal(reader: JsonReader, at: number, end: number, out: Halves): void {
  const value = Math.abs(Number(reader.bytes.toString("latin1", at, end)));
  if (!Number.isSafeInteger(value)) throw reader.error("expected an integer");
  out.low = value >>> 0;
  out.high = Math.floor(value / UINT32);
}

function applySign(reader: JsonReader, negative: boolean, signed: boolean, out: Halves): void {
  const isZero = out.low === 0 && out.high === 0;
  out.negative = negative && !isZero;
  if (signed && out.high >= 0x8000_0000) {
    const isLowest = negative && out.high === 0x8000_0000 && out.low === 0;
    if (!isLowest) throw reader.error("the integer does not fit a signed 64-bit integer");
  }
  if (!out.negative) return;
  if (!signed) throw reader.error("the integer must not be negative");
  out.low = -out.low >>> 0;
  out.high = (~out.high + (out.low === 0 ? 1 : 0)) >>> 0;
}
