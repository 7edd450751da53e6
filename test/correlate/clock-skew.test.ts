import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adjustedStarts, estimateClockSkew } from "../../src/correlate/clock-skew.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace, makeResource, makeSpan } from "../support/draw-trace.ts";
import { hex, spansOfAnyShape } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function treeOf(drawing: string, traceId = "1".repeat(32)) {
  return buildTraceTree(drawTrace(drawing, { columnNs: 2, traceId }), []);
}

function offsetsOf(...drawings: string[]) {
  const trees = drawings.map((drawing, i) => treeOf(drawing, hex(i + 1).repeat(2)));
  return Object.fromEntries(estimateClockSkew(trees).offsetsNs);
}

/** A call of 20 columns whose server worked `length`, drawn `from` columns after the client began. */
function call(from: number, length: number, hosts = ["a", "b"]): string {
  const margin = " ".repeat(30);
  return `
    web client call    ${margin}|===================|          host=${hosts[0]}
      pay server work  ${margin.slice(2)}${" ".repeat(2)}|${"=".repeat(length - 1)}| host=${hosts[1]} shift=${from}
  `;
}

describe("one call", () => {
  it.each([
    ["inside the client", 5, 10, {}],
    ["at the client's start", 0, 10, {}],
    ["one column before it", -1, 10, { b: 2 * 6 }],
    ["up to the client's end", 10, 10, {}],
    ["one column past it", 11, 10, { b: -2 * 6 }],
    ["far ahead", 500, 10, { b: -2 * 495 }],
    ["far behind", -500, 10, { b: 2 * 505 }],
    ["as long as the client, at its place", 0, 20, {}],
    ["as long as the client, late", 3, 20, { b: -2 * 3 }],
    ["longer than the client, starting with it: the client gave up", 0, 40, {}],
    ["longer than the client, starting later", 4, 40, {}],
    ["longer than the client, starting before it", -4, 40, { b: 2 * 4 }],
  ])("%s", (_where, from, length, expected) => {
    expect(offsetsOf(call(from, length))).toEqual(expected);
  });

  it("halves an odd difference to a whole number", () => {
    const spans = drawTrace("web client c |====| host=a\n  pay server s  |==| host=b", { columnNs: 1 });
    const late = spans.map((span, i) =>
      i === 0 ? span : { ...span, startNs: span.startNs + 9n, endNs: span.endNs + 9n },
    );
    const [offset] = estimateClockSkew([buildTraceTree(late, [])]).offsetsNs.values();
    expect(Number.isInteger(offset)).toBe(true);
  });
});

describe("what says nothing", () => {
  it.each([
    ["spans of one host", call(100, 10, ["a", "a"])],
    ["a server below an internal span", call(100, 10).replace("client", "")],
    ["an internal span below a client", call(100, 10).replace("server", "")],
    ["a server still open", call(100, 10).replace("========|", "========>")],
    ["a caller without a host", call(100, 10).replace("host=a", "")],
    ["a callee without a host", call(100, 10).replace("host=b", "")],
  ])("%s", (_what, drawing) => {
    expect(estimateClockSkew([treeOf(drawing)])).toEqual({ offsetsNs: new Map(), pairs: [] });
  });
});

describe("which host", () => {
  const hostless = call(100, 10).replace("host=a", "").replace("host=b", "");
  it.each([
    ["host.id before host.name", "host=b resource.host.name=x", "b"],
    ["host.name before the instance", "resource.host.name=x resource.service.instance.id=i", "x"],
    ["the instance", "resource.service.instance.id=i", "i"],
    ["a browser, whatever else it names", "resource.telemetry.sdk.language=webjs host=b", "browser:"],
    [
      "a browser by its resource",
      "resource.browser.platform=mac resource.service.instance.id=i",
      "browser:i",
    ],
  ])("%s", (_what, extras, expected) => {
    const [client, server] = hostless.trim().split("\n");
    const skew = estimateClockSkew([treeOf(`    ${client} host=a\n${server} ${extras}`)]);
    expect([...skew.offsetsNs.keys()]).toEqual([expected]);
  });
});

