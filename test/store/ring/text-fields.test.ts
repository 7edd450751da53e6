import { describe, expect, it } from "vitest";
import { TextMatch } from "../../../src/store/ring/text-match.ts";
import { buildSpan } from "../../support/otlp-build.ts";

const span = Buffer.from(
  buildSpan({
    // Ids, and the lengths and tags between fields, read as text where they happen to be.
    traceId: Buffer.from("needle in an id.").toString("hex"),
    name: "GET /straße",
    attributes: {
      "http.route": "/Cart",
      nested: { list: ["deep", { inner: "deeper" }] },
      raw: Buffer.from("in bytes"),
    },
    events: [{ name: "cache.miss", attributes: { tier: "L2" } }],
    status: { code: "error", message: "No stock" },
  }),
);

describe("TextMatch", () => {
  it.each([
    "cart",
    "HTTP.ROUTE",
    "straSSe".slice(0, 4),
    "STRAßE",
    "deeper",
    "inner",
    "l2",
    "cache",
    "no stock",
    "get /",
  ])("finds %j", (text) => {
    expect(new TextMatch(text).mayMatch(span, 0, span.length)).toBe(true);
    expect(new TextMatch(text).matchesSpan(span)).toBe(true);
  });

  it.each(["needle", "in bytes", "cart2", "route/cart"])("does not find %j", (text) => {
    expect(new TextMatch(text).matchesSpan(span)).toBe(false);
  });

  it("does not find framing: a tag and a length between two strings", () => {
    const at = span.indexOf("/Cart");
    const across = span.toString("latin1", at - 3, at + 2);
    expect(new TextMatch(across).matchesSpan(span)).toBe(false);
    // Printable framing: the tag of the span's attributes is a J.
    expect(new TextMatch("J").matchesSpan(span)).toBe(false);
  });
});
