import { varintValue } from "../../wire/cursor.ts";
import { isSecretFlag } from "./assignments.ts";
import { isCardNumber } from "./card-number.ts";
import { overwrite } from "./range.ts";
import { KEY_PLAIN, keyVerdict } from "./secret-keys.ts";
import type { ValueShapes } from "./value-shapes.ts";

/** Messages that a record can be given as. A `point` is a data point of any of the five metric types. */
export type RecordKind = "span" | "log" | "point" | "resource" | "scope" | "metric";

/** What is done with a field. Fields that a message's row does not name are text. */
const TEXT = 0;
const SKIP = 1;
const KEY = 2;
const BYTES = 3;
const NUMBER = 4;
/** From here on, a nested message: its index in `MESSAGES` is the action less `NESTED`. */
const NESTED = 8;

const ANY_VALUE = 0;
const KEY_VALUE = 1;
const ARRAY = 2;
const KEY_VALUE_LIST = 3;
const EVENT = 4;
const LINK = 5;
const STATUS = 6;
const EXEMPLAR = 7;
const POINT = 8;
const POINTS = 9;
const SPAN = 10;
const LOG = 11;
const RESOURCE = 12;
const SCOPE = 13;
const METRIC = 14;

const FIELDS = 32;

function fields(actions: Readonly<Record<number, number>>, rest = TEXT): Uint8Array {
  const row = new Uint8Array(FIELDS).fill(rest);
  for (const [field, action] of Object.entries(actions)) row[Number(field)] = action;
  return row;
}

const nested = (message: number): number => NESTED + message;
const ATTRIBUTE = nested(KEY_VALUE);

/**
 * OTLP's messages by what masking does with their fields (opentelemetry-proto 1.x). The five kinds of points
 * share one row: attributes are field 1, 7 or 9 and exemplars 5, 8 or 11, and what else bears these numbers
 * (buckets, bounds) reads as a message with no text in it.
 */
const MESSAGES: readonly Uint8Array[] = [
  fields({ 1: TEXT, 2: NUMBER, 3: NUMBER, 4: NUMBER, 5: nested(ARRAY), 6: nested(KEY_VALUE_LIST), 7: BYTES }),
  fields({ 1: KEY, 2: nested(ANY_VALUE) }, SKIP),
  fields({ 1: nested(ANY_VALUE) }, SKIP),
  fields({ 1: ATTRIBUTE }, SKIP),
  fields({ 3: ATTRIBUTE }),
  fields({ 1: SKIP, 2: SKIP, 4: ATTRIBUTE }),
  fields({}),
  fields({ 7: ATTRIBUTE }, SKIP),
  fields(
    {
      1: ATTRIBUTE,
      5: nested(EXEMPLAR),
      7: ATTRIBUTE,
      8: nested(EXEMPLAR),
      9: ATTRIBUTE,
      11: nested(EXEMPLAR),
    },
    SKIP,
  ),
  fields({ 1: nested(POINT) }, SKIP),
  fields({
    1: SKIP,
    2: SKIP,
    4: SKIP,
    9: ATTRIBUTE,
    11: nested(EVENT),
    13: nested(LINK),
    15: nested(STATUS),
  }),
  fields({ 5: nested(ANY_VALUE), 6: ATTRIBUTE, 9: SKIP, 10: SKIP }),
  fields({ 1: ATTRIBUTE }),
  fields({ 3: ATTRIBUTE }),
  fields({
    5: nested(POINTS),
    7: nested(POINTS),
    9: nested(POINTS),
    10: nested(POINTS),
    11: nested(POINTS),
    12: ATTRIBUTE,
  }),
];

const MESSAGE_OF_KIND: Readonly<Record<RecordKind, number>> = {
  span: SPAN,
  log: LOG,
  point: POINT,
  resource: RESOURCE,
  scope: SCOPE,
  metric: METRIC,
};

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
/** Deeper than any scan lets through; bounds the stack. */
const DEPTH_MAX = 256;
/** Keys shorter than the shortest secret are not looked at for one. */
const KEY_BYTES_MIN = 14;

