import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttributeValue } from "../../src/model/attributes.ts";
import type { RecordKind } from "../../src/store/mask/record-walk.ts";
import { createMasker } from "../../src/store/mask.ts";
import { type AttributesSpec, anyValue, buildSpan, writeAttributes } from "../support/otlp-build.ts";
import { otlpType } from "../support/otlp-proto.ts";
import { ProtoWriter } from "../support/proto-writer.ts";
import { POSITIONS, type Position } from "./mask-positions.ts";
import {
  GITHUB_TOKEN,
  HARMLESS,
  HARMLESS_KEYS,
  JWT,
  maskedText,
  SECRET_KEYS,
  SECRETS,
  VISA,
} from "./secret-corpus.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);
const KINDS: readonly RecordKind[] = ["span", "log", "point", "resource", "scope", "metric"];

const TYPES = new Map(
  ["Resource", ...new Set(POSITIONS.map(({ type }) => type))].map((type) => [type, otlpType(type)]),
);

/** A message as decoded by protobufjs, with 64-bit numbers as text and bytes as base64. */
function decode(type: string, bytes: Uint8Array): unknown {
  const message = TYPES.get(type)!;
  return message.toObject(message.decode(bytes), { longs: String, bytes: String });
}

/** What masking must keep of a decoded message: its fields, and the bytes of its texts. */
function outline(value: unknown): unknown {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.map(outline);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.entries(value).map(([key, item]) => [key, outline(item)]);
}

function resourceWith(attributes: AttributesSpec): Uint8Array {
  return writeAttributes(new ProtoWriter(), 1, attributes).finish();
}

/** The only attribute of a resource, masked and decoded. */
function maskedValue(key: string, value: AttributeValue): unknown {
  const bytes = resourceWith({ [key]: value });
  const length = bytes.length;
  expect(createMasker().maskRecord("resource", bytes)).toBeGreaterThan(0);
  expect(bytes.length).toBe(length);
  const { attributes } = decode("Resource", bytes) as { attributes: { key: string; value: unknown }[] };
  expect(attributes[0]!.key).toBe(key);
  return attributes[0]!.value;
}

describe("keys", () => {
  it.each(SECRET_KEYS)("masks what is under %s", (key) => {
    expect(maskedValue(key, "abc")).toEqual({ stringValue: "***" });
  });

  it.each(HARMLESS_KEYS)("leaves what is under %j", (key) => {
    const bytes = resourceWith({ [key]: "abc" });
    expect(createMasker().maskRecord("resource", bytes)).toBe(0);
    expect(bytes).toEqual(resourceWith({ [key]: "abc" }));
  });
});

describe("values under a secret's key", () => {
  const hidden: readonly (readonly [string, AttributeValue, unknown])[] = [
    ["text of several bytes a character", "Öß🦊", { stringValue: "*".repeat(8) }],
    ["true", true, { boolValue: false }],
    ["a small integer", 7, { intValue: "0" }],
    ["an integer of several bytes", 1_234_567_890, { intValue: "0" }],
    ["a negative integer", -1, { intValue: "0" }],
    ["the largest integer", 2n ** 63n - 1n, { intValue: "0" }],
    ["a double", 0.5, { doubleValue: 0 }],
    ["bytes", new Uint8Array([0, 1, 255]), { bytesValue: Buffer.from("***").toString("base64") }],
    [
      "a list",
      ["ab", 300, [true]],
      {
        arrayValue: {
          values: [
            { stringValue: "**" },
            { intValue: "0" },
            { arrayValue: { values: [{ boolValue: false }] } },
          ],
        },
      },
    ],
    ["a map", { user: "bob" }, { kvlistValue: { values: [{ key: "user", value: { stringValue: "***" } }] } }],
  ];
  it.each(hidden)("hides %s", (_, value, expected) => {
    expect(maskedValue("db.password", value)).toEqual(expected);
  });

  it("hides what a nested map holds under such a key, and nothing beside it", () => {
    expect(maskedValue("app.request", { headers: { cookie: "a=b", host: "a.test" } })).toMatchObject({
      kvlistValue: {
        values: [
          {
            value: {
              kvlistValue: {
                values: [
                  { key: "cookie", value: { stringValue: "***" } },
                  { key: "host", value: { stringValue: "a.test" } },
                ],
              },
            },
          },
        ],
      },
    });
  });

  it("finds the key also when it comes after its value", () => {
    const pair = new ProtoWriter().message(2, anyValue("hunter2")).text(1, "password");
    const bytes = new ProtoWriter().message(1, pair).finish();
    expect(createMasker().maskRecord("resource", bytes)).toBe(1);
    expect(Buffer.from(bytes).toString("latin1")).not.toContain("hunter2");
  });

  it("hides the argument after a secret's flag", () => {
    expect(maskedValue("process.command_args", ["serve", "--api-key", "abc", "--port", "80"])).toEqual({
      arrayValue: {
        values: ["serve", "--api-key", "***", "--port", "80"].map((stringValue) => ({ stringValue })),
      },
    });
  });

  it("hides card numbers sent as integers and as doubles", () => {
    expect(maskedValue("app.card", BigInt(VISA))).toEqual({ intValue: "0" });
    const bytes = new ProtoWriter()
      .message(1, new ProtoWriter().text(1, "app.card").message(2, new ProtoWriter().double(4, Number(VISA))))
      .finish();
    expect(createMasker().maskRecord("resource", bytes)).toBe(1);
  });

  it.each([1_790_000_000_000n, 1_790_000_000_000_000_000n, BigInt(VISA) + 1n, 42n])(
    "leaves the integer %s under another key",
    (value) => {
      expect(createMasker().maskRecord("resource", resourceWith({ "app.number": value }))).toBe(0);
    },
  );
});

