import { ANY_SCHEMA, JSON_TYPES, type JsonType, type Schema } from "./contract.ts";

/** How a value breaks its schema. */
export interface Mismatch {
  readonly kind: "missing" | "type" | "enum" | "extra";
  /** Where: `order.items[].price`; `""` for the whole value. Array positions are left out. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

/** Values looked at in one body; more are not, and the body counts as cut. */
const VALUES_MAX = 20_000;
const MISMATCHES_MAX = 50;
const ALTERNATIVES_MAX = 20;
const SCHEMA_DEPTH_MAX = 64;
/** Alternatives within alternatives. */
const CHOICE_DEPTH_MAX = 32;
const TEXT_CHARS_MAX = 80;
const PATH_CHARS_MAX = 200;

/** A document's part as an object; `undefined` for anything else. */
export type JsonObject = { readonly [key: string]: unknown };

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/**
 * Reads schemas of one document, `$ref`s within it included, also those that lead back to themselves. What is not
 * understood (a remote reference, `not`, a wrong type) leaves the value free and is said once in `notes`.
 */
export class SchemaReader {
  readonly notes: string[] = [];
  readonly #document: unknown;
  readonly #read = new Map<object, Schema>();
  #depth = 0;

  constructor(document: unknown) {
    this.#document = document;
  }

  /** The schema that a JSON Schema, or a reference to one, stands for. */
  read(given: unknown): Schema {
    const json = this.resolve(given);
    if (json === undefined) return ANY_SCHEMA;
    const known = this.#read.get(json);
    if (known !== undefined) return known;
    if (this.#depth === SCHEMA_DEPTH_MAX) {
      this.#note(`Schemas nested deeper than ${SCHEMA_DEPTH_MAX} levels are not checked.`);
      return ANY_SCHEMA;
    }
    const schema: Growing = {};
    this.#read.set(json, schema);
    this.#depth += 1;
    this.#fill(schema, json);
    this.#depth -= 1;
    return schema;
  }

  /** Follows `$ref` within the document, at most 32 times; `undefined` when it leads nowhere. */
  resolve(given: unknown): JsonObject | undefined {
    let json = asObject(given);
    for (let steps = 0; json !== undefined && typeof json.$ref === "string"; steps++) {
      const ref = json.$ref;
      if (!ref.startsWith("#/") || steps === 32) {
        this.#note(`$ref ${ref} is not followed: only references within the file are.`);
        return undefined;
      }
      let target: unknown = this.#document;
      for (const part of ref.slice(2).split("/")) {
        const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
        const holder = asObject(target);
        target = holder !== undefined && Object.hasOwn(holder, key) ? holder[key] : undefined;
      }
      json = asObject(target);
      if (json === undefined) this.#note(`$ref ${ref} leads nowhere.`);
    }
    return json;
  }

  #fill(schema: Growing, json: JsonObject): void {
    const types = this.#typesOf(json);
    if (types !== undefined) schema.types = types;
    if (Array.isArray(json.enum)) schema.enum = json.enum;
    else if ("const" in json) schema.enum = [json.const];
    const properties = asObject(json.properties);
    if (properties !== undefined) {
      schema.properties = new Map(Object.entries(properties).map(([key, value]) => [key, this.read(value)]));
    }
    if (Array.isArray(json.required))
      schema.required = json.required.filter((key) => typeof key === "string");
    if (json.additionalProperties === false) schema.additional = false;
    else if (asObject(json.additionalProperties) !== undefined)
      schema.additional = this.read(json.additionalProperties);
    if (asObject(json.items) !== undefined) schema.items = this.read(json.items);
    const choices = Array.isArray(json.oneOf) ? json.oneOf : json.anyOf;
    if (Array.isArray(choices) && choices.length > 0) {
      schema.anyOf = choices.slice(0, ALTERNATIVES_MAX).map((choice) => this.read(choice));
    }
    if (Array.isArray(json.allOf)) for (const part of json.allOf) this.#include(schema, this.read(part));
    for (const key of ["not", "patternProperties", "discriminator"]) {
      if (key in json) this.#note(`"${key}" is not checked.`);
    }
  }

  #typesOf(json: JsonObject): readonly JsonType[] | undefined {
    const listed = Array.isArray(json.type) ? json.type : json.type === undefined ? [] : [json.type];
    const types = listed.filter((type): type is JsonType =>
      (JSON_TYPES as readonly unknown[]).includes(type),
    );
    if (types.length < listed.length) this.#note(`type ${JSON.stringify(json.type)} is not one of JSON's.`);
    if (types.length === 0) return undefined;
    // OpenAPI 3.0 says so beside the type, 3.1 among the types.
    return json.nullable === true && !types.includes("null") ? [...types, "null"] : types;
  }

  /** Adds what an `allOf` part demands. */
  #include(schema: Growing, part: Schema): void {
    if (schema === part) return;
    if (part.types !== undefined) schema.types ??= part.types;
    if (part.enum !== undefined) schema.enum ??= part.enum;
    if (part.items !== undefined) schema.items ??= part.items;
    if (part.anyOf !== undefined) schema.anyOf ??= part.anyOf;
    if (part.additional !== undefined && part.additional !== false) schema.additional ??= part.additional;
    if (part.properties !== undefined)
      schema.properties = new Map([...part.properties, ...(schema.properties ?? [])]);
    if (part.required !== undefined)
      schema.required = [...new Set([...(schema.required ?? []), ...part.required])];
  }

  #note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

