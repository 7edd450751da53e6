/**
 * A plain protobuf writer for tests, kept apart from `src/wire` so that encoder and decoder do not share mistakes.
 * Every method appends one field; a value that is undefined appends nothing.
 */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = [];

  varint(field: number, value: bigint | number | boolean | undefined): this {
    if (value === undefined) return this;
    this.#push(tag(field, 0), varintBytes(BigInt(value)));
    return this;
  }

  fixed32(field: number, value: number | undefined): this {
    if (value === undefined) return this;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.#push(tag(field, 5), bytes);
    return this;
  }

  fixed64(field: number, value: bigint | number | undefined): this {
    if (value === undefined) return this;
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    this.#push(tag(field, 1), bytes);
    return this;
  }

  double(field: number, value: number | undefined): this {
    if (value === undefined) return this;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.#push(tag(field, 1), bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array | undefined): this {
    if (value === undefined) return this;
    this.#push(tag(field, 2), varintBytes(BigInt(value.length)), value);
    return this;
  }

  text(field: number, value: string | undefined): this {
    return value === undefined ? this : this.bytes(field, Buffer.from(value));
  }

  hex(field: number, value: string | undefined): this {
    return value === undefined ? this : this.bytes(field, Buffer.from(value, "hex"));
  }

  message(field: number, value: ProtoWriter | undefined): this {
    return value === undefined ? this : this.bytes(field, value.finish());
  }

  /** Bytes as they are, for what no method writes. */
  raw(...bytes: (number | Uint8Array)[]): this {
    for (const each of bytes) this.#push(typeof each === "number" ? [each] : each);
    return this;
  }

  finish(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  #push(...parts: (Uint8Array | readonly number[])[]): void {
    for (const part of parts) this.#parts.push(part instanceof Uint8Array ? part : Uint8Array.from(part));
  }
}

/** The tag of a field as varint bytes. */
function tag(field: number, wire: number): number[] {
  return varintBytes((BigInt(field) << 3n) | BigInt(wire));
}

/** Minimal varint of a value modulo 2^64. */
export function varintBytes(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}
