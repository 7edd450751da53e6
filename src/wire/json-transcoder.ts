import type { ByteWriter } from "./byte-writer.ts";
import { writeJsonId } from "./json-id.ts";
import { type Halves, readInteger } from "./json-integer.ts";
import { findField, type JsonField, type JsonPlan } from "./json-plan.ts";
import type { JsonReader } from "./json-reader.ts";

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/**
 * Writes the JSON value at the reader as protobuf, in one pass and without making objects. Fields come out in the
 * order of the JSON; unknown ones are skipped, and so is null; zeros are left out where protobuf does not tell them
 * from absent.
 */
export class JsonTranscoder {
  readonly #reader: JsonReader;
  readonly #out: ByteWriter;
  readonly #depthMax: number;
  readonly #integer: Halves = { low: 0, high: 0, negative: false };

  /** `depthMax` bounds messages in messages. */
  constructor(reader: JsonReader, out: ByteWriter, depthMax: number) {
    this.#reader = reader;
    this.#out = out;
    this.#depthMax = depthMax;
  }

  /** The fields of one JSON object, as the fields of a message. */
  message(plan: JsonPlan, depth: number): void {
    const reader = this.#reader;
    if (depth > this.#depthMax) throw reader.error("values are nested too deep");
    reader.expect(0x7b, plan.expected);
    if (reader.take(0x7d)) return;
    do {
      reader.readString("a property name in quotes");
      const field = reader.escaped
        ? plan.byName.get(reader.stringText())
        : findField(plan, reader.bytes, reader.stringAt, reader.stringEnd);
      reader.expect(0x3a, 'a ":" after a property name');
      if (field === undefined) reader.skipValue();
      else this.#field(field, depth);
    } while (reader.take(0x2c));
    reader.expect(0x7d, 'a "," or "}" after a property');
  }

  #field(field: JsonField, depth: number): void {
    const reader = this.#reader;
    if (reader.peek() === 0x6e) {
      reader.readLiteral("null");
    } else if (!field.repeated) {
      if (field.plan === undefined) this.#scalar(field);
      else this.#nested(field, field.plan, depth);
    } else {
      reader.expect(0x5b, field.expectedArray);
      if (reader.take(0x5d)) return;
      if (field.plan === undefined) this.#packed(field);
      else this.#elements(field, field.plan, depth);
      reader.expect(0x5d, 'a "," or "]" after an array element');
    }
  }

  #elements(field: JsonField, plan: JsonPlan, depth: number): void {
    const reader = this.#reader;
    do {
      if (reader.peek() !== 0x6e) {
        this.#nested(field, plan, depth);
        continue;
      }
      // A null element keeps its place as an empty message.
      reader.readLiteral("null");
      this.#out.varint(field.tag);
      this.#out.varint(0);
    } while (reader.take(0x2c));
  }

  #packed(field: JsonField): void {
    const out = this.#out;
    out.varint(field.tag);
    const start = out.beginMessage(1);
    do this.#number(field);
    while (this.#reader.take(0x2c));
    out.endMessage(start, 1);
  }

  #nested(field: JsonField, plan: JsonPlan, depth: number): void {
    const out = this.#out;
    out.varint(field.tag);
    const start = out.beginMessage(plan.lengthBytes);
    this.message(plan, depth + 1);
    out.endMessage(start, plan.lengthBytes);
  }

  #scalar(field: JsonField): void {
    const out = this.#out;
    const before = out.length;
    out.varint(field.tag);
    const isZero = this.#value(field);
    if (isZero && !field.presence) out.length = before;
  }

  /** Writes a value without its tag; returns whether it is the zero of its type. */
  #value(field: JsonField): boolean {
    switch (field.kind) {
      case "string":
        return this.#string(field);
      case "id":
        this.#reader.readString(field.expected);
        return writeJsonId(this.#reader, field.name, this.#out);
      case "bytes":
        return this.#bytes(field);
      case "bool":
        return this.#bool(field);
      default:
        return this.#number(field);
    }
  }

  #string(field: JsonField): boolean {
    const reader = this.#reader;
    const out = this.#out;
    reader.readString(field.expected);
    if (reader.escaped) {
      // A lone surrogate becomes U+FFFD here.
      const text = Buffer.from(reader.stringText());
      out.varint(text.length);
      out.raw(text);
      return text.length === 0;
    }
    const length = reader.stringEnd - reader.stringAt;
    out.varint(length);
    out.copy(reader.bytes, reader.stringAt, reader.stringEnd);
    return length === 0;
  }

  #bytes(field: JsonField): boolean {
    const reader = this.#reader;
    reader.readString(field.expected);
    const text = reader.stringText();
    if (!BASE64.test(text)) throw reader.error(`${field.name} is not base64`);
    const bytes = Buffer.from(text, "base64");
    this.#out.varint(bytes.length);
    this.#out.raw(bytes);
    return bytes.length === 0;
  }

  #bool(field: JsonField): boolean {
    const first = this.#reader.peek();
    const isTrue = first === 0x74;
    if (!isTrue && first !== 0x66) throw this.#reader.error(`expected ${field.expected}`);
    this.#reader.readLiteral(isTrue ? "true" : "false");
    this.#out.varint(isTrue ? 1 : 0);
    return !isTrue;
  }

  #number(field: JsonField): boolean {
    if (field.kind === "double") return this.#double(field);
    const reader = this.#reader;
    const out = this.#out;
    const integer = this.#integer;
    const signed = field.kind === "int64" || field.kind === "sfixed64" || field.kind === "sint32";
    if (field.kind === "enum" && reader.peek() === 0x22) {
      throw reader.error(`${field.name} is an enum, which OTLP/JSON writes as an integer`);
    }
    const at = reader.at;
    readInteger(reader, signed, integer);
    const { low, high } = integer;
    switch (field.kind) {
      case "int64":
      case "uint64":
        out.varint64(low, high);
        break;
      case "fixed64":
      case "sfixed64":
        out.fixed64(low, high);
        break;
      case "sint32": {
        const value = low | 0;
        if (high !== (value < 0 ? 0xffff_ffff : 0)) throw this.#outOfRange(field, at);
        out.varint(((value << 1) ^ (value >> 31)) >>> 0);
        break;
      }
      case "fixed32":
        if (high !== 0) throw this.#outOfRange(field, at);
        out.fixed32(low);
        break;
      default:
        if (high !== 0) throw this.#outOfRange(field, at);
        out.varint(low);
    }
    return low === 0 && high === 0;
  }

  #outOfRange(field: JsonField, at: number): Error {
    this.#reader.at = at;
    return this.#reader.error(`${field.name} does not fit 32 bits`);
  }

  #double(field: JsonField): boolean {
    const reader = this.#reader;
    const value = reader.peek() === 0x22 ? this.#quotedDouble(field) : this.#plainDouble();
    this.#out.double(value);
    return Object.is(value, 0);
  }

  #plainDouble(): number {
    const reader = this.#reader;
    const end = reader.numberEnd(reader.at);
    const value = Number(reader.bytes.toString("latin1", reader.at, end));
    reader.at = end;
    return value;
  }

  #quotedDouble(field: JsonField): number {
    const reader = this.#reader;
    reader.readString(field.expected);
    const text = reader.stringText();
    const value = NON_FINITE[text] ?? Number(text);
    if (text.trim() === "" || (Number.isNaN(value) && text !== "NaN")) {
      reader.at = reader.stringAt;
      throw reader.error(`expected ${field.expected}`);
    }
    return value;
  }
}
