import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AttributeValue } from "../../src/model/attributes.ts";
import { varintEnd, varintValue } from "../../src/wire/cursor.ts";
import { decodeAnyValue } from "../../src/wire/decode-attributes.ts";
import {
  ATTRIBUTES_FIELD,
  asciiLower,
  findAttribute,
  numberOf,
  stringContains,
  stringEquals,
} from "../../src/wire/raw-attributes.ts";
import { anyValue, buildLog, buildSpan } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";
import { freshSeed } from "../support/seed.ts";
import { attributes, spanSpec } from "./arbitrary.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const MISSING = Symbol("missing");

/** The attribute's decoded value, found in bytes that lie inside a larger buffer, as in the store's slabs. */
function lookUp(record: Uint8Array, field: number, ...keys: string[]): AttributeValue | typeof MISSING {
  const slab = Buffer.concat([Buffer.alloc(7, 0xff), record, Buffer.alloc(7, 0xff)]);
  const at = findAttribute(slab, 7, record.length, field, keys.map(utf8));
  if (at < 0) return MISSING;
  const start = varintEnd(slab, at, slab.length);
  return decodeAnyValue(slab, start, start + varintValue(slab, at));
}

describe("an attribute", () => {
  const span = buildSpan({
    attributes: { a: 1, "http.route": "/x", long: "y".repeat(300), empty: null, "": "no key" },
  });
  test.each<[string[], AttributeValue | typeof MISSING]>([
    [["a"], 1],
    [["http.route"], "/x"],
    [["long"], "y".repeat(300)],
    [["empty"], null],
    [[""], "no key"],
    [["http.rout"], MISSING],
    [["http.routes"], MISSING],
    [["xttp.route"], MISSING],
    [[], MISSING],
    [["none", "a"], 1],
    [["http.route", "a"], "/x"],
    [["a", "http.route"], 1],
  ])("%j is %j", (keys, value) => {
    expect(lookUp(span, ATTRIBUTES_FIELD.span, ...keys)).toEqual(value);
  });

  test("of a log record is in another field", () => {
    const log = buildLog({ attributes: { a: "x" }, body: "y" });
    expect(lookUp(log, ATTRIBUTES_FIELD.log, "a")).toBe("x");
    expect(lookUp(log, ATTRIBUTES_FIELD.span, "a")).toBe(MISSING);
  });

  test.each<[string, ProtoWriter, AttributeValue | typeof MISSING]>([
    ["value before key", new ProtoWriter().message(2, anyValue("v")).text(1, "k"), "v"],
    ["an unknown field between", new ProtoWriter().text(1, "k").varint(9, 1).message(2, anyValue("v")), "v"],
    ["an unknown field after", new ProtoWriter().text(1, "k").message(2, anyValue("v")).varint(9, 1), "v"],
    ["a key that repeats", new ProtoWriter().text(1, "x").text(1, "k").message(2, anyValue("v")), "v"],
    [
      "a value that repeats",
      new ProtoWriter().text(1, "k").message(2, anyValue("u")).message(2, anyValue("v")),
      "v",
    ],
    ["no value", new ProtoWriter().text(1, "k"), MISSING],
    ["nothing", new ProtoWriter(), MISSING],
  ])("of an unusual layout: %s", (_, keyValue, value) => {
    expect(lookUp(new ProtoWriter().message(9, keyValue).finish(), 9, "k")).toEqual(value);
  });

  test("without a value does not take the field after it for one", () => {
    const record = new ProtoWriter().message(9, new ProtoWriter().text(1, "k")).text(2, "x".repeat(200));
    expect(lookUp(record.finish(), 9, "k")).toBe(MISSING);
  });

  test("that repeats has its last value", () => {
    const twice = new ProtoWriter().raw(
      buildSpan({ attributes: { k: 1 } }),
      buildSpan({ attributes: { k: 2 } }),
    );
    expect(lookUp(twice.finish(), 9, "k")).toBe(2);
  });

  const seed = freshSeed();
  test(`is found exactly where decoding finds it (seed ${seed})`, () => {
    fc.assert(
      fc.property(spanSpec, attributes, (spec, set) => {
        const record = buildSpan({ ...spec, attributes: set });
        for (const [key, value] of Object.entries(set)) expect(lookUp(record, 9, key)).toEqual(value);
        expect(lookUp(record, 9, "a key that no string of twelve characters equals")).toBe(MISSING);
      }),
      { seed },
    );
  });
});

/** Position of a value that stands alone. */
function standingAlone(value: AttributeValue): [Uint8Array, number] {
  const record = new ProtoWriter()
    .message(9, new ProtoWriter().text(1, "k").message(2, anyValue(value)))
    .finish();
  return [record, findAttribute(record, 0, record.length, 9, [utf8("k")])];
}

test.each<[AttributeValue, string, boolean]>([
  ["GET", "GET", true],
  ["GET", "get", false],
  ["GET", "GE", false],
  ["", "", true],
  ["é", "é", true],
  [1, "1", false],
  [null, "", false],
  [Uint8Array.of(0x61), "a", false],
])("%j equals the string %j: %s", (value, text, expected) => {
  expect(stringEquals(...standingAlone(value), utf8(text))).toBe(expected);
});

test.each<[AttributeValue, string, boolean]>([
  ["https://Shop.example/Cart", "shop", true],
  ["https://Shop.example/Cart", "CART", true],
  ["https://Shop.example/Cart", "carts", false],
  ["aab", "AB", true],
  ["x", "", true],
  ["", "x", false],
  ["Ärger", "ärger", false],
  ["Ärger", "RGER", true],
  ["@", "`", false],
  ["x".repeat(200), "xX", true],
  [5, "5", false],
])("%j contains %j, ignoring ASCII case: %s", (value, needle, expected) => {
  expect(stringContains(...standingAlone(value), asciiLower(needle))).toBe(expected);
});

test.each<[AttributeValue, number]>([
  [0, 0],
  [500, 500],
  [-1, -1],
  [2 ** 53 - 1, 2 ** 53 - 1],
  [2n ** 62n, 2 ** 62],
  [-(2n ** 63n), -(2 ** 63)],
  [1.5, 1.5],
  ["500", Number.NaN],
  [true, Number.NaN],
  [null, Number.NaN],
])("the number of %s is %d", (value, expected) => {
  expect(numberOf(...standingAlone(value))).toBe(expected);
});

test("an unknown field beside a value changes nothing", () => {
  const value = new ProtoWriter().text(1, "x").varint(9, 5);
  const record = new ProtoWriter().message(9, new ProtoWriter().text(1, "k").message(2, value)).finish();
  const at = findAttribute(record, 0, record.length, 9, [utf8("k")]);
  expect(stringEquals(record, at, utf8("x"))).toBe(true);
  expect(numberOf(record, at)).toBeNaN();
});
