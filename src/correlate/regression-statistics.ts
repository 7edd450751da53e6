import { bucketNs, type LogHistogram } from "./log-histogram.ts";
import { gStatistic } from "./proportions.ts";

/** Above this many observations the G test is as good as the exact one and far cheaper. */
const EXACT_MAX = 2_000;
/** Tables as likely as the one seen, to within rounding, count as at least as extreme. */
const TIE_TOLERANCE = 1e-9;

/**
 * Probability that two shares differ at least this much when both windows behave alike: Fisher's exact test, two-sided
 * (tables no likelier than the one seen), for up to 2 000 observations, else the G test with one degree of freedom.
 * Counts are rounded to whole numbers. 1 when a side has none.
 */
export function shareDifferenceP(held: number, of: number, otherHeld: number, otherOf: number): number {
  const [a, n, b, m] = [held, of, otherHeld, otherOf].map((count) => Math.max(0, Math.round(count)));
  if (n! === 0 || m! === 0 || a! * m! === b! * n!) return 1;
  if (n! + m! > EXACT_MAX) return chiSquareTail(gStatistic(a!, n!, b!, m!));
  return fisher(Math.min(a!, n!), n!, Math.min(b!, m!), m!);
}

function fisher(a: number, n: number, b: number, m: number): number {
  const all = a + b;
  const logFactorial = logFactorials(n + m);
  const choose = (of: number, k: number) => logFactorial[of]! - logFactorial[k]! - logFactorial[of - k]!;
  const logP = (x: number) => choose(n, x) + choose(m, all - x) - choose(n + m, all);
  const seen = logP(a);
  let sum = 0;
  for (let x = Math.max(0, all - m); x <= Math.min(n, all); x++) {
    const here = logP(x);
    if (here <= seen + TIE_TOLERANCE) sum += Math.exp(here);
  }
  return Math.min(1, sum);
}

function logFactorials(max: number): Float64Array {
  const table = new Float64Array(max + 1);
  for (let i = 2; i <= max; i++) table[i] = table[i - 1]! + Math.log(i);
  return table;
}

/**
 * Probability that durations of two windows differ in rank at least this much by chance: Mann and Whitney's U with
 * ties and continuity corrected, on histogram buckets, two-sided. `independent` is how many of each side's values
 * count as independent (traces, not spans: spans of one trace share its fate). 1 when a side has none.
 */
export function rankDifferenceP(
  before: LogHistogram,
  after: LogHistogram,
  independent: { readonly before: number; readonly after: number },
): number {
  const n = before.count;
  const m = after.count;
  if (n === 0 || m === 0) return 1;
  const beforeAt = new Map(before.buckets);
  const afterAt = new Map(after.buckets);
  const buckets = [...new Set([...beforeAt.keys(), ...afterAt.keys()])].sort((a, b) => a - b);
  let beforeBelow = 0;
  let u = 0;
  let ties = 0;
  for (const bucket of buckets) {
    const x = beforeAt.get(bucket) ?? 0;
    const y = afterAt.get(bucket) ?? 0;
    u += y * (beforeBelow + x / 2);
    beforeBelow += x;
    ties += (x + y) ** 3 - (x + y);
  }
  const total = n + m;
  // U as a share, so that its spread can be taken for the independent values only.
  const effective = { n: Math.min(n, independent.before), m: Math.min(m, independent.after) };
  const effectiveTotal = effective.n + effective.m;
  const product = effective.n * effective.m;
  const tieShare = 1 - ties / (total ** 3 - total || 1);
  const variance = ((effectiveTotal + 1) / (12 * product)) * tieShare;
  if (!(variance > 0)) return 1;
  const distance = Math.max(0, Math.abs(u / (n * m) - 0.5) - 0.5 / product);
  return normalTails(distance / Math.sqrt(variance));
}

/** How many of a histogram's values lie in buckets above that of `ns`. */
export function countAbove(histogram: LogHistogram, ns: number): number {
  let above = 0;
  for (const [bucket, count] of histogram.buckets) if (bucketNs(bucket) > ns * 1.001) above += count;
  return above;
}

/**
 * Benjamini and Hochberg's adjusted p (1995): reporting those with `q ≤ 0.05` keeps the share of false ones among
 * them at 5 %. In the order given.
 */
export function adjustForMany(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!);
  const adjusted = new Array<number>(ps.length);
  let least = 1;
  for (let rank = order.length; rank >= 1; rank--) {
    const at = order[rank - 1]!;
    least = Math.min(least, (ps[at]! * ps.length) / rank);
    adjusted[at] = least;
  }
  return adjusted;
}

/** Both tails of the standard normal distribution beyond `z`. */
export function normalTails(z: number): number {
  return Math.min(1, erfc(Math.abs(z) / Math.SQRT2));
}

function chiSquareTail(g: number): number {
  return normalTails(Math.sqrt(g));
}

/** Complementary error function for x ≥ 0, to within 1.2e-7 of its value (Numerical Recipes' Chebyshev fit). */
function erfc(x: number): number {
  const t = 2 / (2 + x);
  const coefficients = [
    -1.265_512_23, 1.000_023_68, 0.374_091_96, 0.096_784_18, -0.186_288_06, 0.278_868_07, -1.135_203_98,
    1.488_515_87, -0.822_152_23, 0.170_872_77,
  ];
  const polynomial = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
  return t * Math.exp(-x * x + polynomial);
}
