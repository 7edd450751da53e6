import { expect, test } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { parseTime } from "../../src/query/time-expression.ts";

const NOW_MS = Date.UTC(2026, 0, 31, 10);
const clock = { nowMs: () => NOW_MS };

test.each<[string | number, number]>([
  ["now", NOW_MS],
  ["-5m", NOW_MS - 300_000],
  ["-5min", NOW_MS - 300_000],
  ["- 90 s", NOW_MS - 90_000],
  ["-1.5h", NOW_MS - 5_400_000],
  ["-2d", NOW_MS - 172_800_000],
  ["-250ms", NOW_MS - 250],
  [NOW_MS, NOW_MS],
  [String(NOW_MS), NOW_MS],
  ["2026-01-31T10:00:00Z", NOW_MS],
  ["2026-01-31T11:00:00+01:00", NOW_MS],
  ["2026-01-31T10:00:00", NOW_MS],
  ["2026-01-31T10:00", NOW_MS],
  ["2026-01-31", Date.UTC(2026, 0, 31)],
])("reads %j", (value, expectedMs) => {
  expect(parseTime(value, "filter.since", clock)).toBe(BigInt(expectedMs) * 1_000_000n);
});

test("keeps fractions of a millisecond", () => {
  expect(parseTime(`${NOW_MS}.125`, "filter.since", clock)).toBe(BigInt(NOW_MS) * 1_000_000n + 125_000n);
});

test.each<[string | number, RegExp]>([
  ["yesterday", /filter\.since is "yesterday"; expected ISO 8601/],
  ["5m", /expected ISO 8601/],
  ["-5 fortnights", /expected/],
  [1_769_853_600, /looks like seconds/],
  ["1769853600000000000", /micro- or nanoseconds/],
  [-5, /expected/],
  ["2026-13-45T10:00:00Z", /expected/],
  ["", /expected/],
])("refuses %j", (value, message) => {
  expect(() => parseTime(value, "filter.since", clock)).toThrow(GasolineError);
  expect(() => parseTime(value, "filter.since", clock)).toThrow(message);
});
