import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diagnose } from "../../src/correlate/causality.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import { makeResource, makeSpan } from "../support/draw-trace.ts";
import { chain, spansOfAnyShape, star } from "../support/span-shapes.ts";
import { type Fault, faultyShop } from "./faulty-shop.ts";

const REQUESTS = 120;
const healthy = [faultyShop(1, REQUESTS), faultyShop(2, REQUESTS)];
const baselines = healthy.map(({ spans, logs }) => summarize(spans, logs));

function diagnoseShop(fault: Fault, given: Partial<Parameters<typeof diagnose>[0]> = {}, seed = 3) {
  return diagnose({ ...faultyShop(seed, REQUESTS, fault), baselines, ...given });
}

const isStockQuery = (name: string) => name.startsWith("UPDATE stock");

describe("diagnose with baselines", () => {
  const faults: readonly [string, Fault, service: string, operation: string | RegExp][] = [
    [
      "an error deep in a chain",
      { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) },
      "stock",
      "POST /reserve",
    ],
    [
      "a slow query (missing index)",
      { slower: ({ name }) => (isStockQuery(name) ? 30 : 1) },
      "stock",
      /^UPDATE stock/,
    ],
    [
      "a query for every line instead of one",
      { repeats: ({ name }) => (name.includes("FROM items") ? 25 : 1) },
      "catalog",
      /^GET/,
    ],
    [
      "a timeout with a retry",
      {
        slower: ({ service, name }) => (service === "stock" && name === "POST /reserve" ? 40 : 1),
        timeoutMs: (_, callee) => (callee === "stock" ? 50 : undefined),
      },
      "stock",
      "POST /reserve",
    ],
    ["a slow third party", { slower: ({ name }) => (name.includes("bank") ? 15 : 1) }, "payment", /bank/],
    ["a slow way to one service", { way: (_, callee) => (callee === "catalog" ? 80 : 0) }, "catalog", /^GET/],
    ["a starved service", { slower: ({ service }) => (service === "cart" ? 20 : 1) }, "cart", "GET /cart"],
    [
      "a bad deploy that fails some requests",
      {
        throws: ({ service, request }) =>
          service === "payment" && request % 2 === 0 ? "NullPointer" : undefined,
        resource: (service) => (service === "payment" ? { "service.version": "2.0.0" } : {}),
      },
      "payment",
      "POST /charge",
    ],
    [
      "an error that only the page sees",
      {
        throws: ({ service, name }) => (service === "page" && name === "GET /cart" ? "TypeError" : undefined),
      },
      "page",
      "GET /cart",
    ],
    ["a service that stopped answering", { silent: (service) => service === "stock" }, "stock", "POST stock"],
  ];

  it.each(faults)("names %s", (_, fault, service, operation) => {
    const report = diagnoseShop(fault);
    expect(report.abstained, report.verdict).toBe(false);
    expect(report.root_cause?.service, report.verdict).toBe(service);
    expect(report.root_cause?.operation).toMatch(operation);
    expect(report.ranking[0]).toMatchObject({ service });
    expect(report.root_cause!.spans.length).toBeGreaterThan(0);
  });
});

