import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Losses } from "../../../src/store/ring/losses.ts";

const seed = Date.now() & 0x7fff_ffff;
const SECOND_NS = 1e9;
const HOUR_NS = 3600 * SECOND_NS;

describe("Losses", () => {
  it("counts what lies in a window", () => {
    const losses = new Losses();
    for (const seconds of [5, 25, 25, 95]) losses.add(seconds * SECOND_NS, 100 * SECOND_NS);
    const between = (since: number, until: number): number =>
      losses.between(since * SECOND_NS, until * SECOND_NS);
    expect(losses.total).toBe(4);
    expect(losses.between(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(4);
    expect(between(0, 10)).toBe(1);
    expect(between(20, 30)).toBe(2);
    expect(between(30, 90)).toBe(0);
    expect(between(0, 30)).toBe(3);
  });

  it("keeps times apart that cannot be: they do not blur the others", () => {
    const losses = new Losses();
    const impossible = -1.7e18;
    losses.add(0, 0);
    losses.add(impossible, 0);
    losses.add(9e18, 0);
    losses.add(30 * HOUR_NS, 30 * HOUR_NS);
    expect(losses.between(29 * HOUR_NS, 31 * HOUR_NS)).toBeGreaterThanOrEqual(1);
    expect(losses.between(impossible - 1e9, impossible + 1e9)).toBeGreaterThanOrEqual(1);
    expect(losses.total).toBe(4);
  });

  it(`never counts too few, and too many only beside the window (seed ${seed})`, () => {
    const time = fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -40 * 3600, max: 40 * 3600 }) },
      fc.constantFrom(-1.7e9, 9e9),
    );
    fc.assert(
      fc.property(fc.array(time, { maxLength: 200 }), time, fc.nat(100_000), (times, since, length) => {
        const losses = new Losses();
        // Evicted in order of arrival, which is nearly that of time.
        const inOrder = times.map((seconds) => seconds * SECOND_NS).sort((a, b) => a - b);
        for (const each of inOrder) losses.add(each, 40 * HOUR_NS);
        const sinceNs = since * SECOND_NS;
        const untilNs = (since + length) * SECOND_NS;
        const inWindow = inOrder.filter((each) => each >= sinceNs && each < untilNs).length;
        expect(losses.between(sinceNs, untilNs)).toBeGreaterThanOrEqual(inWindow);
        const plausible = inOrder.filter((each) => each > 12 * HOUR_NS && each <= 40 * HOUR_NS);
        if (sinceNs > 13 * HOUR_NS && untilNs < 40 * HOUR_NS && plausible.length === inOrder.length) {
          const around = inOrder.filter((each) => each >= sinceNs - 10e9 && each < untilNs + 10e9).length;
          expect(losses.between(sinceNs, untilNs)).toBeLessThanOrEqual(around);
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});
