import fc from "fast-check";
import { expect, test } from "vitest";
import { nearest } from "../../src/query/did-you-mean.ts";

const SEED = Math.floor(Math.random() * 2 ** 31);

test.each([
  ["paymnt", ["payment", "cart", "web"], ["payment"]],
  ["Payment-Service", ["payment_service", "payment"], ["payment_service", "payment"]],
  ["levle", ["level", "limit", "line"], ["level"]],
  ["traceId", ["trace_id", "span_id"], ["trace_id"]],
  ["checkout", ["checkout-api", "web"], ["checkout-api"]],
  ["zzz", ["payment", "cart"], []],
  ["", ["a", "payment"], ["a"]],
  ["/nope", ["/", "/metrics"], []],
])("nearest to %j among %j", (name, candidates, expected) => {
  expect(nearest(name, candidates)).toEqual(expected);
});

test(`every answer is a candidate, and a candidate itself is the nearest (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 }), (names) => {
      const found = nearest(names[0]!, names);
      expect(found.every((name) => names.includes(name))).toBe(true);
      expect(found.length).toBeGreaterThan(0);
    }),
    { seed: SEED },
  );
});
