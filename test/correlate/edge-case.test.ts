import { describe, expect, it } from "vitest";
import { checkEdgeCases, type EdgeCase, type EdgeCaseMatch } from "../../src/correlate/edge-case.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import type { LogRecord } from "../../src/model/log.ts";
import type { Span } from "../../src/model/span.ts";
import { drawTrace, makeLog } from "../support/draw-trace.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 1_700_000_100_000;
/** End of the bars below. */
const SEEN_MS = 1_700_000_000_014;

const edgeCase = (name: string, match: EdgeCaseMatch, more: Partial<EdgeCase> = {}): EdgeCase => ({
  name,
  description: "",
  severity: "medium",
  everyMs: DAY_MS,
  match,
  lastTestedMs: undefined,
  ...more,
});

function check(edgeCases: EdgeCase[], spans: Span[], logs: LogRecord[] = []) {
  return checkEdgeCases(edgeCases, [buildTraceTree(spans, logs)], NOW_MS);
}

const traced = (status: string) =>
  drawTrace(`
    tests internal run                |==============|   test.case.name=refund test.case.result.status=${status}
      pay server POST /refund          |============|    http.response.status_code=409 error.type=Conflict tier=gold !
  `);

describe("checkEdgeCases", () => {
  it.each<[string, EdgeCaseMatch, boolean]>([
    ["service", { service: "pay" }, true],
    ["another service", { service: "payment" }, false],
    ["operation", { operation: "post /REFUND" }, true],
    ["status", { status: "409" }, true],
    ["status class", { status: "4XX" }, true],
    ["another status class", { status: "5xx" }, false],
    ["exception", { exception: "conflict" }, true],
    ["another exception", { exception: "Timeout" }, false],
    ["log", { log: "already refunded" }, true],
    ["another log", { log: "declined" }, false],
    ["test above", { test: "refund", service: "pay" }, true],
    ["attributes", { attributes: { tier: "gold" } }, true],
    ["other attributes", { attributes: { tier: "silver" } }, false],
    ["all of them", { service: "pay", status: "409", operation: "/refund", log: "refunded" }, true],
    ["all but one", { service: "pay", status: "200", operation: "/refund" }, false],
  ])("matches by %s", (_, match, hit) => {
    const log = makeLog({ spanId: "0000000000000002", body: "Order 17 already refunded" });
    const report = check([edgeCase("case", match)], traced("pass"), [log]);
    expect(report.findings[0]!.kind).toBe(hit ? "passed" : "never_tested");
  });

  it("tells the outcome of the test that led there, and gaps first by severity", () => {
    const match = { status: "409" };
    const other = { status: "418" };
    const report = check(
      [
        edgeCase("met", match),
        edgeCase("fresh", other, { lastTestedMs: NOW_MS - DAY_MS + 1 }),
        edgeCase("stale", other, { lastTestedMs: NOW_MS - DAY_MS - 1, severity: "low" }),
        edgeCase("never", other, { severity: "critical" }),
        edgeCase("once", other, { everyMs: Number.POSITIVE_INFINITY, lastTestedMs: 1 }),
      ],
      traced("fail"),
    );
    expect(report.findings.map(({ name, kind }) => [name, kind])).toEqual([
      ["never", "never_tested"],
      ["met", "failed"],
      ["stale", "stale"],
    ]);
    expect(report.verdict).toBe("failing");
    expect(report.findings[1]).toMatchObject({ tests: ["refund"], traces: 1 });
    expect(report.findings[1]!.evidence).toHaveLength(1);
  });

  it("moves last_tested on evidence only, and never back", () => {
    const report = check(
      [
        edgeCase("first", { status: "409" }),
        edgeCase("older", { status: "409" }, { lastTestedMs: 5 }),
        edgeCase("newer", { status: "409" }, { lastTestedMs: NOW_MS }),
        edgeCase("not seen", { status: "500" }, { lastTestedMs: 5 }),
      ],
      traced("pass"),
    );
    expect([...report.lastTestedMs]).toEqual([
      ["first", SEEN_MS],
      ["older", SEEN_MS],
    ]);
  });

  it("takes an open span as no evidence, and traffic without a test as exercised", () => {
    const open = drawTrace("pay server POST /refund |====> http.response.status_code=409");
    expect(check([edgeCase("case", { status: "409" })], open).findings[0]!.kind).toBe("never_tested");
    const plain = drawTrace("pay server POST /refund |====| http.response.status_code=409");
    expect(check([edgeCase("case", { status: "409" })], plain).findings[0]).toMatchObject({
      kind: "exercised",
      tests: [],
    });
  });

  it("says when none are registered", () => {
    expect(check([], traced("pass"))).toMatchObject({ verdict: "none", findings: [] });
  });
});
