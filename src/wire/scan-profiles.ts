import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";

/**
 * How many profiles an ExportProfilesServiceRequest (v1development) holds: 1 resource_profiles, 2 scope_profiles,
 * 2 profiles. Framing is checked down to the profile; what is inside is not modelled. Throws `malformed_body`.
 */
export function countProfiles(body: Uint8Array): number {
  return countNested(body, 0, body.length, [0x0a, 0x12, 0x12]);
}

/** Messages at the end of a path of length-delimited tags. */
function countNested(body: Uint8Array, at: number, end: number, path: readonly number[]): number {
  const [tagWanted, ...rest] = path;
  if (tagWanted === undefined) return 1;
  let count = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
    if (tag === tagWanted) count += countNested(body, payloadStart(body, valueAt, p), p, rest);
  }
  return count;
}
