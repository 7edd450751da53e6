import { expect, test } from "vitest";
import type { SpanSpec } from "../support/otlp-build.ts";
import { ask, CLOCK, commitSpans, openStore, START_NS, spanId, traceId } from "./fixture.ts";

const SECOND = 1_000_000_000n;

/** A result of the test `case N` that began N seconds in. */
function result(number: number, status: "pass" | "fail", more: Record<string, boolean> = {}): SpanSpec {
  const startNs = START_NS + BigInt(number) * SECOND;
  return {
    ...{ traceId: traceId(number), spanId: spanId(number), name: "test.case" },
    ...{ startNs, endNs: startNs + SECOND },
    attributes: {
      "test.suite.name": "cart",
      "test.case.name": `case ${number}`,
      "test.case.result.status": status,
      ...more,
    },
  };
}

function run(number: number, status: string, more: Record<string, string | number> = {}): SpanSpec {
  const startNs = START_NS + BigInt(number) * SECOND;
  return {
    ...{ traceId: traceId(900 + number), spanId: spanId(900 + number), name: "test.suite.run" },
    ...{ startNs, endNs: status === "in_progress" ? 0n : startNs + 9n * SECOND },
    attributes: { "test.suite.run.status": status, ...more },
  };
}

const names = (rows: readonly { readonly [field: string]: unknown }[] = []): unknown[] =>
  rows.map((row) => String(row.test).replace("cart > case ", ""));

test("failures come first, then flaky tests, then the rest, the newest first in each", async () => {
  const store = openStore();
  commitSpans(store, [
    ...[result(1, "fail"), result(2, "pass"), result(3, "pass", { "gasoline.test.flaky": true })],
    ...[result(4, "pass"), result(5, "fail"), result(6, "pass", { "gasoline.test.flaky": true })],
  ]);
  const { structured, text } = await ask(store, { what: "tests" });
  expect(names(structured.rows)).toEqual(["5", "1", "6", "3", "4", "2"]);
  expect(structured.summary).toBe("6 of 6 test results, failing first, then flaky, the newest first.");
  expect(text).toContain("pass (flaky: failed before)");
  expect(structured.metadata.next?.[0]).toMatch(/^observe \{"what":"trace","filter":\{"id":"s/);
});

test("its cursors hold in both directions while results arrive, whatever their rank", async () => {
  const store = openStore();
  commitSpans(
    store,
    [1, 2, 3, 4, 5, 6].map((each) => result(each, each % 2 === 0 ? "pass" : "fail")),
  );
  const page = async (more: object) => (await ask(store, { what: "tests", limit: 2, ...more })).structured;
  const first = await page({});
  commitSpans(store, [result(7, "fail"), result(8, "pass")]);
  const second = await page({ after_cursor: first.metadata.cursor_next });
  const third = await page({ after_cursor: second.metadata.cursor_next });
  expect([first, second, third].flatMap(({ rows }) => names(rows))).toEqual(["5", "3", "1", "8", "6", "4"]);
  const back = await page({ before_cursor: third.metadata.cursor_prev });
  expect(names(back.rows)).toEqual(names(second.rows));
  const start = await page({ before_cursor: second.metadata.cursor_prev });
  expect(names(start.rows)).toEqual(["5", "3"]);
  expect(names((await page({ before_cursor: start.metadata.cursor_prev })).rows)).toEqual(["7"]);
  const fresh = await page({ filter: { since: first.metadata.cursor_since } });
  expect(names(fresh.rows)).toEqual(["7", "8"]);
  await expect(page({ after_cursor: "p.abc.1.0.1" })).rejects.toThrow(/not a cursor of this listing/);
});

const COUNTS = { "gasoline.test.passed": 7, "gasoline.test.failed": 2, "gasoline.test.flaky_count": 1 };
const REVISION = "0123456789abcdef0123456789abcdef01234567";
const minutesNs = (minutes: number): bigint => BigInt(CLOCK.nowMs() - minutes * 60_000) * 1_000_000n;

test.each<[string, SpanSpec[], RegExp]>([
  [
    "failed",
    [run(1, "failure", { ...COUNTS, "vcs.ref.head.revision": REVISION, "gasoline.vcs.diff_hash": "ab" })],
    /^Last run: 7 passed, 2 failed, 1 flaky at 01234567 with uncommitted changes \(failed in 9s, began 00:00:01\S*, s\w+\)\./,
  ],
  ["was stopped", [run(1, "aborted", COUNTS)], /\(stopped before its end in 9s/],
  [
    "goes on",
    [{ ...run(1, "in_progress"), startNs: minutesNs(1) }],
    /^Last run: no end told yet \(began \S+, s\w+\)\./,
  ],
  [
    "was killed",
    [{ ...run(1, "in_progress"), startNs: minutesNs(60) }],
    /^Last run: did not finish, nothing/,
  ],
  [
    "follows one that was killed",
    [run(1, "in_progress"), run(2, "success", COUNTS)],
    /\(passed in 9s.*\)\. The run before it did not finish \(s\w+\)\./,
  ],
  ["was told when it began and when it ended", [run(1, "in_progress"), run(1, "success")], /\(passed in 9s/],
])("the summary tells of a run that %s", async (_, spans, sentence) => {
  const store = openStore();
  commitSpans(store, spans);
  expect((await ask(store, { what: "tests" })).structured.summary).toMatch(sentence);
});
