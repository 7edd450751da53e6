/**
 * Difference of two shares on the arcsine scale (Cohen's h ÷ π): -1 to 1, positive when the first is larger. A change
 * from never to always is 1; the same step counts more near 0 and 1 than in the middle. Its standard error is
 * `√(1/n₁ + 1/n₂) / π`, whatever the shares.
 */
export function arcsineDistance(held: number, of: number, otherHeld: number, otherOf: number): number {
  const angle = (share: number) => Math.asin(Math.sqrt(Math.min(1, Math.max(0, share))));
  return ((angle(held / of) - angle(otherHeld / otherOf)) * 2) / Math.PI;
}

/**
 * G of a two by two table: twice the log likelihood ratio of two shares being different against being equal; 3.84 is
 * passed by chance once in twenty (Woolf 1957). 0 when they are equal.
 */
export function gStatistic(held: number, of: number, otherHeld: number, otherOf: number): number {
  const total = of + otherOf;
  const all = held + otherHeld;
  const term = (observed: number, expected: number) =>
    observed > 0 ? observed * Math.log(observed / expected) : 0;
  const sum =
    term(held, (of * all) / total) +
    term(of - held, (of * (total - all)) / total) +
    term(otherHeld, (otherOf * all) / total) +
    term(otherOf - otherHeld, (otherOf * (total - all)) / total);
  return Math.max(0, 2 * sum);
}