describe("positions", () => {
  it.each(POSITIONS)("masks every shape as $name", ({ name, kind, type, build }) => {
    const masker = createMasker();
    for (const row of SECRETS) {
      const bytes = build(row.text);
      const before = outline(decode(type, bytes));
      expect(masker.maskRecord(kind, bytes), row.name).toBeGreaterThan(0);
      // A key that ends in a secret's name hides its value too, so there only the key itself is known.
      if (name.endsWith("key")) expect(Buffer.from(bytes).includes(maskedText(row)), row.name).toBe(true);
      else expect(bytes, row.name).toEqual(build(maskedText(row)));
      expect(outline(decode(type, bytes)), row.name).toEqual(before);
    }
  });

  // A harmless text can end in a secret's name; as a key it means what it says.
  it.each(POSITIONS.filter(({ name }) => !name.endsWith("key")))(
    "touches nothing harmless as $name",
    ({ kind, build }) => {
      const masker = createMasker();
      for (const text of HARMLESS) {
        const bytes = build(text);
        expect(masker.maskRecord(kind, bytes), text).toBe(0);
        expect(bytes, text).toEqual(build(text));
      }
    },
  );

  it("leaves ids, times and counts alone whatever bytes they have", () => {
    // An id that reads as text: `password=abcdefg`.
    const traceId = Buffer.from("password=abcdefg").toString("hex");
    const build = () => buildSpan({ traceId, spanId: Buffer.from("token=ab").toString("hex") });
    const bytes = build();
    expect(createMasker().maskRecord("span", bytes)).toBe(0);
    expect(bytes).toEqual(build());
  });

  it("counts values, not matches", () => {
    const bytes = resourceWith({ a: `${JWT} ${GITHUB_TOKEN}`, b: "harmless", password: "x" });
    expect(createMasker().maskRecord("resource", bytes)).toBe(2);
  });
});

describe("properties", () => {
  const snippet = fc.oneof(
    fc.constantFrom(...SECRETS.map((row) => row.text), ...HARMLESS),
    fc.constantFrom(
      " ",
      "=",
      ":",
      "'",
      '"',
      "\\",
      "\n",
      ",",
      ")",
      "&",
      "@",
      "/",
      "-",
      "//",
      "é",
      "password",
      "4",
    ),
    fc.string({ maxLength: 12, unit: "binary" }),
  );
  const text = fc.array(snippet, { maxLength: 8 }).map((parts) => parts.join(""));
  const position = fc.constantFrom<Position>(...POSITIONS);

  it(`masks text to the same length, and again to the same text (seed ${seed})`, () => {
    const masker = createMasker();
    fc.assert(
      fc.property(text, (input) => {
        const once = masker.maskText(input);
        expect(Buffer.byteLength(once)).toBe(Buffer.byteLength(input));
        expect(masker.maskText(once)).toBe(once);
      }),
      { seed, numRuns: 3_000 },
    );
  });

  it(`masks a record once for all, and its framing stays (seed ${seed})`, () => {
    const masker = createMasker();
    fc.assert(
      fc.property(position, text, ({ kind, type, build }, input) => {
        const bytes = build(input);
        const before = outline(decode(type, bytes));
        masker.maskRecord(kind, bytes);
        expect(outline(decode(type, bytes))).toEqual(before);
        const once = bytes.slice();
        expect(masker.maskRecord(kind, bytes)).toBe(0);
        expect(bytes).toEqual(once);
      }),
      { seed, numRuns: 2_000 },
    );
  });

  it(`does to a record's text what it does to the text alone (seed ${seed})`, () => {
    const masker = createMasker();
    const plain = fc.constantFrom(...POSITIONS.filter(({ name }) => !name.endsWith("key")));
    fc.assert(
      fc.property(plain, text, ({ kind, build }, input) => {
        const bytes = build(input);
        masker.maskRecord(kind, bytes);
        expect(bytes).toEqual(build(masker.maskText(input)));
      }),
      { seed, numRuns: 3_000 },
    );
  });

  it(`neither throws nor grows over bytes that are no message (seed ${seed})`, () => {
    const masker = createMasker();
    const cut = fc.record({ position, text, at: fc.nat(300), flip: fc.nat(300), bits: fc.nat(255) });
    const damaged = cut.map(({ position: { build }, text: input, at, flip, bits }) => {
      const bytes = build(input).slice(0, at);
      if (flip < bytes.length) bytes[flip]! ^= bits;
      return bytes;
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...KINDS),
        fc.oneof(damaged, fc.uint8Array({ maxLength: 64 })),
        (kind, bytes) => {
          const length = bytes.length;
          masker.maskRecord(kind, bytes);
          expect(bytes.length).toBe(length);
        },
      ),
      { seed, numRuns: 5_000 },
    );
  });

  it("stays inside a record that is a view on a larger buffer", () => {
    const inner = resourceWith({ token: "abc" });
    const outer = new Uint8Array(inner.length + 20).fill(0x41);
    outer.set(inner, 10);
    createMasker().maskRecord("resource", outer.subarray(10, 10 + inner.length));
    expect([...outer.subarray(0, 10), ...outer.subarray(10 + inner.length)]).toEqual(Array(20).fill(0x41));
    expect(Buffer.from(outer).toString("latin1")).toContain("***");
  });
});
