/** Unix milliseconds as nanoseconds in decimal text, to the microsecond (what a double still holds). */
export function msToNs(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
