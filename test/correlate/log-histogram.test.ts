import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EMPTY_HISTOGRAM,
  histogramLogSpread,
  histogramOf,
  histogramQuantile,
  mergeHistograms,
} from "../../src/correlate/log-histogram.ts";

const seed = Date.now() % 1_000_000;
const durations = fc.array(fc.integer({ min: 0, max: 2 ** 50 }), { minLength: 1, maxLength: 60 });

describe(`log histogram (seed ${seed})`, () => {
  it("gives quantiles to within 2.2 %, or 1 µs", () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 0.99, noNaN: true }), (values, share) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = Math.max(1_000, sorted[Math.floor(share * sorted.length)]!);
        const told = histogramQuantile(histogramOf(values), share);
        expect(Math.abs(told / exact - 1)).toBeLessThan(0.0221);
      }),
      { seed },
    );
  });

  it("adds up as if counted together", () => {
    fc.assert(
      fc.property(durations, durations, (a, b) => {
        const merged = mergeHistograms(histogramOf(a), histogramOf(b));
        const together = histogramOf([...a, ...b]);
        expect(merged.buckets).toEqual(together.buckets);
        expect(merged.count).toBe(together.count);
        expect(merged.sumNs).toBeCloseTo(together.sumNs, -3);
      }),
      { seed },
    );
  });

  it("has nothing to say of nothing", () => {
    expect(histogramOf([])).toEqual(EMPTY_HISTOGRAM);
    expect(histogramQuantile(EMPTY_HISTOGRAM, 0.5)).toBeNaN();
    expect(histogramLogSpread(EMPTY_HISTOGRAM)).toBe(0);
  });

  it("counts negative values as none", () => {
    expect(histogramOf([-5])).toEqual(histogramOf([0]));
  });

  it("tells the spread of logarithms, whatever an outlier does", () => {
    const values = [1e6, 1.2e6, 1.44e6, 1.728e6, 2.0736e6];
    expect(histogramLogSpread(histogramOf(values))).toBeCloseTo(1.4826 * Math.log(1.2), 1);
    expect(histogramLogSpread(histogramOf([...values.slice(0, 4), 9e12]))).toBeCloseTo(
      histogramLogSpread(histogramOf(values)),
      5,
    );
  });
});
