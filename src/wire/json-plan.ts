import { type FieldKind, LOG_RECORD, METRIC, type Message, SPAN, WIRE_OF_KIND } from "./schema.ts";

/**
 * A message of the schema, made ready for reading JSON: fields are found from the bytes of a key without making a
 * string. `slots` is an open-addressing table, at most a quarter full, on the key's length, first and last byte.
 */
export interface JsonPlan {
  /** What a value of it must be, for errors. */
  readonly expected: string;
  readonly slots: readonly (JsonField | undefined)[];
  readonly byName: ReadonlyMap<string, JsonField>;
  /** Bytes kept free for this message's length when it is written, as most of its kind need. */
  readonly lengthBytes: number;
}

export interface JsonField {
  readonly name: string;
  /** What its value must be, for errors; made once, since the hot path must not build strings. */
  readonly expected: string;
  readonly expectedArray: string;
  readonly key: Uint8Array;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  readonly presence: boolean;
  /** Field number and wire type; length-delimited when repeated, since repeated numbers are packed. */
  readonly tag: number;
  /** Plan of the nested message; set exactly when `kind` is "message". */
  readonly plan: JsonPlan | undefined;
}

/** Records are longer than 127 bytes and shorter than 16 kB, as a rule. */
const LONG_MESSAGES: ReadonlySet<Message> = new Set([SPAN, LOG_RECORD, METRIC]);

const EXPECTED: Readonly<Partial<Record<FieldKind, string>>> = {
  string: "a string",
  id: "a string of hex digits",
  bytes: "a base64 string",
  bool: "true or false",
  double: 'a number, "NaN", "Infinity" or "-Infinity"',
};

/** The plan of a message and of all that it holds. */
export function compilePlan(message: Message): JsonPlan {
  return compile(message, new Map());
}

function compile(message: Message, done: Map<Message, JsonPlan>): JsonPlan {
  const known = done.get(message);
  if (known !== undefined) return known;
  const fields = message.fields.filter((field) => field !== undefined);
  const slots: (JsonField | undefined)[] = Array.from({ length: slotCount(fields.length) });
  const byName = new Map<string, JsonField>();
  const plan = {
    expected: `an object (${message.name})`,
    slots,
    byName,
    lengthBytes: LONG_MESSAGES.has(message) ? 2 : 1,
  };
  done.set(message, plan); // before its fields: an AnyValue holds lists of AnyValues
  for (const field of fields) {
    const key = new TextEncoder().encode(field.name);
    const compiled: JsonField = {
      name: field.name,
      expected: `${EXPECTED[field.kind] ?? "a number"} (${field.name})`,
      expectedArray: `an array (${field.name})`,
      key,
      kind: field.kind,
      repeated: field.repeated,
      presence: field.presence,
      tag: field.number * 8 + (field.repeated ? 2 : WIRE_OF_KIND[field.kind]),
      plan: field.message && compile(field.message, done),
    };
    let slot = slotOf(key, 0, key.length, slots.length);
    while (slots[slot] !== undefined) slot = (slot + 1) % slots.length;
    slots[slot] = compiled;
    byName.set(field.name, compiled);
  }
  return plan;
}

/** The field that the key between `at` and `end` names; undefined when the message has none of this name. */
export function findField(plan: JsonPlan, bytes: Uint8Array, at: number, end: number): JsonField | undefined {
  const { slots } = plan;
  if (end === at) return undefined;
  let slot = slotOf(bytes, at, end, slots.length);
  for (;;) {
    const field = slots[slot];
    if (field === undefined || isKey(field.key, bytes, at, end)) return field;
    slot = (slot + 1) & (slots.length - 1);
  }
}

function isKey(key: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at !== key.length) return false;
  for (let i = 0; i < key.length; i++) {
    if (bytes[at + i] !== key[i]) return false;
  }
  return true;
}

/** A power of two, at least four times the fields. */
function slotCount(fields: number): number {
  let count = 8;
  while (count < 4 * fields) count *= 2;
  return count;
}

function slotOf(bytes: Uint8Array, at: number, end: number, slots: number): number {
  return (7 * (end - at) + 3 * bytes[at]! + bytes[end - 1]!) & (slots - 1);
}
