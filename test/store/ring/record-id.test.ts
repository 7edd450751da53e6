import { describe, expect, it } from "vitest";
import { formatRecordId, newEpoch, parseRecordId } from "../../../src/store/ring/record-id.ts";

describe("a record id", () => {
  it.each([
    ["span", "7k2", 0, 0],
    ["log", "000", 8, 1],
    ["metric", "zzz", 3, 2 ** 40],
  ] as const)("of a %s comes apart as it was put together", (kind, epoch, ring, sequence) => {
    expect(parseRecordId(formatRecordId(kind, epoch, ring, sequence))).toEqual({
      kind,
      epoch,
      ring,
      sequence,
    });
  });

  it("is short: twelve characters after a million million records", () => {
    expect(formatRecordId("span", "abc", 3, 1e6)).toHaveLength(9);
    expect(formatRecordId("span", "abc", 3, 1e12).length).toBeLessThanOrEqual(13);
  });

  it.each(["", "s", "s7k2", "x7k2a", "S7k2a", "s7k20a", "s7k2-a", "s7k2aaaaaaaaaaa", "trace"])(
    "is not %j",
    (text) => {
      expect(parseRecordId(text)).toBeUndefined();
    },
  );

  it("has an epoch of three characters", () => {
    for (const value of [0, 0.5, 1 - 2 ** -53]) expect(newEpoch(() => value)).toMatch(/^[0-9a-z]{3}$/);
  });
});
