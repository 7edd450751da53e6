import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRegressions, type RegressionOptions } from "../../src/correlate/regression.ts";
import { summarizeCheckpoint } from "../../src/correlate/regression-summary.ts";
import { makeLog } from "../support/draw-trace.ts";
import { freshSeed } from "../support/seed.ts";
import { spansOfAnyShape } from "../support/span-shapes.ts";
import { type ShopTraffic, shopTraffic } from "./shop-traffic.ts";

/** Compares two windows of the shop, each given by how it differs from the usual. */
function compare(before: Partial<ShopTraffic>, after: Partial<ShopTraffic>, options: RegressionOptions = {}) {
  const then = shopTraffic({ requests: 30, seed: 1, ...before });
  const now = shopTraffic({ requests: 30, seed: 2, ...after });
  return findRegressions([summarizeCheckpoint(then.spans, then.logs).summary], now.spans, now.logs, options);
}

describe("findRegressions", () => {
  it("finds nothing between two windows of the same behaviour", () => {
    for (let seed = 10; seed < 40; seed += 2) {
      const report = compare({ seed }, { seed: seed + 1 });
      expect(report.findings, `seeds ${seed}, ${seed + 1}`).toEqual([]);
      expect(report.verdict).toBe("unchanged");
    }
  });

  it.each<[string, Partial<ShopTraffic>, string, string, string, RegExp]>([
    ["a slower payment", { paySlower: 2 }, "latency", "payment", "POST /pay", /from 8.* ms to 1\d/],
    ["failing payments", { payFailing: 0.3 }, "errors", "payment", "POST /pay", /500|fails/],
    ["repeated queries", { stockQueries: 8 }, "calls", "orders", "place order", /8 times or more in 100 %/],
    ["a call that is no longer made", { withMail: false }, "calls", "orders", "place order", /send mail/],
    [
      "a new error log",
      { log: "card refused", logSeverity: 17 },
      "logs",
      "payment",
      "POST /pay",
      /card refused/,
    ],
  ])("finds %s", (_, change, kind, service, operation, text) => {
    const report = compare({}, change);
    expect(report.verdict).toBe("regressed");
    const finding = report.findings.find((found) => found.kind === kind && found.operation === operation);
    expect(finding).toMatchObject({ service, direction: "worse", counts: true, expected: false });
    expect(finding!.text).toMatch(text);
    expect(finding!.confidence).toBeGreaterThan(0.9);
    expect(finding!.evidence.length).toBeGreaterThan(0);
  });

  it("names what became slower itself before what only contains it", () => {
    const { findings } = compare({}, { paySlower: 3 });
    expect(findings.map(({ operation }) => operation)).toEqual([
      "POST /pay",
      "POST /orders/:id",
      "place order",
    ]);
    expect(findings[0]!.text).toContain("self time");
  });

  it("calls the reverse of a fault an improvement", () => {
    expect(compare({ paySlower: 3 }, {}).verdict).toBe("improved");
    expect(compare({ payFailing: 0.5 }, {}).verdict).toBe("improved");
    expect(compare({ stockQueries: 16 }, {}).verdict).toBe("improved");
  });

  it("tells another order and new operations without calling them worse", () => {
    const reordered = compare({}, { reserveFirst: false });
    expect(reordered.verdict).toBe("unchanged");
    expect(reordered.findings.map(({ kind }) => kind)).toContain("order");
    const added = compare({}, { withFraudCheck: true });
    expect(added.verdict).toBe("unchanged");
    expect(added.findings.find(({ kind }) => kind === "presence")).toMatchObject({
      service: "fraud",
      direction: "neutral",
    });
  });

  it("tells a test that fails now from one fixed, whatever else holds", () => {
    const broken = compare({ testResult: "pass", requests: 1 }, { testResult: "fail", requests: 1 });
    expect(broken.verdict).toBe("regressed");
    expect(broken.findings[0]).toMatchObject({ kind: "tests", operation: "checkout > orders a book" });
    expect(broken.findings[0]!.evidence).toEqual([
      { trace_id: `${"0".repeat(15)}2${"0".repeat(15)}1`, span_id: "0000000000000001" },
    ]);
    expect(compare({ testResult: "fail" }, { testResult: "pass" }).verdict).toBe("improved");
  });

  it("takes expected changes out of the verdict, and only those", () => {
    const expected = [{ aspect: "latency" as const }];
    expect(compare({}, { paySlower: 3 }, { expected }).verdict).toBe("expected");
    expect(compare({}, { paySlower: 3, withMail: false }, { expected }).verdict).toBe("regressed");
    expect(compare({}, { paySlower: 3 }, { expected: [{ service: "mailer" }] }).verdict).toBe("regressed");
  });

  it("lets tolerated differences pass", () => {
    expect(compare({}, { paySlower: 1.6 }, {}).verdict).toBe("regressed");
    expect(compare({}, { paySlower: 1.6 }, { tolerances: { latency_share: 1 } }).verdict).toBe("unchanged");
    expect(compare({}, { paySlower: 1.6 }, { tolerances: { latency_ms: 20 } }).verdict).toBe("unchanged");
  });

  it("compares single runs by what flips, with a confidence to match", () => {
    expect(compare({ requests: 1 }, { requests: 1 }).verdict).toBe("unchanged");
    const failing = compare({ requests: 1 }, { requests: 1, payFailing: 1 });
    expect(failing.verdict).toBe("regressed");
    expect(failing.findings[0]!.confidence).toBeLessThan(0.5);
    expect(failing.warnings[0]).toContain("too few");
    expect(compare({ requests: 1 }, { requests: 1, paySlower: 30 }).verdict).toBe("regressed");
  });

  it("takes the spread between baselines as noise", () => {
    const summaries = [1, 1.7, 1.2, 1.5].map((paySlower, i) => {
      const { spans, logs } = shopTraffic({ requests: 30, seed: 50 + i, paySlower });
      return summarizeCheckpoint(spans, logs).summary;
    });
    const now = shopTraffic({ requests: 30, seed: 60, paySlower: 1.8 });
    expect(findRegressions(summaries.slice(0, 1), now.spans, now.logs).verdict).toBe("regressed");
    expect(findRegressions(summaries, now.spans, now.logs).verdict).toBe("unchanged");
  });

  it("takes a share that one of the baselines had as their spread", () => {
    const summaries = [0, 0.5].map((payFailing, i) => {
      const { spans, logs } = shopTraffic({ requests: 30, seed: 70 + i, payFailing });
      return summarizeCheckpoint(spans, logs).summary;
    });
    const now = shopTraffic({ requests: 30, seed: 72, payFailing: 0.45 });
    const worse = (baselines: typeof summaries) =>
      findRegressions(baselines, now.spans, now.logs).findings.filter(
        ({ kind, text }) => kind === "errors" && text.includes("fails"),
      );
    expect(worse(summaries.slice(0, 1))).not.toEqual([]);
    expect(worse(summaries)).toEqual([]);
  });

  it("takes a rare request that is slow once as chance in a large window", () => {
    const usual = shopTraffic({ requests: 30, seed: 1 });
    const rare = (paySlower: number) =>
      shopTraffic({ requests: 1, seed: 90, paySlower }).spans.map((span) => ({
        ...span,
        resource: { ...span.resource, service: `rare ${span.resource.service}` },
      }));
    const { summary } = summarizeCheckpoint([...usual.spans, ...rare(1)], usual.logs);
    const now = shopTraffic({ requests: 30, seed: 2 });
    expect(findRegressions([summary], [...now.spans, ...rare(50)], now.logs).verdict).toBe("unchanged");
  });

  it("takes a route that nobody asked for as no fault", () => {
    const a = shopTraffic({ requests: 20, seed: 1 });
    const others = shopTraffic({ requests: 20, seed: 2 }).spans.map((span) => ({
      ...span,
      resource: { ...span.resource, service: `other ${span.resource.service}` },
    }));
    const { summary } = summarizeCheckpoint([...a.spans, ...others], []);
    const report = findRegressions([summary], shopTraffic({ requests: 20, seed: 3 }).spans, []);
    expect(report.verdict).toBe("unchanged");
    expect(new Set(report.findings.map(({ kind }) => kind))).toEqual(new Set(["presence"]));
  });

  it("says when there is nothing to compare", () => {
    const { spans, logs } = shopTraffic({ requests: 3, seed: 1 });
    const { summary } = summarizeCheckpoint(spans, logs);
    expect(findRegressions([], spans, logs).warnings[0]).toContain("baseline holds no traces");
    expect(findRegressions([summary], [], []).warnings[0]).toContain("window holds no traces");
    const renamed = spans.map((span) => ({
      ...span,
      name: `other ${span.name}`,
      resource: { ...span.resource, service: "x" },
    }));
    expect(findRegressions([summary], renamed, []).warnings[0]).toContain("no operation in common");
  });

  it("compares logs outside traces", () => {
    const usual = Array.from({ length: 5 }, (_, i) => makeLog({ traceId: "", body: `tick ${i}` }));
    const error = makeLog({ traceId: "", body: "disk full", severity: 17 });
    const { summary } = summarizeCheckpoint([], usual);
    expect(findRegressions([summary], [], usual).verdict).toBe("unchanged");
    const report = findRegressions([summary], [], [...usual, error, error]);
    expect(report.verdict).toBe("regressed");
    expect(report.findings[0]!.text).toContain("disk full");
  });

  const seed = freshSeed();
  it(`answers for spans of any shape, the same whatever their order (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), spansOfAnyShape(), (then, now) => {
        const summary = summarizeCheckpoint(then, []).summary;
        const report = findRegressions([JSON.parse(JSON.stringify(summary))], now, []);
        expect(report.findings.length).toBeLessThanOrEqual(10);
        for (const { confidence } of report.findings) {
          expect(confidence).toBeGreaterThanOrEqual(0);
          expect(confidence).toBeLessThanOrEqual(1);
        }
        expect(findRegressions([summary], now, [])).toEqual(report);
        expect(findRegressions([summary], then, []).verdict).toBe("unchanged");
      }),
      { seed, numRuns: 60 },
    );
  });
});
