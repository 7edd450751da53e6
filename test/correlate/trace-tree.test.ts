import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildTraceTree, type TraceTree } from "../../src/correlate/trace-tree.ts";
import type { Span } from "../../src/model/span.ts";
import { drawTrace, makeLog, makeResource, makeSpan } from "../support/draw-trace.ts";
import { chain, hex, spansOfAnyShape, star } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

/** The tree as indented names with their marks: what a reader would see. */
function outline(tree: TraceTree): string[] {
  return tree.nodes.map((node) => {
    const marks = (["orphan", "cycleBroken", "open", "late", "negative", "clamped"] as const).filter(
      (m) => node[m],
    );
    const folded = node.duplicates > 0 ? [`+${node.duplicates}`] : [];
    return ["  ".repeat(node.depth) + node.span.name, ...marks, ...folded].join(" ");
  });
}

const MS = 1_000_000;

describe("order", () => {
  it("puts children under their parent, by start, whatever the order of arrival", () => {
    const spans = drawTrace(`
      web root            |==========|
        web second            |==|
          web below            ||
        web first           |==|
    `);
    const expected = ["root", "  first", "  second", "    below"];
    expect(outline(buildTraceTree(spans, []))).toEqual(expected);
    expect(outline(buildTraceTree(spans.toReversed(), []))).toEqual(expected);
  });

  it("keeps siblings of the same start in order of arrival", () => {
    const spans = drawTrace(`
      web root    |=====|
        web b       |=|
        web a       |==|
    `);
    expect(outline(buildTraceTree(spans, []))).toEqual(["root", "  b", "  a"]);
  });

  it("keeps several roots apart and gathers orphans after them", () => {
    const spans = drawTrace(`
      web orphan 2     |==|            parent=00000000000000ee
      web orphan 1   |===|             parent=00000000000000ff
        web below      ||
      web root 2         |====|
      web root 1     |====|
      web orphan 3           |=|       parent=00000000000000ff
    `);
    const tree = buildTraceTree(spans, []);
    expect(outline(tree)).toEqual([
      "root 1",
      "root 2",
      "orphan 1 orphan",
      "  below",
      "orphan 2 orphan",
      "orphan 3 orphan",
    ]);
    expect(tree.roots).toEqual([0, 1]);
    expect(tree.orphans).toEqual([2, 4, 5]);
    expect(tree.missingParents).toEqual([
      { spanId: "00000000000000ff", children: [2, 5] },
      { spanId: "00000000000000ee", children: [4] },
    ]);
    expect(tree.partial).toBe(true);
  });

  it("gives positions that agree with each other", () => {
    const tree = buildTraceTree(
      drawTrace(`
        web root     |======|
          web a       |==|
            web a1     ||
          web b         |==|
      `),
      [],
    );
    expect(tree.nodes.map((n) => [n.index, n.parent, n.children, n.depth])).toEqual([
      [0, -1, [1, 3], 0],
      [1, 0, [2], 1],
      [2, 1, [], 2],
      [3, 0, [], 1],
    ]);
  });

  it("is empty without spans and keeps the logs", () => {
    const log = makeLog();
    const tree = buildTraceTree([], [log]);
    expect(tree).toMatchObject({
      nodes: [],
      roots: [],
      orphans: [],
      logs: [log],
      originNs: 0n,
      partial: false,
    });
    expect(tree.traceId).toBe(log.traceId);
  });

  it("keeps what the caller added to spans and logs", () => {
    const spans = drawTrace("web root |==|").map((span) => ({ ...span, id: "s1" }));
    const tree = buildTraceTree(spans, [{ ...makeLog({ spanId: spans[0]!.spanId }), id: "l1" }]);
    expect([tree.nodes[0]!.span.id, tree.nodes[0]!.logs[0]!.id]).toEqual(["s1", "l1"]);
  });
});

