const BYTES_AT_FIRST = 256;

/**
 * Protobuf bytes being written: one growing buffer. Values are the caller's to check; numbers written as varints
 * are integers from 0 to 2^53 - 1.
 */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(bytesAtFirst = BYTES_AT_FIRST) {
    this.bytes = new Uint8Array(bytesAtFirst);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  varint(value: number): void {
    this.reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** Bytes as they are, without tag or length. */
  raw(payload: Uint8Array): void {
    this.reserve(payload.length);
    this.bytes.set(payload, this.length);
    this.length += payload.length;
  }

  /** A varint field. */
  varintField(field: number, value: number): void {
    this.varint(field * 8);
    this.varint(value);
  }

  /** A length-delimited field: string, bytes or message. */
  bytesField(field: number, payload: Uint8Array): void {
    this.varint(field * 8 + 2);
    this.varint(payload.length);
    this.raw(payload);
  }

  /** What was written: a view of the buffer, valid until the next write. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
