import type { ByteWriter } from "./byte-writer.ts";

/** Attributes to encode. Values are what JSON can hold, bigints and bytes; what OTLP has no value for is empty. */
export type AttributesToEncode = { readonly [key: string]: unknown };

/** Values in values, past which only a note is written: receivers refuse a whole request for what is too deep. */
const DEPTH_MAX = 16;
const TOO_DEEP = `[nested deeper than ${DEPTH_MAX}]`;
/** Texts up to these lengths most likely make a message whose length takes one byte, or two. */
const ONE_BYTE_TEXT = 100;
const TWO_BYTE_TEXT = 16_000;
const TWO_32 = 2 ** 32;

/** One KeyValue {1 key, 2 value} in `field` for each attribute; those that are undefined are left out. */
export function writeAttributes(
  writer: ByteWriter,
  field: number,
  attributes: AttributesToEncode,
  depth = 0,
): void {
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    const lengthBytes = lengthBytesOf(key, value);
    const keyValue = writer.beginField(field, lengthBytes);
    writer.textField(1, key);
    writeAnyValue(writer, 2, value, depth);
    writer.endMessage(keyValue, lengthBytes);
  }
}

/**
 * An AnyValue in `field`: {1 string, 2 bool, 3 int, 4 double, 5 array, 6 key-value list, 7 bytes}. Integers that a
 * number holds exactly are ints, other numbers doubles; null and what has no form in OTLP are empty.
 */
export function writeAnyValue(writer: ByteWriter, field: number, value: unknown, depth = 0): void {
  const lengthBytes = lengthBytesOf("", value);
  const message = writer.beginField(field, lengthBytes);
  switch (typeof value) {
    case "string":
      writer.textField(1, value);
      break;
    case "boolean":
      writer.varintField(2, value ? 1 : 0);
      break;
    case "number":
      writeNumber(writer, value);
      break;
    case "bigint":
      writer.varint(3 * 8);
      writer.varint64(
        Number(BigInt.asUintN(32, value)),
        Number(BigInt.asUintN(32, BigInt.asIntN(64, value) >> 32n)),
      );
      break;
    case "object":
      if (value !== null) writeObject(writer, value, depth + 1);
      break;
  }
  writer.endMessage(message, lengthBytes);
}

function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isSafeInteger(value)) {
    writer.varint(3 * 8);
    // Two's complement, as protobuf has negative int64s.
    if (value >= 0) writer.varint(value);
    else writer.varint64(value >>> 0, Math.floor(value / TWO_32) >>> 0);
    return;
  }
  writer.varint(4 * 8 + 1);
  writer.double(value);
}

function writeObject(writer: ByteWriter, value: object, depth: number): void {
  if (depth > DEPTH_MAX) {
    writer.textField(1, TOO_DEEP);
    return;
  }
  if (value instanceof Uint8Array) {
    writer.bytesField(7, value);
    return;
  }
  const list = writer.beginField(Array.isArray(value) ? 5 : 6, 1);
  if (Array.isArray(value)) for (const each of value) writeAnyValue(writer, 1, each, depth);
  else writeAttributes(writer, 1, value as AttributesToEncode, depth);
  writer.endMessage(list, 1);
}

function lengthBytesOf(key: string, value: unknown): number {
  if (typeof value !== "string") return 1;
  const length = key.length + value.length;
  if (length <= ONE_BYTE_TEXT) return 1;
  return length <= TWO_BYTE_TEXT ? 2 : 3;
}