describe("times", () => {
  it("count from the earliest start", () => {
    const tree = buildTraceTree(drawTrace("web root |====|\n  web child    |==|"), []);
    expect(tree.nodes.map((n) => [n.startNs, n.endNs])).toEqual([
      [0, 5 * MS],
      [6 * MS, 9 * MS],
    ]);
  });

  it.each([
    ["at the last exact nanosecond", 2n ** 53n - 1n, false],
    ["one nanosecond past it", 2n ** 53n, true],
  ])("are clamped and flagged %s", (_where, distance, clamped) => {
    const early = makeSpan({ startNs: 1n, endNs: 2n });
    const late = makeSpan({ spanId: hex(2), startNs: 1n + distance, endNs: 1n + distance });
    const tree = buildTraceTree([early, early, early, late], []);
    expect(tree.nodes.map((n) => [n.startNs, n.clamped])).toEqual([
      [0, false],
      [Number.MAX_SAFE_INTEGER, clamped],
    ]);
    expect(tree.nodes[1]!.span.startNs).toBe(1n + distance);
  });

  it("stay exact for the many when one clock was never set", () => {
    const good = drawTrace("web a |==|\nweb b  |==|\nweb c   |==|");
    const unset = makeSpan({ spanId: hex(9), name: "1970", startNs: 5n, endNs: 6n });
    const none = makeSpan({ spanId: hex(10), name: "none", startNs: 0n, endNs: good[2]!.endNs });
    const tree = buildTraceTree([...good, unset, none], []);
    expect(tree.originNs).toBe(good[0]!.startNs);
    expect(tree.nodes.map((n) => [n.span.name, n.startNs, n.endNs, n.clamped])).toEqual([
      ["a", 0, 3 * MS, false],
      ["1970", 0, 0, true],
      ["none", 0, 5 * MS, true],
      ["b", MS, 4 * MS, false],
      ["c", 2 * MS, 5 * MS, false],
    ]);
  });

  it("reach to the largest that OTLP can say", () => {
    const spans = [
      makeSpan({ startNs: 1n, endNs: 2n ** 64n - 1n }),
      makeSpan({ spanId: hex(2), startNs: 2n ** 64n - 2n, endNs: 2n ** 64n - 1n }),
    ];
    const tree = buildTraceTree(spans, []);
    const bound = Number.MAX_SAFE_INTEGER;
    expect(tree.nodes.map((n) => [n.startNs, n.endNs])).toEqual([
      [0, bound],
      [bound, bound],
    ]);
  });

  it("give a span that ends before it starts no length, and flag it", () => {
    const spans = drawTrace("web root |==|").map((s) => ({ ...s, endNs: s.startNs - 1n }));
    const tree = buildTraceTree(spans, []);
    expect(tree.nodes[0]).toMatchObject({ startNs: 0, endNs: 0, negative: true, open: false });
  });
});

describe("open spans", () => {
  it("end at the latest instant known below them", () => {
    const spans = drawTrace(`
      web root     |=>
        web call    |==>
          web deep    |==|
    `);
    const tree = buildTraceTree(spans, []);
    expect(tree.open).toBe(true);
    expect(tree.nodes.map((n) => [n.open, n.endNs])).toEqual([
      [true, 6 * MS],
      [true, 6 * MS],
      [false, 6 * MS],
    ]);
  });

  it("end at their own last event or log when that is later", () => {
    const [span] = drawTrace("web root |>");
    const event = { timeNs: span!.startNs + 3n, name: "tick", attributes: {}, droppedAttributes: 0 };
    const log = makeLog({ spanId: span!.spanId, timeNs: span!.startNs + 7n });
    expect(buildTraceTree([{ ...span!, events: [event] }], []).nodes[0]!.endNs).toBe(3);
    expect(buildTraceTree([{ ...span!, events: [event] }], [log]).nodes[0]!.endNs).toBe(7);
    const clockOffsetsNs = new Map([["", 100]]);
    const [node] = buildTraceTree([{ ...span!, events: [event] }], [], { clockOffsetsNs }).nodes;
    expect([node!.startNs, node!.endNs]).toEqual([100, 103]);
  });
});

describe("duplicates", () => {
  it("are folded and counted, the most complete copy staying", () => {
    const [open] = drawTrace("web root |=>");
    const closed = { ...open!, endNs: open!.startNs + 5n };
    const fuller = { ...closed, attributes: { "http.route": "/pay" } };
    for (const copies of [
      [open!, closed, fuller],
      [fuller, closed, open!],
      [closed, open!, fuller],
    ]) {
      const tree = buildTraceTree(copies, []);
      expect(tree.nodes).toHaveLength(1);
      expect(tree.nodes[0]!.span).toBe(fuller);
      expect([tree.nodes[0]!.duplicates, tree.duplicates]).toEqual([2, 2]);
    }
  });

  it("leave the copy that has ended, even when an open one says more", () => {
    const [open] = drawTrace("web root |=> a=1 b=2");
    const closed = { ...open!, endNs: open!.startNs + 5n, attributes: {} };
    expect(buildTraceTree([closed, open!], []).nodes[0]!.span).toBe(closed);
    expect(buildTraceTree([open!, closed], []).nodes[0]!.span).toBe(closed);
  });

  it("are not spans that share an id but not the start", () => {
    const spans = drawTrace("web a |==|  id=00000000000000aa\nweb b   |==|  id=00000000000000aa");
    expect(outline(buildTraceTree(spans, []))).toEqual(["a", "b"]);
  });
});

