import { payloadStart, varintBig, varintEnd, varintValue } from "./cursor.ts";

/** The same bytes as a Buffer, whose decoders are faster than TextDecoder on short strings. No copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text of the length-delimited value at `at`. Invalid UTF-8 reads as U+FFFD. */
export function textAt(bytes: Buffer, at: number, end: number): string {
  const start = payloadStart(bytes, at, end);
  return bytes.toString("utf8", start, start + varintValue(bytes, at));
}

/** A copy of the length-delimited value at `at`. */
export function bytesAt(bytes: Buffer, at: number, end: number): Uint8Array {
  const start = payloadStart(bytes, at, end);
  return new Uint8Array(bytes.subarray(start, start + varintValue(bytes, at)));
}

/** Lower-case hex of the id at `at`, or `""` unless it has `bytes` bytes that are not all zero. */
export function idAt(bytes: Buffer, at: number, end: number, length: number): string {
  const start = payloadStart(bytes, at, end);
  if (varintValue(bytes, at) !== length) return "";
  const stop = start + length;
  for (let p = start; p < stop; p++) {
    if (bytes[p] !== 0) return bytes.toString("hex", start, stop);
  }
  return "";
}

/** The varint at `at` as an int64: a number when that is exact, else a bigint. */
export function int64At(bytes: Buffer, at: number, end: number): number | bigint {
  // Seven bytes hold 49 bits: positive and exact as a number.
  if (varintEnd(bytes, at, end) - at <= 7) return varintValue(bytes, at);
  return numberIfExact(BigInt.asIntN(64, varintBig(bytes, at)));
}

/** A 64-bit integer as a number when that is exact, else as it is. */
export function numberIfExact(value: bigint): number | bigint {
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) ? rounded : value;
}

/** The varint at `at` as a uint32; higher bits are dropped, as protobuf says. */
export function uint32At(bytes: Buffer, at: number): number {
  const value = varintValue(bytes, at);
  return value <= 0xffff_ffff ? value : Number(varintBig(bytes, at) & 0xffff_ffffn);
}

/** The varint at `at` as a zigzag int32 (sint32). */
export function sint32At(bytes: Buffer, at: number): number {
  const value = uint32At(bytes, at);
  return (value >>> 1) ^ -(value & 1);
}

/** Whether the varint at `at` is not zero. */
export function boolAt(bytes: Buffer, at: number): boolean {
  return varintValue(bytes, at) !== 0;
}