describe("many calls", () => {
  it("count by the median of their traces, so that one busy trace does not outvote two", () => {
    const busy = buildTraceTree(
      Array.from({ length: 50 }, (_, i) => [
        makeSpan({
          spanId: hex(2 * i + 1),
          spanKind: "client",
          startNs: 100n,
          endNs: 200n,
          resource: makeResource("web", { "host.id": "a" }),
        }),
        makeSpan({
          spanId: hex(2 * i + 2),
          parentSpanId: hex(2 * i + 1),
          spanKind: "server",
          startNs: 1_100n,
          endNs: 1_200n,
          resource: makeResource("pay", { "host.id": "b" }),
        }),
      ]).flat(),
      [],
    );
    const others = [treeOf(call(25, 10)), treeOf(call(25, 10))];
    const skew = estimateClockSkew([busy, ...others]);
    expect(Object.fromEntries(skew.offsetsNs)).toEqual({ b: -40 });
    expect(skew.pairs).toEqual([{ callerHost: "a", calleeHost: "b", offsetNs: -40, calls: 52, traces: 3 }]);
  });

  it("add up along the way from where traces begin", () => {
    const drawing = `
      web client call       |===================|            host=a
        pay server work       |===============|              host=b shift=100
          pay client query      |=========|                  host=b shift=100
            ledger server run     |=====|                    host=c shift=-100
    `;
    expect(offsetsOf(drawing)).toEqual({ b: -200, c: 200 });
  });

  it("take the first host as right in each group of hosts that call each other", () => {
    expect(offsetsOf(call(100, 10, ["a", "b"]), call(50, 10, ["x", "y"]))).toEqual({ b: -190, y: -90 });
  });

  it("between the same hosts in both directions agree on one offset", () => {
    expect(
      offsetsOf(call(105, 10, ["a", "b"]), call(105, 10, ["a", "b"]), call(-95, 10, ["b", "a"])),
    ).toEqual({ b: -200 });
  });
});

describe("reading with the offsets", () => {
  it("puts a server back inside its client, and keeps what was sent", () => {
    const spans = drawTrace(call(105, 10), { columnNs: 2 });
    const tree = buildTraceTree(spans, []);
    const skew = estimateClockSkew([tree]);
    expect([...adjustedStarts(tree, skew)]).toEqual([0, 10]);
    const again = buildTraceTree(spans, [], { clockOffsetsNs: skew.offsetsNs });
    expect(again.nodes.map((node) => [node.startNs, node.endNs])).toEqual([
      [0, 40],
      [10, 30],
    ]);
    expect(again.nodes.map((node) => node.span)).toEqual(spans);
    expect(again.skewAdjusted).toBe(true);
  });

  it("is the same estimate on a tree that was built with offsets", () => {
    const spans = drawTrace(call(105, 10), { columnNs: 2 });
    const skew = estimateClockSkew([buildTraceTree(spans, [])]);
    const again = buildTraceTree(spans, [], { clockOffsetsNs: skew.offsetsNs });
    expect(estimateClockSkew([again])).toEqual(skew);
    expect([...adjustedStarts(again, skew)]).toEqual([0, 10]);
  });
});

it(`gives whole offsets for any input, none to a host without a name (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.array(spansOfAnyShape(), { maxLength: 4 }), (traces) => {
      const { offsetsNs } = estimateClockSkew(traces.map((spans) => buildTraceTree(spans, [])));
      for (const [host, offset] of offsetsNs) {
        expect(host).not.toBe("");
        expect(Number.isInteger(offset) && offset !== 0).toBe(true);
      }
    }),
    { seed, numRuns: 200 },
  );
});

it("takes 20,000 hosts called by one", () => {
  const hub = makeSpan({
    spanId: hex(1),
    spanKind: "client",
    startNs: 100n,
    endNs: 200n,
    resource: makeResource("web", { "host.id": "hub" }),
  });
  const servers = Array.from({ length: 20_000 }, (_, i) =>
    makeSpan({
      spanId: hex(i + 2),
      parentSpanId: hex(1),
      spanKind: "server",
      startNs: 1_100n,
      endNs: 1_200n,
      resource: makeResource("pay", { "host.id": `h${i}` }),
    }),
  );
  expect(estimateClockSkew([buildTraceTree([hub, ...servers], [])]).offsetsNs.size).toBe(20_000);
});