describe("a span id shared by a client and a server", () => {
  const drawing = (parentOfServer: string) => `
    gateway server GET /       |==============|
      gateway client POST        |=========|     id=00000000000000aa
    pay server POST               |=======|      id=00000000000000aa ${parentOfServer}
    pay query                       |==|         parent=00000000000000aa
    gateway parse                             |  parent=00000000000000aa
  `;
  const tree = ["GET /", "  POST", "    POST", "      query", "    parse"];

  it.each([
    ["the same parent", "parent=0000000000000001"],
    ["no parent", ""],
    ["itself as parent", "parent=00000000000000aa"],
  ])("hangs the server with %s under the client, and each child under its service's", (_which, parent) => {
    expect(outline(buildTraceTree(drawTrace(drawing(parent)), []))).toEqual(tree);
    expect(outline(buildTraceTree(drawTrace(drawing(parent)).toReversed(), []))).toEqual(tree);
  });

  it("holds also when both start at the same instant", () => {
    const spans = drawTrace(`
      gateway client POST   |=====|     id=00000000000000aa
      pay server POST       |===|       id=00000000000000aa
    `);
    expect(outline(buildTraceTree(spans, []))).toEqual(["POST", "  POST"]);
  });

  it("gives a child to the span of that id that began last before it, else to the first", () => {
    const spans = drawTrace(`
      web early                      |=|                  parent=00000000000000aa
      web try 1                           |====|          id=00000000000000aa
      web try 2                                 |====|    id=00000000000000aa
      web try 3                                       ||  id=00000000000000aa
      web with 1                             |            parent=00000000000000aa
      web with 2                                |==|      parent=00000000000000aa
    `);
    const expected = ["try 1", "  early", "  with 1", "try 2", "  with 2", "try 3"];
    expect(outline(buildTraceTree(spans, []))).toEqual(expected);
    expect(outline(buildTraceTree(spans.toReversed(), []))).toEqual(expected);
  });

  it("leaves a server alone that names another parent", () => {
    const spans = drawTrace(`
      gateway client POST   |=====|     id=00000000000000aa
      queue work            |=====|     id=00000000000000bb
      pay server POST        |===|      id=00000000000000aa parent=00000000000000bb
    `);
    expect(outline(buildTraceTree(spans, []))).toEqual(["POST", "work", "  POST"]);
  });
});

describe("cycles", () => {
  it.each([
    ["a span that is its own parent", [[1, 1]], ["1 cycleBroken"]],
    [
      "two spans",
      [
        [1, 2],
        [2, 1],
      ],
      ["1 cycleBroken", "  2"],
    ],
    [
      "three spans with a tail",
      [
        [1, 3],
        [2, 1],
        [3, 2],
        [4, 2],
      ],
      ["1 cycleBroken", "  2", "    3", "    4"],
    ],
    [
      "two cycles",
      [
        [1, 2],
        [2, 1],
        [3, 4],
        [4, 3],
      ],
      ["1 cycleBroken", "  2", "3 cycleBroken", "  4"],
    ],
  ])("of %s are cut at the earliest span", (_which, links, expected) => {
    const spans = links.map(([id, parent]) =>
      makeSpan({ spanId: hex(id!), parentSpanId: hex(parent!), name: `${id}`, startNs: BigInt(100 + id!) }),
    );
    for (const arrival of [spans, spans.toReversed()]) {
      const tree = buildTraceTree(arrival, []);
      expect(outline(tree)).toEqual(expected);
      expect(tree.cycleBroken).toBe(true);
      expect(tree.orphans).toEqual([]);
    }
  });
});

