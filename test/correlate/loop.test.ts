import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Attempt, detectLoop, type LoopKind } from "../../src/correlate/loop.ts";
import { attemptsOf } from "../../src/correlate/loop-history.ts";
import { makeLog, makeSpan } from "../support/draw-trace.ts";
import { freshSeed } from "../support/seed.ts";

const call = (action: string, result: unknown = "ok", input: unknown = {}): Attempt => ({
  action,
  input,
  result,
});
const run = (passed: boolean, error?: string): Attempt => ({
  action: "npm test",
  test: "checkout",
  passed,
  ...(error === undefined ? {} : { error }),
});
const edit = (what: string): Attempt => ({ action: "edit", input: { what }, result: "ok" });
const failing = "TypeError: cannot read 'id' of undefined at orders.ts:17";

describe("detectLoop", () => {
  it.each<[string, Attempt[], LoopKind, number]>([
    [
      "a call repeated with the same result",
      [call("x"), call("a"), call("a"), call("a")],
      "identical_call",
      1,
    ],
    [
      "results that differ in time only",
      [0, 1, 2].map((i) => call("a", { at: `2026-01-01T00:00:0${i}Z`, query_time_ms: i })),
      "identical_call",
      1,
    ],
    [
      "arguments in another order",
      [call("a", 1, { b: 1, c: 2 }), call("a", 1, { c: 2, b: 1 }), call("a", 1, { b: 1, c: 2 })],
      "identical_call",
      1,
    ],
    ["A-B-A-B", [call("x"), call("a"), call("b"), call("a"), call("b")], "alternation", 2],
    ["a cycle of three", [1, 2].flatMap(() => [call("a"), call("b"), call("c")]), "cycle", 3],
    [
      "a cycle of five",
      [1, 2].flatMap(() => ["a", "b", "c", "d", "e"].map((name) => call(name))),
      "cycle",
      5,
    ],
    [
      "the same error after different fixes",
      [1, 2, 3].map((line) => ({ action: `fix ${line}`, error: failing.replace("17", `${line}`) })),
      "same_error",
      1,
    ],
    [
      "the same error with edits between runs",
      [run(false, failing), edit("a"), run(false, failing), edit("b"), run(false, failing)],
      "same_error",
      1,
    ],
    [
      "a test that flips",
      [run(true), edit("a"), run(false, "x"), edit("b"), run(true), edit("c"), run(false, "x")],
      "flip_flop",
      2,
    ],
  ])("finds %s", (_, attempts, kind, period) => {
    const report = detectLoop(attempts);
    expect(report).toMatchObject({ in_loop: true, verdict: "loop" });
    const finding = report.findings.find((found) => found.kind === kind);
    expect(finding, JSON.stringify(report.findings)).toMatchObject({ period });
    expect(finding!.suggestion).not.toBe("");
    for (const { attempt } of finding!.evidence) expect(attempts[attempt!]).toBeDefined();
  });

  it.each<[string, Attempt[]]>([
    ["nothing tried", []],
    ["two of the same", [call("a"), call("a")]],
    ["polling whose result changes", [10, 40, 80, 100].map((done) => call("status", { done }))],
    ["pages", [0, 50, 100].map((offset) => call("observe", "rows", { offset }))],
    ["one round and a half", [call("a"), call("b"), call("a")]],
    ["a loop that was left", [call("a"), call("a"), call("a"), call("b")]],
    ["edits that mended it", [run(false, failing), edit("a"), run(false, failing), edit("b"), run(true)]],
    ["another error each time", ["one", "two", "three"].map((error) => ({ action: `fix ${error}`, error }))],
    ["a test mended once", [run(true), run(false, "x"), edit("a"), run(true), edit("b")]],
    ["work between runs that pass", [run(true), edit("a"), run(true), edit("b"), run(true)]],
  ])("finds none in %s", (_, attempts) => {
    expect(detectLoop(attempts).findings).toEqual([]);
    expect(detectLoop(attempts).in_loop).toBe(false);
  });

  it("names attempts by their place in the whole list, however long", () => {
    const many = [
      ...Array.from({ length: 2_000 }, (_, i) => call(`step ${i}`)),
      call("a"),
      call("a"),
      call("a"),
    ];
    const report = detectLoop(many);
    expect(report.attempts).toBe(500);
    expect(report.findings[0]!.evidence.at(-1)).toEqual({ attempt: 2_002 });
  });

  const seed = freshSeed();
  it(`finds a cycle of any length and content, and none in steps that are all different (seed ${seed})`, () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(names, fc.array(fc.string(), { maxLength: 20 }), (cycle, before) => {
        const prefix = before.map((text, i) => call(`before ${i} ${text}`));
        const round = cycle.map((name) => call(name));
        const report = detectLoop([...prefix, ...round, ...round]);
        expect(report.findings[0]).toMatchObject({ period: cycle.length, repeats: 2 });
        expect(detectLoop([...prefix, ...round]).in_loop).toBe(false);
      }),
      { seed, numRuns: 100 },
    );
  });

  it("takes inputs of any shape, nested deeply too", () => {
    let deep: unknown = "end";
    for (let i = 0; i < 5_000; i++) deep = [deep];
    expect(detectLoop([1, 2, 3].map(() => call("a", deep, deep))).in_loop).toBe(true);
    fc.assert(
      fc.property(fc.array(fc.anything(), { maxLength: 6 }), (values) => {
        detectLoop(values.map((value) => call("a", value, value)));
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe("attemptsOf", () => {
  const toolCall = (atNs: bigint, attributes: { [key: string]: string }) =>
    makeLog({ timeNs: atNs, eventName: "gasoline.tool_call", attributes });
  const testRun = (atNs: bigint, result: string, statusMessage = "") =>
    makeSpan({
      startNs: atNs,
      endNs: atNs,
      statusMessage,
      attributes: { "test.case.name": "pays", "test.case.result.status": result },
    });

  it("orders tool calls and test runs by time, and passes over the rest", () => {
    const logs = [
      toolCall(5n, { "gasoline.tool.name": "observe", "gasoline.tool.arguments": '{"what":"logs"}' }),
      toolCall(1n, { "gasoline.tool.name": "edit", "gasoline.tool.result": "cut {", "error.message": "no" }),
      makeLog({ timeNs: 2n, body: "something else" }),
    ];
    const spans = [
      testRun(3n, "fail", "expected 1"),
      testRun(9n, "skipped"),
      testRun(7n, "passed"),
      makeSpan(),
    ];
    expect(attemptsOf(spans, logs)).toEqual([
      { action: "edit", input: undefined, result: "cut {", error: "no" },
      { action: "test pays", test: "pays", passed: false, error: "expected 1" },
      { action: "observe", input: { what: "logs" }, result: undefined },
      { action: "test pays", test: "pays", passed: true },
    ]);
  });

  it("lets a flaky test be seen in kept runs", () => {
    const runs = ["pass", "fail", "pass", "fail"].map((result, i) => testRun(BigInt(i + 1), result));
    expect(detectLoop(attemptsOf(runs, [])).findings.map(({ kind }) => kind)).toContain("flip_flop");
  });
});
