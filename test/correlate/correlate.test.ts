import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correlate } from "../../src/correlate/correlate.ts";
import type { Attributes } from "../../src/model/attributes.ts";
import { drawTrace, makeLog, makeResource, makeSpan } from "../support/draw-trace.ts";
import { spansOfAnyShape } from "../support/span-shapes.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const BASE_NS = 1_700_000_000_000_000_000n;
const SECOND_NS = 1_000_000_000n;
const web = { "telemetry.sdk.language": "webjs" };

const own = drawTrace(`
  page client POST /order   |==================|  resource.telemetry.sdk.language=webjs session.id=s1 http.request.method=POST url.full=http://shop/order
    shop server POST /order    |===========|      x-request-id=req-123456
      shop client INSERT          |====|          db.system.name=postgresql
`);
const other = (name: string, attributes: Attributes, afterMs = 5, resource: Attributes = {}) =>
  makeSpan({
    traceId: name.padEnd(32, "0"),
    name,
    startNs: BASE_NS + BigInt(afterMs) * 1_000_000n,
    attributes,
    resource: makeResource("shop", resource),
  });

describe("correlate", () => {
  it("gives the tree, and a breakdown whose parts sum to the total", () => {
    const { tree, latency, inferred } = correlate(TRACE, own, [], SECOND_NS);
    expect(tree.nodes).toHaveLength(3);
    expect(latency).toEqual({
      totalNs: 19_000_000,
      browserToNetworkNs: 0,
      networkRoundtripNs: 7_000_000,
      backendProcessingNs: 7_000_000,
      databaseNs: 5_000_000,
      externalNs: 0,
    });
    expect(inferred).toEqual([]);
  });

  it("keeps what seems to belong to it apart, surest first, with the reason", () => {
    const spans = [
      ...own,
      other("a1", { "http.request.method": "POST", "url.path": "/order" }),
      other("a2", { "session.id": "s1" }, 6),
      other("a3", { request_id: "req-123456" }, 7),
      other("a4", {}, 8),
    ];
    const logs = [
      makeLog({
        traceId: "",
        timeNs: BASE_NS,
        body: "x request_id=req-123456",
        resource: makeResource("proxy"),
      }),
      makeLog({
        traceId: "",
        timeNs: BASE_NS,
        body: "x",
        attributes: { "session.id": "s1" },
        resource: makeResource("page2", web),
      }),
      makeLog({ traceId: "", timeNs: BASE_NS, body: "unrelated", resource: makeResource("proxy") }),
    ];
    const { tree, inferred } = correlate(TRACE, spans, logs, SECOND_NS);
    expect(tree.nodes).toHaveLength(3);
    expect(
      inferred.map((member) => [
        member.kind === "trace" ? member.span.name : member.log.body,
        member.method,
        member.confidence,
      ]),
    ).toEqual([
      ["x request_id=req-123456", "request_id", 0.95],
      ["a3", "request_id", 0.95],
      ["a1", "method_and_path", 0.7],
      ["x", "session", 0.6],
      ["a2", "session", 0.6],
    ]);
  });

  it("shares its confidence among several requests of one path", () => {
    const same = { "http.request.method": "POST", "url.path": "/order" };
    const { inferred } = correlate(TRACE, [...own, other("b1", same), other("b2", same)], [], SECOND_NS);
    expect(inferred.map(({ confidence }) => confidence)).toEqual([0.35, 0.35]);
  });

  it("does not join the same path in another session", () => {
    const foreign = other("c1", { "http.request.method": "POST", "url.path": "/order", "session.id": "s2" });
    expect(correlate(TRACE, [...own, foreign], [], SECOND_NS).inferred).toEqual([]);
  });

  it.each([
    ["at the window's edge", 1_019, 1],
    ["past the window's edge", 1_020, 0],
    ["before the window", -1_001, 0],
  ])("looks as far as the window goes: %s", (_, afterMs, expected) => {
    const near = other("d1", { request_id: "req-123456" }, afterMs);
    expect(correlate(TRACE, [...own, near], [], SECOND_NS).inferred).toHaveLength(expected);
  });

  it("has an empty tree for a trace that is not there", () => {
    expect(correlate(TRACE, [], [], SECOND_NS)).toMatchObject({
      tree: { nodes: [] },
      latency: { totalNs: 0 },
      inferred: [],
    });
  });

  it("sums exactly whatever the shape", () => {
    const seed = Date.now() % 1_000_000;
    console.info(`correlate any shape, seed ${seed}`);
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const { totalNs, ...parts } = correlate(spans[0]?.traceId ?? "", spans, [], SECOND_NS).latency;
        expect(Object.values(parts).reduce((sum, ns) => sum + ns, 0)).toBe(totalNs);
      }),
      { seed },
    );
  });
});