describe("logs", () => {
  it("stand at their span by time, and at the trace when that is unknown", () => {
    const spans = drawTrace("web root |==|\n  web child  ||");
    const log = (body: string, spanId: string, timeNs: bigint) => makeLog({ body, spanId, timeNs });
    const tree = buildTraceTree(spans, [
      log("late", hex(1), 9n),
      log("early", hex(1), 3n),
      log("child", hex(2), 1n),
      log("no span", "", 5n),
      log("gone", hex(77), 4n),
    ]);
    expect(tree.nodes.map((n) => n.logs.map((l) => l.body))).toEqual([["early", "late"], ["child"]]);
    expect(tree.logs.map((l) => l.body)).toEqual(["gone", "no span"]);
  });

  it("go to the span of their own service where an id is shared", () => {
    const spans = drawTrace(`
      gateway client POST   |=====|     id=00000000000000aa
      pay server POST        |===|      id=00000000000000aa
    `);
    const log = makeLog({ spanId: "00000000000000aa", resource: makeResource("pay") });
    expect(buildTraceTree(spans, [log]).nodes[1]!.logs).toEqual([log]);
  });
});

describe("flags", () => {
  const spans = drawTrace("web root |==|\n  web child  ||");

  it("say that records were lost", () => {
    expect(buildTraceTree(spans, [])).toMatchObject({ partial: false, lost: 0 });
    expect(buildTraceTree(spans, [], { lost: 3 })).toMatchObject({ partial: true, lost: 3 });
  });

  it("say which spans were late by the caller's mark", () => {
    const tree = buildTraceTree(spans, [], { isLate: (span) => span.name === "child" });
    expect([tree.late, ...tree.nodes.map((n) => n.late)]).toEqual([true, false, true]);
    expect(buildTraceTree(spans, []).late).toBe(false);
  });

  it("say that clock offsets moved spans", () => {
    const drawn = drawTrace("web root |==| host=a\n  pay child  || host=b");
    const offsets = new Map([["b", -MS]]);
    const tree = buildTraceTree(drawn, [], { clockOffsetsNs: offsets });
    expect([tree.skewAdjusted, ...tree.nodes.map((n) => [n.startNs, n.skewNs])]).toEqual([
      true,
      [0, 0],
      [3 * MS, -MS],
    ]);
    expect(buildTraceTree(drawn, [], { clockOffsetsNs: new Map() }).skewAdjusted).toBe(false);
  });
});

describe("any input", () => {
  it(`keeps every span exactly once and orders it (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const tree = buildTraceTree(spans, []);
        const identity = (s: Span) => `${s.spanId}/${s.startNs}/${s.spanKind}`;
        expect(tree.nodes.map((n) => identity(n.span)).sort()).toEqual(
          [...new Set(spans.map(identity))].sort(),
        );
        expect(tree.nodes.length + tree.duplicates).toBe(spans.length);
        const heads = tree.nodes.filter((n) => n.parent < 0).map((n) => n.index);
        expect([...tree.roots, ...tree.orphans].sort((a, b) => a - b)).toEqual(heads);
        for (const node of tree.nodes) {
          expect(node.endNs).toBeGreaterThanOrEqual(node.startNs);
          expect(node.parent).toBeLessThan(node.index);
          for (const child of node.children) expect(tree.nodes[child]!.parent).toBe(node.index);
          if (node.parent >= 0) expect(tree.nodes[node.parent]!.children).toContain(node.index);
          const starts = node.children.map((child) => tree.nodes[child]!.startNs);
          expect(starts).toEqual(starts.toSorted((a, b) => a - b));
          if (node.orphan)
            expect(tree.missingParents.some((m) => m.spanId === node.span.parentSpanId)).toBe(true);
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it("takes a chain of 100,000 spans, in either order of arrival", () => {
    const spans = chain(100_000);
    expect(buildTraceTree(spans, []).nodes.at(-1)!.depth).toBe(99_999);
    expect(buildTraceTree(spans.toReversed(), []).nodes.at(-1)!.depth).toBe(99_999);
  });

  it("takes a ring of 100,000 spans, and 100,000 spans under one", () => {
    const ring = chain(100_000).map((span, i) => (i === 0 ? { ...span, parentSpanId: hex(100_000) } : span));
    expect(buildTraceTree(ring, []).nodes.at(-1)!.depth).toBe(99_999);
    expect(buildTraceTree(star(100_000), []).nodes[0]!.children).toHaveLength(99_999);
  });

  it("takes 100,000 spans that all share one id and name it as their parent", () => {
    const spans = Array.from({ length: 100_000 }, (_, i) =>
      makeSpan({
        parentSpanId: hex(1),
        startNs: BigInt(1000 + i),
        spanKind: i % 2 === 0 ? "client" : "server",
      }),
    );
    expect(buildTraceTree(spans, []).nodes).toHaveLength(100_000);
  });
});
