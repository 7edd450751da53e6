import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { createMasker, type Masker } from "../../src/store/mask.ts";
import { writeAttributes } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function maskerWith(...patterns: readonly string[]): Masker {
  const masker = createMasker();
  for (const pattern of patterns) masker.addRule({ kind: "value", pattern });
  return masker;
}

describe("added keys", () => {
  it.each([
    ["app.customer.iban", true],
    ["APP.Customer.IBAN", true],
    ["app.customer.ibans", false],
    ["customer.iban", false],
  ])("under app.customer.iban, %s is masked: %s", (key, expected) => {
    const masker = createMasker();
    masker.addRule({ kind: "key", key: "App.customer.iban" });
    const bytes = writeAttributes(new ProtoWriter(), 1, { [key]: "DE02" }).finish();
    expect(masker.maskRecord("resource", bytes)).toBe(expected ? 1 : 0);
  });

  it("grows the version with each rule", () => {
    const masker = createMasker();
    const first = masker.version;
    masker.addRule({ kind: "key", key: "a" });
    masker.addRule({ kind: "value", pattern: "a" });
    expect(masker.version).toBe(first + 2);
  });

  it.each([
    { kind: "key", key: "" },
    { kind: "key", key: "k".repeat(257) },
    { kind: "value", pattern: "" },
    { kind: "value", pattern: "a".repeat(513) },
  ] as const)("refuses $kind of the wrong length", (rule) => {
    const masker = createMasker();
    const first = masker.version;
    expect(() => masker.addRule(rule)).toThrow(GasolineError);
    expect(masker.version).toBe(first);
  });

  it("refuses more rules than it keeps", () => {
    const masker = createMasker();
    for (let i = 0; i < 64; i++) masker.addRule({ kind: "key", key: `k${i}` });
    expect(() => masker.addRule({ kind: "key", key: "one too many" })).toThrow(/64 redaction rules already/);
  });
});

describe("added patterns", () => {
  it.each(
    [
      ["ACME-[0-9]{4,6}", "x ACME-12345 y ACME-123 z", "x ********** y ACME-123 z"],
      ["\\bk\\d+\\b", "k12 ak12 k1 k1a", "*** ak12 ** k1a"],
      ["^a|b$", "aab ab b", "*ab ab *"],
      ["(?:ab)+", "xababay", "x****ay"],
      ["a.c", "abc a\nc aüc", "*** a\nc aüc"],
      ["a..c", "aüc", "****"],
      ["ü", "xüy", "x**y"],
      ["\\u00fc\\x41", "üA", "***"],
      ["[^ ]+@[^ ]+", "mail bob@a.test now", "mail ********** now"],
      ["[\\w.]+-?", "a.b- c", "**** *"],
      ["[a\\-z\\]]", "a-z]b", "****b"],
      ["x{2}", "x xx xxxxx", "x ** *****"],
      ["x{2,}?y", "xy xxxy", "xy ****"],
      ["a|a.*b", "a-a b a", "***** *"],
      ["", "", ""],
    ].filter(([pattern]) => pattern !== ""),
  )("%s turns %j into %j", (pattern, text, expected) => {
    expect(maskerWith(pattern!).maskText(text!)).toBe(expected);
  });

  it.each([
    ["(a)\\1", /back reference/],
    ["(?=a)b", /looking ahead/],
    ["(?!a)b", /looking ahead/],
    ["(?<=a)b", /looking ahead or behind/],
    ["(?<name>a)", /named groups/],
    ["\\p{L}", /\\p is not taken/],
    ["a**", /two quantifiers/],
    ["*a", /follows nothing/],
    ["^*", /can repeat/],
    ["(a", /not closed/],
    ["a)", /closes no group/],
    ["[a", /ends too early/],
    ["[z-a]", /low to high/],
    ["[ü]", /not ASCII/],
    ["a\\", /ends too early/],
    ["\\xZZ", /hexadecimal/],
    ["a{9,3}", /low to high/],
    ["a{1,999}", /0 to 255/],
    ["((a{99}){99}){99}", /too large/],
    ["((){255}){255}", /too large/],
    ["(".repeat(40) + ")".repeat(40), /nested deeper/],
  ])("refuses %s with its reason and a remedy", (pattern, reason) => {
    const attempt = () => maskerWith(pattern);
    expect(attempt).toThrow(reason);
    expect(attempt).toThrow(GasolineError);
    expect(attempt).toThrow(/for example|Use smaller/);
  });

  // Each of these takes a backtracking engine longer than the age of the universe, or at least an afternoon.
  it.each([
    ["(a+)+$", `${"a".repeat(50_000)}b`],
    ["(a*)*c", "a".repeat(50_000)],
    ["(a|aa)+c", "a".repeat(50_000)],
    ["(a|a)*c", "a".repeat(50_000)],
    ["(.*)(.*)(.*)(.*)(.*)z", "a".repeat(50_000)],
    ["([a-z]+)*[0-9]", "a".repeat(50_000)],
    ["a?".repeat(99) + "a".repeat(99), "a".repeat(98)],
    ["\\s*\\s*\\s*\\s*x", " ".repeat(50_000)],
  ])("runs %s to its end on a text made against it", (pattern, text) => {
    expect(maskerWith(pattern).maskText(text)).toBe(text);
  });

  it(`masks the union of all matches, as plain regular expressions tell it (seed ${seed})`, () => {
    const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
      piece: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d"),
        tie("pattern").map((inner) => `(${inner})`),
        fc
          .tuple(tie("piece"), fc.constantFrom("*", "+", "?", "{2}", "{0,2}", "{1,}"))
          .map(([inner, many]) => (/[*+?}]$/.test(inner) ? `(${inner})${many}` : inner + many)),
      ),
      pattern: fc.oneof(
        { maxDepth: 3 },
        fc.array(tie("piece"), { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join("")),
        fc.tuple(tie("piece"), tie("piece")).map((either) => either.join("|")),
      ),
    }));
    const text = fc.string({ unit: fc.constantFrom("a", "b", "1", "\n"), maxLength: 7 });
    fc.assert(
      fc.property(pattern, text, (source, input) => {
        expect(maskerWith(source).maskText(input), source).toBe(unionOfMatches(source, input));
      }),
      { seed, numRuns: 2_000 },
    );
  });
});

/** Every byte that lies in any match of the pattern, masked: all substrings are tried. */
function unionOfMatches(source: string, text: string): string {
  const whole = new RegExp(`^(?:${source})$`);
  const chars = [...text];
  for (let from = 0; from < text.length; from++) {
    for (let to = from + 1; to <= text.length; to++) {
      if (whole.test(text.slice(from, to))) chars.fill("*", from, to);
    }
  }
  return chars.join("");
}