/** What rules that users added say, beside the built-in ones. */
export interface AddedRules {
  isSecretKey(bytes: Uint8Array, start: number, end: number): boolean;
  maskText(bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * Walks an OTLP message and overwrites secrets where they lie. Lengths, tags and field order stay, so that the
 * message decodes as before: text and bytes become `*`, numbers and booleans under a secret's key become zero
 * (a varint padded to its length). It stops, without an error, at bytes that are not protobuf.
 */
export class RecordWalk {
  readonly #shapes: ValueShapes;
  readonly #added: AddedRules;
  #values = 0;

  constructor(shapes: ValueShapes, added: AddedRules) {
    this.#shapes = shapes;
    this.#added = added;
  }

  /** Masks a whole message; returns how many values were changed. */
  mask(kind: RecordKind, bytes: Uint8Array): number {
    this.#values = 0;
    this.#walk(MESSAGE_OF_KIND[kind], bytes, 0, bytes.length, false, 0);
    return this.#values;
  }

  #walk(message: number, bytes: Uint8Array, start: number, end: number, under: boolean, depth: number): void {
    if (depth > DEPTH_MAX) return;
    const actions = MESSAGES[message]!;
    let secret = under;
    let valueSeen = false;
    let p = start;
    while (p < end) {
      const tag = varintValue(bytes, p);
      p = afterVarint(bytes, p, end);
      if (p > end || tag < 8) return;
      const field = tag >>> 3;
      const action = field < FIELDS ? actions[field]! : TEXT;
      const wire = tag & 7;
      if (wire !== LENGTH) {
        const next = afterScalar(bytes, p, end, wire);
        if (next > end) return;
        if (action === NUMBER) this.#maskNumber(bytes, p, next, wire, secret);
        p = next;
        continue;
      }
      const length = varintValue(bytes, p);
      p = afterVarint(bytes, p, end);
      const next = p + length;
      if (!(next <= end)) return;
      if (action === KEY) {
        if (!secret && this.#isSecretKey(bytes, p, next)) {
          secret = true;
          // The value came before its key: once more, now that it is known to be secret.
          if (valueSeen) this.#walk(message, bytes, start, end, true, depth + 1);
        }
        if (length >= KEY_BYTES_MIN) this.#maskText(bytes, p, next, false);
      } else if (action >= NESTED) {
        valueSeen = true;
        this.#walk(action - NESTED, bytes, p, next, secret, depth + 1);
        if (message === ARRAY) secret = under || isFlagElement(bytes, p, next);
      } else if (action !== SKIP) {
        this.#maskText(bytes, p, next, secret);
      }
      p = next;
    }
  }

  #isSecretKey(bytes: Uint8Array, start: number, end: number): boolean {
    return keyVerdict(bytes, start, end) !== KEY_PLAIN || this.#added.isSecretKey(bytes, start, end);
  }

  #maskText(bytes: Uint8Array, start: number, end: number, secret: boolean): void {
    let changed: boolean;
    if (secret) changed = overwrite(bytes, start, end);
    else {
      changed = this.#shapes.mask(bytes, start, end);
      changed = this.#added.maskText(bytes, start, end) || changed;
    }
    if (changed) this.#values++;
  }

  #maskNumber(bytes: Uint8Array, start: number, end: number, wire: number, secret: boolean): void {
    const hidden = secret || (wire === VARINT ? isCardVarint(bytes, start, end) : isCardDouble(bytes, start));
    if (hidden && zero(bytes, start, end, wire)) this.#values++;
  }
}

/** Position after a varint; past `end` when it is cut off. */
function afterVarint(bytes: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && bytes[p]! >= 0x80) p++;
  return p + 1;
}

/** Position after a value that is no length-delimited one; past `end` when it is cut off or no such wire type is. */
function afterScalar(bytes: Uint8Array, at: number, end: number, wire: number): number {
  if (wire === VARINT) return afterVarint(bytes, at, end);
  if (wire === FIXED64) return at + 8;
  return wire === FIXED32 ? at + 4 : end + 1;
}

/** Whether an element of a list is a command-line flag whose value is the next element (`--password`, `x`). */
function isFlagElement(bytes: Uint8Array, start: number, end: number): boolean {
  // AnyValue: tag of string_value, a length of one byte, the text.
  return bytes[start] === 0x0a && end - start < 0x80 && isSecretFlag(bytes, start + 2, end);
}

/** Zero of the same length: a varint keeps its continuation bits. False when it was zero already. */
function zero(bytes: Uint8Array, start: number, end: number, wire: number): boolean {
  let changed = false;
  for (let p = start; p < end; p++) {
    const blank = wire === VARINT && p < end - 1 ? 0x80 : 0;
    if (bytes[p] !== blank) changed = true;
    bytes[p] = blank;
  }
  return changed;
}

/** The least card number, 3e13, takes seven varint bytes; the largest eight. */
function isCardVarint(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  return (length === 7 || length === 8) && isCardNumber(varintValue(bytes, start));
}

/** A double between 2^44 and 2^53 has one of a few top bytes; only then its value is read. */
function isCardDouble(bytes: Uint8Array, start: number): boolean {
  const top = bytes[start + 7];
  if (top !== 0x42 && top !== 0x43) return false;
  const value = new DataView(bytes.buffer, bytes.byteOffset + start, 8).getFloat64(0, true);
  return Number.isInteger(value) && isCardNumber(value);
}
