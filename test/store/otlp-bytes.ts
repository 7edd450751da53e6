/**
 * OTLP messages as bytes, written field by field, so that tests say exactly what lies where. Each function
 * returns the bytes of a field (tag and value) or, for `message`, of fields one after another.
 */
export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(fields));
}

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return new Uint8Array(bytes);
}

export function uint(field: number, value: number | bigint): Uint8Array {
  return message(varint(field << 3), varint(value));
}

export function fixed64(field: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return message(varint((field << 3) | 1), bytes);
}

export function double(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return message(varint((field << 3) | 1), bytes);
}

/** A string, bytes or nested message field. */
export function sub(field: number, value: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(value);
  return message(varint((field << 3) | 2), varint(bytes.length), bytes);
}

/** What a test writes an AnyValue as. A `Uint8Array` is bytes_value, a bigint int_value, a number double_value. */
export type Value =
  | string
  | boolean
  | bigint
  | number
  | Uint8Array
  | readonly Value[]
  | { [key: string]: Value };

/** The bytes of an AnyValue message. */
export function anyValue(value: Value): Uint8Array {
  if (typeof value === "string") return sub(1, value);
  if (typeof value === "boolean") return uint(2, value ? 1 : 0);
  if (typeof value === "bigint") return uint(3, value);
  if (typeof value === "number") return double(4, value);
  if (value instanceof Uint8Array) return sub(7, value);
  if (Array.isArray(value)) return sub(5, message(...value.map((item: Value) => sub(1, anyValue(item)))));
  return sub(6, message(...Object.entries(value).map(([key, item]) => keyValue(1, key, item))));
}

/** A KeyValue in the given field. */
export function keyValue(field: number, key: string, value: Value): Uint8Array {
  return sub(field, message(sub(1, key), sub(2, anyValue(value))));
}

/** KeyValues in the given field, one for each entry. */
export function attributes(field: number, values: { readonly [key: string]: Value }): Uint8Array {
  return message(...Object.entries(values).map(([key, value]) => keyValue(field, key, value)));
}
