import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { histogramOf } from "../../src/correlate/log-histogram.ts";
import {
  adjustForMany,
  normalTails,
  rankDifferenceP,
  shareDifferenceP,
} from "../../src/correlate/regression-statistics.ts";
import { freshSeed } from "../support/seed.ts";

describe("shareDifferenceP", () => {
  // Reference values by counting the tables: hypergeometric probabilities no larger than the one seen.
  it.each([
    [3, 4, 1, 4, 34 / 70],
    [5, 5, 0, 5, 2 / 252],
    [1, 1, 0, 1, 1],
    [0, 3, 3, 3, 0.1],
    [2, 4, 0, 4, 30 / 70],
    [7, 10, 7, 10, 1],
    [0, 0, 5, 5, 1],
  ])("%d of %d against %d of %d", (a, n, b, m, p) => {
    expect(shareDifferenceP(a, n, b, m)).toBeCloseTo(p, 9);
  });

  it("goes over from the exact test to the G test without a jump", () => {
    const exact = shareDifferenceP(50, 1_000, 75, 1_000);
    const g = shareDifferenceP(50, 1_000, 75, 1_001);
    expect(Math.abs(Math.log(exact / g))).toBeLessThan(0.3);
  });

  const seed = freshSeed();
  it(`lies in 0 to 1 and does not depend on which side comes first (seed ${seed})`, () => {
    const count = fc.nat(60);
    fc.assert(
      fc.property(count, count, count, count, (a, n, b, m) => {
        const p = shareDifferenceP(Math.min(a, n), n, Math.min(b, m), m);
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(shareDifferenceP(Math.min(b, m), m, Math.min(a, n), n)).toBeCloseTo(p, 9);
      }),
      { seed },
    );
  });
});

describe("rankDifferenceP", () => {
  const traces = (before: number, after: number) => ({ before, after });
  const ms = (values: number[]) => histogramOf(values.map((value) => value * 1e6));

  it("is small for durations far apart, and 1 for equal ones or none", () => {
    const quick = ms([1, 2, 3, 4, 5, 6, 7, 8]);
    const slow = ms([101, 120, 130, 140, 150, 160, 170, 180]);
    // U = 0 of 64; z = (32 - 0.5) / √(8·8·17/12) = 3.308, both tails 0.00094.
    expect(rankDifferenceP(quick, slow, traces(8, 8))).toBeCloseTo(0.00094, 5);
    expect(rankDifferenceP(quick, quick, traces(8, 8))).toBe(1);
    expect(rankDifferenceP(quick, ms([]), traces(8, 0))).toBe(1);
    expect(rankDifferenceP(ms([5, 5]), ms([5, 5]), traces(2, 2))).toBe(1);
  });

  it("counts spans of one trace as one", () => {
    const quick = ms(Array.from({ length: 100 }, (_, i) => 1 + i / 100));
    const slow = ms(Array.from({ length: 100 }, (_, i) => 10 + i / 100));
    expect(rankDifferenceP(quick, slow, traces(100, 100))).toBeLessThan(1e-6);
    expect(rankDifferenceP(quick, slow, traces(2, 2))).toBeGreaterThan(0.2);
  });
});

describe("adjustForMany", () => {
  it("is Benjamini and Hochberg's", () => {
    expect(adjustForMany([0.01, 0.04, 0.03, 0.5])).toEqual([0.04, 0.16 / 3, 0.16 / 3, 0.5]);
    expect(adjustForMany([])).toEqual([]);
  });
});

describe("normalTails", () => {
  it.each([
    [0, 1],
    [1.959964, 0.05],
    [2.575829, 0.01],
    [5, 5.733e-7],
  ])("beyond %d", (z, p) => {
    expect(normalTails(z) / p).toBeCloseTo(1, 3);
  });
});