type Growing = { -readonly [Key in keyof Schema]: Schema[Key] };

/** What JSON calls a value's type: `integer` for whole numbers. */
export function typeOf(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  if (typeof value === "string" || typeof value === "boolean") return typeof value as "string" | "boolean";
  return "object";
}

/**
 * Where a value breaks a schema, each place once, every array item looked at. At most 50 mismatches; `cut` when the
 * value holds more than 20 000 values, of which the first were looked at. No recursion but into alternatives, 32 deep.
 */
export function checkValue(
  schema: Schema,
  value: unknown,
): { readonly mismatches: readonly Mismatch[]; readonly cut: boolean } {
  const check = new Check(VALUES_MAX, 0);
  check.run(schema, value, "");
  return { mismatches: [...check.found.values()].slice(0, MISMATCHES_MAX), cut: check.left <= 0 };
}

class Check {
  readonly found = new Map<string, Mismatch>();
  left: number;
  readonly #depth: number;

  constructor(left: number, depth: number) {
    this.left = left;
    this.#depth = depth;
  }

  run(schema: Schema, value: unknown, path: string): void {
    const open: { readonly schema: Schema; readonly value: unknown; readonly path: string }[] = [];
    const push = (inner: Schema, innerValue: unknown, innerPath: string) => {
      open.push({ schema: inner, value: innerValue, path: innerPath });
    };
    push(schema, value, path);
    for (let next = open.pop(); next !== undefined && this.left > 0; next = open.pop()) {
      this.left -= 1;
      this.#one(next.schema, next.value, next.path, push);
    }
  }

  #one(
    schema: Schema,
    value: unknown,
    path: string,
    push: (schema: Schema, value: unknown, path: string) => void,
  ): void {
    const type = typeOf(value);
    if (schema.types !== undefined && !fitsType(schema.types, type)) {
      this.#add({ kind: "type", path, expected: schema.types.join(" or "), found: type });
      return;
    }
    if (schema.enum !== undefined && !schema.enum.some((allowed) => sameJson(allowed, value))) {
      const expected = shorten(schema.enum.map((allowed) => JSON.stringify(allowed)).join(", "));
      this.#add({ kind: "enum", path, expected, found: shorten(JSON.stringify(value) ?? "") });
    }
    if (schema.anyOf !== undefined) this.#alternatives(schema.anyOf, value, path);
    if (Array.isArray(value)) {
      if (schema.items !== undefined) for (const item of value) push(schema.items, item, `${path}[]`);
      return;
    }
    const object = asObject(value);
    if (object !== undefined) this.#object(schema, object, path, push);
  }

  #object(
    schema: Schema,
    object: JsonObject,
    path: string,
    push: (schema: Schema, value: unknown, path: string) => void,
  ): void {
    const at = (key: string) => (path === "" ? key : `${path}.${key}`);
    for (const key of schema.required ?? []) {
      if (Object.hasOwn(object, key)) continue;
      const wanted = schema.properties?.get(key)?.types?.join(" or ") ?? "a value";
      this.#add({ kind: "missing", path: at(key), expected: wanted, found: "nothing" });
    }
    for (const [key, value] of Object.entries(object)) {
      const property = schema.properties?.get(key);
      if (property !== undefined) push(property, value, at(key));
      else if (schema.additional !== undefined && schema.additional !== false)
        push(schema.additional, value, at(key));
      // A schema that names properties does not mention this one: no break, but news.
      else if (schema.properties !== undefined && schema.anyOf === undefined)
        this.#add({ kind: "extra", path: at(key), expected: "nothing", found: typeOf(value) });
    }
  }

  /** The alternative that fits best tells what is wrong; nothing when one fits. */
  #alternatives(choices: readonly Schema[], value: unknown, path: string): void {
    let best: Check | undefined;
    for (const choice of this.#depth === CHOICE_DEPTH_MAX ? [] : choices) {
      const check = new Check(this.left, this.#depth + 1);
      check.run(choice, value, path);
      this.left = check.left;
      if (best === undefined || check.found.size < best.found.size) best = check;
      if (check.found.size === 0) break;
    }
    for (const mismatch of best?.found.values() ?? []) this.#add(mismatch);
  }

  #add(mismatch: Mismatch): void {
    const path = mismatch.path.slice(0, PATH_CHARS_MAX);
    const key = `${mismatch.kind} ${path}`;
    if (this.found.size < MISMATCHES_MAX && !this.found.has(key)) this.found.set(key, { ...mismatch, path });
  }
}

function fitsType(types: readonly JsonType[], type: JsonType): boolean {
  return types.includes(type) || (type === "integer" && types.includes("number"));
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}

function shorten(text: string): string {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
}
