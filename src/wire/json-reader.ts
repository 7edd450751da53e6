import { GasolineError } from "../model/errors.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Nesting of values that are skipped, since nobody knows their field. */
const SKIP_DEPTH_MAX = 512;

/**
 * A cursor over JSON text (RFC 8259) that makes no objects: it finds where strings and numbers lie, and checks the
 * grammar. Invalid UTF-8 inside strings is let through. Every method throws `malformed_body` at the first byte that
 * does not fit.
 */
export class JsonReader {
  readonly bytes: Buffer;
  readonly end: number;
  at = 0;
  /** Content of the string read last, without its quotes, and whether it holds escapes. */
  stringAt = 0;
  stringEnd = 0;
  escaped = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.end = bytes.length;
    const hasByteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    if (hasByteOrderMark) this.at = 3;
  }

  /** The next byte that is not white space, not consumed; 0 at the end. */
  peek(): number {
    if (this.at < this.end) {
      const byte = this.bytes[this.at]!;
      if (byte > 0x20) return byte;
    }
    return this.#peekPastSpace();
  }

  #peekPastSpace(): number {
    const { bytes, end } = this;
    let p = this.at;
    while (p < end) {
      const byte = bytes[p]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.at = p;
        return byte;
      }
      p++;
    }
    this.at = p;
    return 0;
  }

  /** Consumes the next byte if it is this one. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /** Consumes the next byte, which must be this one. */
  expect(byte: number, what: string): void {
    if (this.peek() !== byte) throw this.error(`expected ${what}`);
    this.at++;
  }

  /** Consumes a string; where it lies is in `stringAt`, `stringEnd` and `escaped`. */
  readString(what: string): void {
    this.expect(QUOTE, what);
    const { bytes, end } = this;
    let p = this.at;
    this.stringAt = p;
    this.escaped = false;
    while (p < end) {
      const byte = bytes[p]!;
      if (byte === QUOTE) {
        this.stringEnd = p;
        this.at = p + 1;
        return;
      }
      if (byte === BACKSLASH) {
        this.escaped = true;
        p++;
      } else if (byte < 0x20) {
        this.at = p;
        throw this.error("a control character in a string must be escaped");
      }
      p++;
    }
    this.at = end;
    throw this.error("a string is not closed");
  }

  /** Text of the string read last; a lone surrogate stays one. */
  stringText(): string {
    const { bytes, stringAt, stringEnd } = this;
    if (!this.escaped) return bytes.toString("utf8", stringAt, stringEnd);
    try {
      return JSON.parse(bytes.toString("utf8", stringAt - 1, stringEnd + 1)) as string;
    } catch {
      this.at = stringAt;
      throw this.error("a string holds an escape that JSON does not have");
    }
  }

  /** Position after the number at `at`, which is not consumed. */
  numberEnd(at: number): number {
    let p = this.#byteAt(at) === 0x2d ? at + 1 : at;
    const integerAt = p;
    p = this.#digitsEnd(p);
    if (this.bytes[integerAt] === 0x30 && p > integerAt + 1) {
      throw this.error("a number has a leading zero");
    }
    if (this.#byteAt(p) === 0x2e) p = this.#digitsEnd(p + 1);
    if ((this.#byteAt(p) | 0x20) === 0x65) {
      const sign = this.#byteAt(p + 1);
      p = this.#digitsEnd(sign === 0x2b || sign === 0x2d ? p + 2 : p + 1);
    }
    return p;
  }

  #digitsEnd(at: number): number {
    let p = at;
    while (isDigit(this.#byteAt(p))) p++;
    if (p === at) throw this.error("expected a digit");
    return p;
  }

  #byteAt(at: number): number {
    return at < this.end ? this.bytes[at]! : 0;
  }

  /** Consumes `true`, `false` or `null`. */
  readLiteral(literal: "true" | "false" | "null"): void {
    this.peek();
    for (let i = 0; i < literal.length; i++) {
      if (this.#byteAt(this.at + i) !== literal.charCodeAt(i)) throw this.error(`expected ${literal}`);
    }
    this.at += literal.length;
  }

  /** Consumes any value, checking its grammar. */
  skipValue(depth = 0): void {
    if (depth > SKIP_DEPTH_MAX) throw this.error(`values are nested deeper than ${SKIP_DEPTH_MAX}`);
    switch (this.peek()) {
      case QUOTE:
        this.readString("a string");
        if (this.escaped) this.stringText();
        break;
      case 0x7b:
        this.at++;
        if (this.take(0x7d)) break;
        do {
          this.readString("a property name in quotes");
          if (this.escaped) this.stringText();
          this.expect(0x3a, 'a ":" after a property name');
          this.skipValue(depth + 1);
        } while (this.take(0x2c));
        this.expect(0x7d, 'a "," or "}" after a property');
        break;
      case 0x5b:
        this.at++;
        if (this.take(0x5d)) break;
        do this.skipValue(depth + 1);
        while (this.take(0x2c));
        this.expect(0x5d, 'a "," or "]" after an array element');
        break;
      case 0x74:
        this.readLiteral("true");
        break;
      case 0x66:
        this.readLiteral("false");
        break;
      case 0x6e:
        this.readLiteral("null");
        break;
      default:
        this.at = this.numberEnd(this.at);
    }
  }

  /** The error for what stands at `at`. */
  error(what: string): GasolineError {
    const found =
      this.at < this.end ? JSON.stringify(this.bytes.toString("utf8", this.at, this.at + 16)) : "the end";
    return new GasolineError(
      "malformed_body",
      `Malformed OTLP/JSON at byte ${this.at}: ${what}, found ${found}.`,
      "Send one whole OTLP export request as JSON (lowerCamelCase names, hex ids, 64-bit integers as decimal " +
        "strings); check that the body was not cut off and that Content-Type and Content-Encoding say what it is.",
    );
  }
}

/** Whether a byte is an ASCII digit. */
export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
