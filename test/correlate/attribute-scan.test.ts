import { describe, expect, it } from "vitest";
import { scanAttributes } from "../../src/correlate/attribute-scan.ts";
import type { Attributes } from "../../src/model/attributes.ts";
import { makeResource, makeSpan } from "../support/draw-trace.ts";

const spans = (count: number, attributes: (i: number) => Attributes, resource: Attributes = {}) =>
  Array.from({ length: count }, (_, i) =>
    makeSpan({ attributes: attributes(i), resource: makeResource("shop", resource) }),
  );

describe("scanAttributes", () => {
  it("finds the value that sets deviating spans apart, of spans and resources", () => {
    const found = scanAttributes(
      spans(10, (i) => ({ "cache.hit": true, shard: i % 2 }), { "service.version": "2" }),
      spans(30, (i) => ({ "cache.hit": false, shard: i % 2 }), { "service.version": "1" }),
    );
    expect(found.map(({ attribute, value }) => [attribute, value])).toEqual([
      ["cache.hit", "true"],
      ["service.version", "2"],
    ]);
    expect(found[0]).toMatchObject({ deviating_share: 1, other_share: 0 });
  });

  it("tells nothing of ids, of few spans, or when there is nothing to compare with", () => {
    const withId = (i: number) => ({ "request.id": `r${i}` });
    expect(
      scanAttributes(
        spans(300, withId),
        spans(300, (i) => ({ "request.id": `q${i}` })),
      ),
    ).toEqual([]);
    expect(
      scanAttributes(
        spans(1, () => ({ a: 1 })),
        spans(2, () => ({ a: 2 })),
      ),
    ).toEqual([]);
    expect(
      scanAttributes(
        [],
        spans(5, () => ({ a: 1 })),
      ),
    ).toEqual([]);
    expect(
      scanAttributes(
        spans(50, () => ({ a: 1 })),
        [],
      ),
    ).toEqual([]);
  });

  it("tells at most five", () => {
    const many = (value: number) => () =>
      Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`key${i}`, value]));
    expect(scanAttributes(spans(20, many(1)), spans(20, many(2)))).toHaveLength(5);
  });

  it("reads keys that objects have anyway as ordinary ones", () => {
    const odd: Record<string, string> = Object.create(null);
    const key = "__proto__";
    odd[key] = "x";
    const found = scanAttributes(
      spans(20, () => odd),
      spans(20, () => ({})),
    );
    expect(found).toEqual([expect.objectContaining({ attribute: "__proto__", value: "x" })]);
  });
});