describe("what a report holds", () => {
  const report = diagnoseShop({ slower: ({ name }) => (isStockQuery(name) ? 30 : 1) });

  it("follows the way from cause to symptom", () => {
    expect(report.chain.map(({ from, to, rule }) => [from.service, rule, to.service])).toEqual([
      ["stock", "waits_for", "checkout"],
      ["checkout", "waits_for", "gateway"],
      ["gateway", "waits_for", "page"],
    ]);
    for (const link of report.chain) {
      expect(link.confidence).toBeGreaterThan(0.8);
      expect(link.added_ms).toBeGreaterThan(50);
      expect(link.spans.length).toBeGreaterThan(0);
    }
    expect(report.symptom).toMatchObject({ service: "page", operation: "POST /order" });
  });

  it("ranks every service once, best first, and rests on spans of the window", () => {
    const services = report.ranking.map(({ service }) => service);
    expect(new Set(services).size).toBe(services.length);
    const scores = report.ranking.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.every((score) => score > 0 && score <= 1)).toBe(true);
    expect(report.alternatives.length).toBeLessThanOrEqual(4);
    const { spans } = faultyShop(3, REQUESTS, { slower: ({ name }) => (isStockQuery(name) ? 30 : 1) });
    const ids = new Set(spans.map(({ traceId, spanId }) => traceId + spanId));
    for (const line of report.root_cause!.evidence) {
      expect(line.text).toMatch(/stock/i);
      for (const { trace_id, span_id } of line.spans) expect(ids).toContain(trace_id + span_id);
    }
  });

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("is the same for records in another order", () => {
    const { spans, logs } = faultyShop(3, REQUESTS, { slower: ({ name }) => (isStockQuery(name) ? 30 : 1) });
    const shuffled = diagnose({ spans: [...spans].reverse(), logs: [...logs].reverse(), baselines });
    expect(shuffled.ranking.map(({ service }) => service)).toEqual(
      report.ranking.map(({ service }) => service),
    );
    shuffled.ranking.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(report.ranking[i]!.score, 9);
    });
  });

  it("tells failures as such", () => {
    const failing = diagnoseShop({
      throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined),
    });
    expect(failing.chain.map(({ rule }) => rule)).toEqual(["fails_with", "fails_with", "fails_with"]);
    expect(failing.symptom?.failed_share).toBe(1);
    expect(failing.symptom?.messages.join()).toMatch(/OutOfStock/);
  });

  it("sets apart what a poisoned cache entry touches", () => {
    const poisoned = diagnoseShop({
      throws: ({ service, name, request }) =>
        service === "catalog" && name === "GET /item" && request % 3 === 0 ? "StaleItem" : undefined,
      attributes: ({ service, request }) =>
        service === "catalog" ? { "cache.hit": request % 3 === 0, "request.number": String(request) } : {},
    });
    expect(poisoned.root_cause?.service).toBe("catalog");
    expect(poisoned.attributes[0]).toMatchObject({
      attribute: "cache.hit",
      value: "true",
      deviating_share: 1,
    });
    expect(poisoned.attributes.map(({ attribute }) => attribute)).not.toContain("request.number");
  });
});

describe("missing telemetry", () => {
  it("tells a service that fell silent", () => {
    const report = diagnoseShop({ silent: (service) => service === "stock" });
    expect(report.missing_telemetry).toEqual([
      expect.objectContaining({ kind: "unanswered_call", service: "stock" }),
      expect.objectContaining({ kind: "silent_service", service: "stock" }),
    ]);
  });

  it("tells where the trace context gets lost, at the caller's span", () => {
    const fault: Fault = { loses: (caller, callee) => caller === "checkout" && callee === "payment" };
    const report = diagnoseShop(fault);
    expect(report.missing_telemetry).toEqual([
      expect.objectContaining({ kind: "broken_propagation", service: "checkout" }),
    ]);
    const { spans } = faultyShop(3, REQUESTS, fault);
    const [named] = report.missing_telemetry[0]!.spans;
    const span = spans.find(
      ({ traceId, spanId }) => traceId === named!.trace_id && spanId === named!.span_id,
    );
    expect(span).toMatchObject({ name: "POST /charge", spanKind: "client" });
  });

  it("is silent when nothing is missing", () => {
    expect(diagnoseShop({}).missing_telemetry).toEqual([]);
  });
});

