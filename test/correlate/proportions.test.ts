import { describe, expect, it } from "vitest";
import { arcsineDistance, gStatistic } from "../../src/correlate/proportions.ts";

describe("arcsineDistance", () => {
  it.each([
    ["never to always", 5, 5, 0, 9, 1],
    ["always to never", 0, 5, 9, 9, -1],
    ["no change", 2, 4, 3, 6, 0],
    ["half to always", 4, 4, 1, 2, 0.5],
  ])("%s", (_, held, of, otherHeld, otherOf, expected) => {
    expect(arcsineDistance(held, of, otherHeld, otherOf)).toBeCloseTo(expected, 9);
  });

  it("counts the same step for more near the ends", () => {
    expect(arcsineDistance(10, 100, 0, 100)).toBeGreaterThan(arcsineDistance(55, 100, 45, 100));
  });
});

describe("gStatistic", () => {
  it.each([
    [10, 20, 5, 20, 2.706],
    [9, 10, 1, 10, 14.723],
    [3, 6, 3, 6, 0],
  ])("%i of %i against %i of %i", (held, of, otherHeld, otherOf, expected) => {
    expect(gStatistic(held, of, otherHeld, otherOf)).toBeCloseTo(expected, 2);
  });
});
