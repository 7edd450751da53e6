/** A seed for one property, new in every run; put it into the test's name so that a failure can be repeated. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 0x7fff_ffff);
}