describe("abstaining", () => {
  it("does so when nothing is wrong", () => {
    for (const seed of [3, 4, 5]) {
      const report = diagnoseShop({}, {}, seed);
      expect(report.abstained, report.verdict).toBe(true);
      expect(report.root_cause).toBeUndefined();
    }
  });

  it.each<[string, Fault]>([
    [
      "two services that slow down alike",
      {
        slower: ({ service, name }) =>
          service === "catalog" && name === "GET /item" ? 60 : service === "reviews" ? 50 : 1,
      },
    ],
    [
      "two services that fail alike",
      {
        throws: ({ service, name }) =>
          (service === "catalog" && name === "GET /item") || (service === "cart" && name === "GET /cart")
            ? "Broken"
            : undefined,
      },
    ],
  ])("does so for %s, and names both", (_, fault) => {
    const report = diagnoseShop(fault);
    expect(report.abstained, report.verdict).toBe(true);
    expect(report.reason).toMatch(/cannot be told apart/);
    expect(report.alternatives.length).toBeGreaterThanOrEqual(2);
  });

  it("says that an empty window is empty", () => {
    expect(diagnose({ spans: [], logs: [], baselines })).toMatchObject({
      abstained: true,
      reason: "The window holds no spans.",
      ranking: [],
    });
  });

  it("says that nothing failed and nothing can be compared, and where the time went", () => {
    const report = diagnose(faultyShop(3, REQUESTS));
    expect(report).toMatchObject({ abstained: true, compared_with: "nothing", ranking: [] });
    expect(report.reason).toMatch(
      /^Nothing failed, and there is no baseline.*Most of the time went to .* in /,
    );
  });
});

describe("baselines that cannot be used", () => {
  const empty = summarize([], []);
  const ofAnother = summarize([makeSpan({ name: "elsewhere", resource: makeResource("other") })], []);

  it.each([
    ["empty", empty, /The baseline holds no spans/],
    ["of another system", ofAnother, /The baseline is of another system/],
  ])("are left out with a warning: %s", (_, baseline, warning) => {
    const report = diagnose({ ...faultyShop(3, REQUESTS), baselines: [baseline] });
    expect(report.warnings).toEqual([expect.stringMatching(warning)]);
    expect(report).toMatchObject({ abstained: true, compared_with: "nothing" });
    expect(report.reason).toMatch(warning);
  });

  it("are left out beside those that can be", () => {
    const fault: Fault = { slower: ({ name }) => (isStockQuery(name) ? 30 : 1) };
    const report = diagnoseShop(fault, { baselines: [empty, ...baselines, ofAnother] });
    expect(report.root_cause?.service).toBe("stock");
    expect(report.warnings).toHaveLength(2);
  });

  it("are refused when another version wrote them", () => {
    const old = { ...baselines[0]!, version: 0 as 1 };
    expect(() => diagnose({ ...faultyShop(3, 5), baselines: [old] })).toThrow(
      /format version 0, not 1.*again/,
    );
  });

  it("are fine as JSON", () => {
    const read: typeof baselines = JSON.parse(JSON.stringify(baselines));
    expect(diagnoseShop({}, { baselines: read })).toEqual(diagnoseShop({}));
  });
});

