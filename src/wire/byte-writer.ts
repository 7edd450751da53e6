const BYTES_AT_FIRST = 256;
/** Below this many bytes a loop is faster than a call out of JavaScript. */
const COPY_CALL_MIN = 64;

/**
 * Protobuf bytes being written: one growing buffer. Values are the caller's to check; numbers written as varints
 * are integers from 0 to 2^53 - 1.
 */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  /** The same memory as `bytes`, for what only a Buffer can do. */
  #view: Buffer;
  readonly #double = new Float64Array(1);
  readonly #doubleBytes = new Uint8Array(this.#double.buffer);

  constructor(bytesAtFirst = BYTES_AT_FIRST) {
    this.bytes = new Uint8Array(bytesAtFirst);
    this.#view = Buffer.from(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = Buffer.from(grown.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
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

  /** A 64-bit varint from two unsigned halves. */
  varint64(low: number, high: number): void {
    this.reserve(10);
    let lowRest = low;
    let highRest = high;
    while (highRest !== 0 || lowRest >= 0x80) {
      this.bytes[this.length++] = (lowRest & 0x7f) | 0x80;
      lowRest = ((lowRest >>> 7) | (highRest << 25)) >>> 0;
      highRest >>>= 7;
    }
    this.bytes[this.length++] = lowRest;
  }

  fixed32(value: number): void {
    this.reserve(4);
    const { bytes } = this;
    bytes[this.length++] = value;
    bytes[this.length++] = value >>> 8;
    bytes[this.length++] = value >>> 16;
    bytes[this.length++] = value >>> 24;
  }

  fixed64(low: number, high: number): void {
    this.fixed32(low);
    this.fixed32(high);
  }

  double(value: number): void {
    this.#double[0] = value;
    this.raw(this.#doubleBytes);
  }

  /** `source` from `at` to `end`, as it is. */
  copy(source: Buffer, at: number, end: number): void {
    this.reserve(end - at);
    if (end - at > COPY_CALL_MIN) {
      source.copy(this.bytes, this.length, at, end);
      this.length += end - at;
      return;
    }
    const { bytes } = this;
    let p = this.length;
    for (let q = at; q < end; q++) bytes[p++] = source[q]!;
    this.length = p;
  }

  /** Keeps `lengthBytes` free for the length of a message that is written next; returns where it starts. */
  beginMessage(lengthBytes: number): number {
    this.reserve(lengthBytes);
    this.length += lengthBytes;
    return this.length;
  }

  /** The tag of a message field and room for its length; returns where the message starts. */
  beginField(field: number, lengthBytes: number): number {
    this.varint(field * 8 + 2);
    return this.beginMessage(lengthBytes);
  }

  /** Writes the length of the message that began at `start`, and moves it when its length takes other room. */
  endMessage(start: number, lengthBytes: number): void {
    const length = this.length - start;
    const needed = varintBytes(length);
    if (needed !== lengthBytes) {
      this.reserve(10);
      this.bytes.copyWithin(start - lengthBytes + needed, start, this.length);
    }
    this.length = start - lengthBytes;
    this.varint(length);
    this.length += length;
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

  /** A string field, in UTF-8. Half a surrogate pair becomes U+FFFD. */
  textField(field: number, text: string): void {
    this.varint(field * 8 + 2);
    if (text.length <= COPY_CALL_MIN && this.#asciiWithLength(text)) return;
    const bytes = Buffer.byteLength(text);
    this.varint(bytes);
    this.reserve(bytes);
    this.#view.write(text, this.length, bytes);
    this.length += bytes;
  }

  /** Writes the length (one byte) and text, or nothing and returns false when a character is not ASCII. */
  #asciiWithLength(text: string): boolean {
    const { length } = text;
    this.reserve(1 + length);
    const { bytes } = this;
    let p = this.length;
    bytes[p++] = length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[p++] = code;
    }
    this.length = p;
    return true;
  }

  /** Forgets what was written and keeps the room. */
  clear(): void {
    this.length = 0;
  }

  /** What was written: a view of the buffer, valid until the next write. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Bytes of the varint of an integer from 0 to 2^53 - 1. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
