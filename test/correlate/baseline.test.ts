import { describe, expect, it } from "vitest";
import { mergeSummaries } from "../../src/correlate/baseline.ts";
import { checkBaseline } from "../../src/correlate/baseline-check.ts";
import { factKey } from "../../src/correlate/behaviour.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import { drawTrace, makeLog } from "../support/draw-trace.ts";
import { type Fault, faultyShop } from "./faulty-shop.ts";

const summaryOf = (seed: number, requests: number, fault: Fault = {}) => {
  const { spans, logs } = faultyShop(seed, requests, fault);
  return summarize(spans, logs);
};

describe("summarize", () => {
  const spans = drawTrace(`
    gateway server GET /pay     |==============|
      gateway client POST          |========|
        pay server POST /pay         |====|        !
          pay load                    |=|
          pay load                       |
  `);
  const logs = [
    makeLog({ spanId: "0000000000000003", timeNs: 1n, body: "charging card 1" }),
    makeLog({ spanId: "0000000000000003", timeNs: 2n, body: "declined 5" }),
  ];
  const summary = summarize(spans, logs);

  it("counts operations with their own time, and calls that were answered as edges", () => {
    expect(summary).toMatchObject({ version: 1, traces: 1, spans: 5, logs: 2 });
    const [get] = summary.operations.filter(({ name }) => name === "GET /pay");
    expect(get).toMatchObject({ service: "gateway", kind: "server", calls: 1, errors: 0, heads: 1 });
    expect(get!.selfNs.sumNs).toBe(6_000_000);
    const [post] = summary.operations.filter(({ kind }) => kind === "client");
    expect(post!.selfNs.count).toBe(0);
    expect(summary.edges).toEqual([
      expect.objectContaining({
        service: "gateway",
        callee: "pay",
        calls: 1,
        gapNs: expect.objectContaining({ sumNs: 4_000_000 }),
      }),
    ]);
    expect(summary.operations.find(({ name }) => name === "POST /pay")).toMatchObject({
      errors: 1,
      heads: 0,
    });
  });

  it("tells what a span did, by where the request entered its service", () => {
    const [pay] = summary.places.filter(({ name }) => name === "POST /pay");
    expect(pay!.facts.map(({ fact }) => factKey(fact)).sort()).toEqual(
      [
        "call load",
        "repeat 1 load",
        "sequence load",
        "error",
        "log charging card <*>",
        "log declined <*>",
        "next \ncharging card <*>",
        "next charging card <*>\ndeclined <*>",
        "next declined <*>\n",
      ].sort(),
    );
    expect(summary.places.find(({ name }) => name === "load")).toMatchObject({
      entry: "POST /pay",
      calls: 2,
      traces: 1,
    });
  });

  it("is empty for nothing", () => {
    expect(summarize([], [])).toEqual({
      version: 1,
      startNs: "0",
      endNs: "0",
      traces: 0,
      spans: 0,
      logs: 0,
      operations: [],
      edges: [],
      places: [],
    });
  });

  it("does not depend on the order of records", () => {
    const { spans: shop, logs: lines } = faultyShop(7, 30);
    expect(summarize([...shop].reverse(), [...lines].reverse())).toEqual(summarize(shop, lines));
  });
});

describe("mergeSummaries", () => {
  const a = faultyShop(1, 20);
  const b = faultyShop(2, 30);

  it("comes to the summary of both windows together", () => {
    const merged = mergeSummaries(summarize(a.spans, a.logs), summarize(b.spans, b.logs));
    const together = summarize([...a.spans, ...b.spans], [...a.logs, ...b.logs]);
    const comparable = (summary: typeof merged) => ({
      ...summary,
      operations: summary.operations.map((operation) => ({
        ...operation,
        selfNs: operation.selfNs.buckets,
        totalNs: operation.totalNs.buckets,
        requestNs: operation.requestNs.buckets,
      })),
      edges: summary.edges.map((edge) => ({
        ...edge,
        gapNs: edge.gapNs.buckets,
        requestNs: edge.requestNs.buckets,
      })),
      places: summary.places.map((place) => ({
        ...place,
        facts: place.facts.map(({ fact, calls }) => `${factKey(fact)} ${calls}`).sort(),
      })),
    });
    expect(comparable(merged)).toEqual(comparable(together));
  });

  it("leaves a summary as it is when there is nothing to add", () => {
    const summary = summarize(a.spans, a.logs);
    const { places, ...rest } = mergeSummaries(summary, summarize([], []));
    const { places: before, ...restBefore } = summary;
    expect(rest).toEqual(restBefore);
    expect(places.length).toBe(before.length);
  });
});

describe("checkBaseline", () => {
  const others = [summaryOf(1, 120), summaryOf(2, 120)];

  it.each<[string, Fault, RegExp]>([
    ["slow", { slower: ({ service }) => (service === "stock" ? 20 : 1) }, /stock takes/],
    ["failing", { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) }, /stock fails/],
  ])("warns of a window that holds a fault: %s", (_, fault, warning) => {
    const { clean, warnings } = checkBaseline(summaryOf(3, 120, fault), others);
    expect(clean).toBe(false);
    expect(warnings.join("\n")).toMatch(warning);
  });

  it("warns of failures without anything to compare with", () => {
    const fault: Fault = { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) };
    expect(checkBaseline(summaryOf(3, 120, fault), []).warnings.join()).toMatch(
      /POST \/reserve in stock fails in \d+ of \d+ calls/,
    );
  });

  it.each([3, 4, 5])("has nothing against a healthy window (seed %i)", (seed) => {
    expect(checkBaseline(summaryOf(seed, 120), others)).toEqual({ clean: true, warnings: [] });
  });

  it("warns of a small or empty one", () => {
    expect(checkBaseline(summaryOf(3, 5), others).warnings).toEqual([expect.stringMatching(/only 5 traces/)]);
    expect(checkBaseline(summarize([], []), others).warnings).toEqual([expect.stringMatching(/no spans/)]);
  });
});