describe("diagnose without baselines", () => {
  const failing = faultyShop(3, REQUESTS, {
    throws: ({ service, request }) => (service === "stock" && request % 4 === 0 ? "OutOfStock" : undefined),
  });
  const ofStock = failing.spans.find(
    ({ resource, statusCode }) => resource.service === "stock" && statusCode === "error",
  )!;

  it("follows errors to their origin", () => {
    const report = diagnose({ ...failing, symptom: { kind: "error" } });
    expect(report.root_cause, report.verdict).toMatchObject({ service: "stock", operation: "POST /reserve" });
    expect(report.compared_with).toBe("other_traces");
  });

  it("does so without being told of the symptom", () => {
    const report = diagnose(failing);
    expect(report.root_cause, report.verdict).toMatchObject({ service: "stock" });
    expect(report.compared_with).toBe("nothing");
  });

  it("does so for a single trace", () => {
    const { traceId } = ofStock;
    const spans = failing.spans.filter((span) => span.traceId === traceId);
    const logs = failing.logs.filter((log) => log.traceId === traceId);
    const report = diagnose({ spans, logs });
    expect(report.root_cause, report.verdict).toMatchObject({ service: "stock", operation: "POST /reserve" });
  });

  it("starts from an error text", () => {
    const report = diagnose({ ...failing, symptom: { kind: "text", text: "outofstock" } });
    expect(report.root_cause, report.verdict).toMatchObject({ service: "stock" });
  });

  it("compares a slow trace with the others", () => {
    const slow = faultyShop(3, REQUESTS, {
      slower: ({ name, request }) => (isStockQuery(name) && request > 110 ? 40 : 1),
    });
    const duration = new Map(
      slow.spans
        .filter(({ parentSpanId }) => parentSpanId === "")
        .map((root) => [root.traceId, root.endNs - root.startNs]),
    );
    const [slowest] = [...duration].sort((a, b) => Number(b[1] - a[1]));
    const report = diagnose({ ...slow, symptom: { kind: "trace", traceId: slowest![0] } });
    expect(report.root_cause, report.verdict).toMatchObject({ service: "stock" });
  });

  it("explains one span by what lies below it", () => {
    const both = faultyShop(3, REQUESTS, {
      slower: ({ service, request }) =>
        request > 60 && (service === "cart" || service === "stock") ? 30 : 1,
    });
    const isCart = ({ traceId, name, resource }: (typeof both.spans)[number]) =>
      resource.service === "cart" &&
      name === "GET /cart" &&
      both.spans.some((span) => span.traceId === traceId && span.name === "POST /reserve");
    const { traceId, spanId } = both.spans.filter(isCart).at(-1)!;
    const report = diagnose({ ...both, baselines, symptom: { kind: "trace", traceId, spanId } });
    expect(report.root_cause, report.verdict).toMatchObject({ service: "cart" });
    expect(report.ranking.map(({ service }) => service)).not.toContain("stock");
  });

  it("says that a symptom is nowhere to be seen", () => {
    const report = diagnose({ ...failing, symptom: { kind: "text", text: "no such words" } });
    expect(report.reason).toMatch(/None of the 120 traces in this window shows the symptom "no such words"/);
  });
});

describe("bad input", () => {
  it("gets an answer whatever the shape of the spans", () => {
    const seed = Date.now() % 1_000_000;
    console.info(`diagnose any shape, seed ${seed}`);
    const other = fc.sample(spansOfAnyShape(), { numRuns: 3, seed }).map((spans) => summarize(spans, []));
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const report = diagnose({ spans, logs: [], baselines: other });
        for (const { score } of report.ranking) {
          expect(score).toBeGreaterThan(0);
          expect(score).toBeLessThanOrEqual(1);
        }
        expect(report.abstained).toBe(report.root_cause === undefined);
        expect(report.verdict).not.toBe("");
      }),
      { seed, numRuns: 150 },
    );
  });

  it("gets an answer for clocks that are minutes apart", () => {
    const fault: Fault = { slower: ({ name }) => (isStockQuery(name) ? 30 : 1) };
    const { spans, logs } = faultyShop(3, REQUESTS, fault);
    const shifted = spans.map((span) => {
      const resource = {
        ...span.resource,
        attributes: { ...span.resource.attributes, "host.id": span.resource.service },
      };
      if (span.resource.service !== "stock") return { ...span, resource };
      return {
        ...span,
        resource,
        startNs: span.startNs + 240_000_000_000n,
        endNs: span.endNs + 240_000_000_000n,
      };
    });
    expect(diagnose({ spans: shifted, logs, baselines }).root_cause).toMatchObject({ service: "stock" });
  });

  it("gets an answer for a chain of 100,000 spans and a star", () => {
    for (const spans of [chain(100_000), star(20_000)]) {
      const report = diagnose({ spans, logs: [], baselines: [summarize(spans.slice(0, 500), [])] });
      expect(report.verdict).not.toBe("");
    }
  });
});
