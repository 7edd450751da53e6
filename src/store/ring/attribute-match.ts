import type { AttributeValue } from "../../model/attributes.ts";
import { varintEnd, varintValue } from "../../wire/cursor.ts";
import { asciiLower, numberOf, stringContains, stringEquals } from "../../wire/raw-attributes.ts";
import type { Masker } from "../mask.ts";
import type { AttributeFilter } from "../telemetry-store.ts";

/** A card number's least digits: no shorter integer is ever masked for its shape. */
const INTEGER_MASKED_MIN = 1e11;

/**
 * One attribute condition, made ready for raw bytes. A match on them is final only where masking would not have
 * changed the value, or a filter could be used to guess a secret: `isFinal` says so, and whoever gets false
 * compares the masked value.
 */
export class AttributeMatch {
  /** UTF-8 of the keys, in the order they are tried. */
  readonly keys: readonly Uint8Array[];
  readonly names: readonly string[];
  /** A key whose every value is masked. */
  readonly hasSecretKey: boolean;
  readonly #match: AttributeFilter["match"];
  readonly #text: Uint8Array;
  readonly #number: number;
  readonly #isTextPlain: boolean;
  /** Asks for what masking writes, so raw bytes cannot rule it out. */
  readonly #asksForMask: boolean;
  readonly #masker: Masker;
  #scratch = Buffer.alloc(1024);

  constructor(filter: AttributeFilter, masker: Masker) {
    const { keys, match } = filter;
    this.names = keys;
    this.keys = keys.map((key) => new TextEncoder().encode(key));
    this.#match = match;
    this.#masker = masker;
    const text = match.op === "equals" || match.op === "contains" ? match.value : "";
    this.#text = match.op === "contains" ? asciiLower(text) : new TextEncoder().encode(text);
    this.#number = text.trim() === "" ? Number.NaN : Number(text);
    this.#asksForMask = text.includes("*");
    this.hasSecretKey = this.keys.some((key) => this.#isSecretKey(key));
    this.#isTextPlain = masker.maskText(text) === text && !(Math.abs(this.#number) >= INTEGER_MASKED_MIN);
  }

  /** Whether the raw value at `at` (wire/raw-attributes.ts) could match once it is masked. */
  matchesRaw(bytes: Uint8Array, at: number): boolean {
    return (
      this.#asksForMask || (this.hasSecretKey && this.#match.op === "between") || this.#compare(bytes, at)
    );
  }

  /** Whether the answer of `matchesRaw` holds for the masked value too. */
  isFinal(bytes: Uint8Array, at: number): boolean {
    if (this.#match.op === "exists") return true;
    if (this.hasSecretKey || this.#asksForMask) return false;
    if (this.#match.op === "equals") return this.#isTextPlain;
    if (this.#match.op === "between") return !(Math.abs(numberOf(bytes, at)) >= INTEGER_MASKED_MIN);
    return this.#isPlain(bytes, at);
  }

  /** Whether the value at `at` in masked bytes matches. */
  matchesMasked(bytes: Uint8Array, at: number): boolean {
    return this.#compare(bytes, at);
  }

  /** Whether a decoded, masked value matches. */
  matchesValue(value: AttributeValue): boolean {
    const match = this.#match;
    switch (match.op) {
      case "exists":
        return true;
      case "between":
        return isNumeric(value) && value >= match.min && value <= match.max;
      case "contains":
        return typeof value === "string" && value.toLowerCase().includes(match.value.toLowerCase());
      case "equals":
        if (isNumeric(value)) return Number(value) === this.#number;
        return typeof value === "object" ? false : String(value) === match.value;
    }
  }

  #compare(bytes: Uint8Array, at: number): boolean {
    const match = this.#match;
    switch (match.op) {
      case "exists":
        return true;
      case "between": {
        const number = numberOf(bytes, at);
        return number >= match.min && number <= match.max;
      }
      case "contains":
        return stringContains(bytes, at, this.#text);
      case "equals":
        if (stringEquals(bytes, at, this.#text)) return true;
        if (numberOf(bytes, at) === this.#number) return true;
        return (
          isBoolean(bytes, at) &&
          match.value === (bytes[varintEnd(bytes, at, bytes.length) + 1] === 0 ? "false" : "true")
        );
    }
  }

  /** Whether masking leaves a value as it is, told by masking it alone: as an attribute without a key. */
  #isPlain(bytes: Uint8Array, at: number): boolean {
    const end = varintEnd(bytes, at, bytes.length) + varintValue(bytes, at);
    const value = bytes.subarray(at, end);
    const record = this.#attributeRecord(new Uint8Array(0), value);
    return this.#masker.maskRecord("span", record) === 0;
  }

  #isSecretKey(key: Uint8Array): boolean {
    // A letter (AnyValue string of one byte) is masked only for its key.
    return this.#masker.maskRecord("span", this.#attributeRecord(key, Uint8Array.of(3, 0x0a, 1, 0x61))) > 0;
  }

  /** A Span of one attribute; `value` is an AnyValue with its length before it. Scratch. */
  #attributeRecord(key: Uint8Array, value: Uint8Array): Uint8Array {
    const keyValue = 1 + lengthBytes(key.length) + key.length + 1 + value.length;
    const size = 1 + lengthBytes(keyValue) + keyValue;
    if (size > this.#scratch.length) this.#scratch = Buffer.alloc(2 * size);
    const bytes = this.#scratch;
    let p = 0;
    bytes[p++] = 0x4a;
    p = writeLength(bytes, p, keyValue);
    bytes[p++] = 0x0a;
    p = writeLength(bytes, p, key.length);
    bytes.set(key, p);
    p += key.length;
    bytes[p++] = 0x12;
    bytes.set(value, p);
    return bytes.subarray(0, p + value.length);
  }
}

function isNumeric(value: AttributeValue): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** Whether the value at `at` is a bool: field 2 of AnyValue. */
function isBoolean(bytes: Uint8Array, at: number): boolean {
  return varintValue(bytes, at) === 2 && bytes[varintEnd(bytes, at, bytes.length)] === 0x10;
}

function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : 1 + lengthBytes(Math.floor(length / 0x80));
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  let rest = length;
  let p = at;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[p++] = (rest & 0x7f) | 0x80;
  bytes[p++] = rest;
  return p;
}
