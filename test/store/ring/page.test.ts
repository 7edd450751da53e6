import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparePlaces, FirstOf, type PagePlace } from "../../../src/store/ring/page.ts";

const seed = Date.now() & 0x7fff_ffff;

describe("FirstOf", () => {
  it(`keeps the first of a sorted list (seed ${seed})`, () => {
    const place = fc.record({
      timeNs: fc.integer({ min: -3, max: 3 }),
      ring: fc.nat(2),
      sequence: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(place), fc.nat(20), fc.constantFrom("newest", "oldest"), (places, size, order) => {
        const compare = comparePlaces(order);
        const first = new FirstOf<PagePlace>(size, compare);
        for (const each of places) first.offer(each);
        expect(first.inOrder()).toEqual([...places].sort(compare).slice(0, size));
      }),
      { seed },
    );
  });
});
