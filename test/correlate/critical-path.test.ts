import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { criticalPath, mainRoot } from "../../src/correlate/critical-path.ts";
import { buildTraceTree, type TraceNode, type TraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace } from "../support/draw-trace.ts";
import { chain, hex, spansOfAnyShape, star } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function pathOf(tree: TraceTree, root?: number): string[] {
  return criticalPath(tree, root).steps.map((step) => `${step.span.name} ${step.startNs}-${step.endNs}`);
}

// The situations of Jaeger UI's test cases (TracePage/CriticalPath/testCases, 1 to 9) are drawn anew below, as are the
// overlaps of CRISP's (test_cases, 1 to 25); the files themselves are not kept here. Both projects are under
// Apache-2.0. Their files, run through this code once, gave the same sections for all of Jaeger UI's and the same
// times for 21 of CRISP's; the other four (10, 19, 20, 21) have siblings that overlap, where CRISP counts the overlap
// twice and takes it off the parent.

/** Steps as `name start-end`, in columns from the leftmost bar. */
function drawnPath(drawing: string): string[] {
  return pathOf(buildTraceTree(drawTrace(drawing, { columnNs: 1 }), []));
}

describe("last finishing child", () => {
  it.each([
    ["a span alone", "web root |=========|", ["root 0-10"]],
    [
      "children one after the other, with gaps",
      `
      web root  |===================|
        web a      |====|
        web b              |===|`,
      ["root 0-3", "a 3-8", "root 8-11", "b 11-15", "root 15-20"],
    ],
    [
      "a child that finished before the last one did is passed over",
      `
      web root  |===================|
        web a     |=======|
        web b        |=======|`,
      ["root 0-5", "b 5-13", "root 13-20"],
    ],
    [
      "of two that end together, the earlier start",
      `
      web root  |===================|
        web short        |====|
        web long     |========|`,
      ["root 0-5", "long 5-14", "root 14-20"],
    ],
    [
      "a child inside another is passed over",
      `
      web root  |===================|
        web a     |=============|
        web b       |====|`,
      ["root 0-2", "a 2-16", "root 16-20"],
    ],
    [
      "nested, with time of each on its own",
      `
      web root       |===================|
        web a           |============|
          web b           |====|
          web c                 |===|`,
      ["root 0-3", "a 3-5", "b 5-10", "a 10-11", "c 11-15", "a 15-16", "root 16-20"],
    ],
    [
      "children that cover their parent leave it out",
      `
      web root  |=========|
        web a   |====|
        web b        |====|`,
      ["a 0-5", "b 5-10"],
    ],
    [
      "a span without length is no step",
      `
      web root  |=========|
        web tick     |
        web a        |==|`,
      ["root 0-5", "a 5-8", "root 8-10"],
    ],
  ])("%s", (_what, drawing, expected) => {
    expect(drawnPath(drawing)).toEqual(expected);
  });
});

describe("boundaries", () => {
  it("a child that ends where the next begins comes before it; one column later it overlaps and does not", () => {
    const drawing = (first: string) => `
      web root  |=====================|
        web a     ${first}
        web b            |=====|`;
    expect(drawnPath(drawing("|======|   "))).toEqual(["root 0-2", "a 2-9", "b 9-15", "root 15-22"]);
    expect(drawnPath(drawing("|=======|  "))).toEqual(["root 0-9", "b 9-15", "root 15-22"]);
  });

  it.each([
    ["exactly a twentieth of the earlier one", 20, 1, ["root 0-10", "a 10-29", "b 29-40", "root 40-50"]],
    ["one more than that", 20, 2, ["root 0-28", "b 28-40", "root 40-50"]],
    ["two fortieths", 40, 2, ["root 0-10", "a 10-48", "b 48-60", "root 60-70"]],
    ["five hundredths", 100, 5, ["root 0-10", "a 10-105", "b 105-120", "root 120-130"]],
    ["six hundredths", 100, 6, ["root 0-104", "b 104-120", "root 120-130"]],
    ["three fortieths", 40, 3, ["root 0-47", "b 47-60", "root 60-70"]],
  ])("an overlap of %s", (_what, length, overlap, expected) => {
    const bar = (from: number, to: number) => `${" ".repeat(from)}|${"=".repeat(to - from - 1)}|`;
    expect(
      drawnPath(`
        web root  ${bar(0, 30 + length)}
          web a   ${bar(10, 10 + length)}
          web b   ${bar(10 + length - overlap, 20 + length)}`),
    ).toEqual(expected);
  });

  it("an overlap is clipped for what lies below the earlier one too", () => {
    expect(
      drawnPath(`
        web root    |===================================|
          web a       |===================|
            web deep    |================|
          web b                          |==|`),
    ).toEqual(["root 0-2", "a 2-4", "deep 4-21", "b 21-24", "root 24-36"]);
  });
});

describe("children that reach out of their parent", () => {
  it.each([
    [
      "after its end are clipped, also what lies below them",
      `
      web root  |=======|
        web a       |========|
          web b        |======|`,
      ["root 0-4", "a 4-7", "b 7-8"],
    ],
    [
      "after its end are clipped, and a grandchild that began before them with them",
      `
      web root  |=======|
        web a       |========|
          web b  |====|`,
      ["root 0-4", "b 4-6", "a 6-8"],
    ],
    [
      "before its start are clipped",
      `
      web root       |=======|
        web a     |======|`,
      ["a 0-4", "root 4-8"],
    ],
    [
      "at both ends stand for it wholly",
      `
      web root       |=======|
        web a     |==============|`,
      ["a 0-8"],
    ],
    [
      "wholly, after it or before it, do not count, nor what lies below them",
      `
      web root         |=====|
        web early   ||
        web late                |====|
          web below        |====|`,
      ["root 0-6"],
    ],
    [
      "only touching it do not count",
      `
      web root         |=====|
        web before  |==|
        web after            |==|`,
      ["root 0-6"],
    ],
    [
      "by one column at its start or its end count with that column",
      `
      web root         |=====|
        web before  |===|
        web after           |==|`,
      ["before 0-1", "root 1-5", "after 5-6"],
    ],
  ])("%s", (_what, drawing, expected) => {
    const tree = buildTraceTree(drawTrace(drawing, { columnNs: 1 }), []);
    const root = tree.nodes[0]!.startNs;
    const steps = criticalPath(tree).steps;
    expect(steps.map((s) => `${s.span.name} ${s.startNs - root}-${s.endNs - root}`)).toEqual(expected);
  });
});

describe("what does not block", () => {
  it("is a consumer under a producer, with all below it", () => {
    expect(
      drawnPath(`
        web producer send       |============|
          mail consumer receive   |========|
            mail render             |==|
          web encode             |==|`),
    ).toEqual(["send 0-1", "encode 1-4", "send 4-13"]);
  });

  it.each([
    ["producer", "server"],
    ["client", "consumer"],
    ["internal", "consumer"],
  ])("is not a %s's %s", (parent, child) => {
    const drawing = `
      web ${parent.padEnd(10)} out    |============|
        web ${child.padEnd(10)} in     |========|`;
    expect(drawnPath(drawing)).toEqual(["out 0-2", "in 2-11", "out 11-13"]);
  });

  it("is a linked span: it is another root", () => {
    const spans = drawTrace("web root |======|\nweb job    |==|", { columnNs: 1 });
    const links = [
      {
        traceId: spans[0]!.traceId,
        spanId: hex(1),
        traceState: "",
        attributes: {},
        flags: 0,
        droppedAttributes: 0,
      },
    ];
    expect(pathOf(buildTraceTree([spans[0]!, { ...spans[1]!, links }], []))).toEqual(["root 0-7"]);
  });
});

describe("the root", () => {
  it("is the longest of several, or the one asked for", () => {
    const tree = buildTraceTree(
      drawTrace(
        `
      web first   |===|
      web longest   |======|
      web lost     |=============|  parent=00000000000000ff`,
        { columnNs: 1 },
      ),
      [],
    );
    expect(pathOf(tree)).toEqual(["longest 2-9"]);
    expect(pathOf(tree, 0)).toEqual(["first 0-4"]);
    expect(criticalPath(tree, 0).totalNs).toBe(4);
  });

  it("is the longest orphan when no root is held", () => {
    const tree = buildTraceTree(
      drawTrace("web a |=| parent=00000000000000ff\nweb b |==| parent=00000000000000ff"),
      [],
    );
    expect(tree.nodes[mainRoot(tree)]!.span.name).toBe("b");
  });

  it("is -1 and there are no steps without spans, or at a position that does not exist", () => {
    const none = { root: -1, steps: [], totalNs: 0 };
    expect(criticalPath(buildTraceTree([], []))).toEqual(none);
    expect(criticalPath(buildTraceTree(drawTrace("web root |==|"), []), 1)).toEqual(none);
  });

  it("still open is explained up to the last instant known", () => {
    expect(drawnPath("web root   |==>\n  web a     |====|")).toEqual(["root 0-1", "a 1-6"]);
  });
});

it("walks by adjusted clocks and gives steps by the clocks as sent", () => {
  const spans = drawTrace(
    `
    web client call       |===========|             host=a
      pay server charge                  |=====|    host=b`,
    { columnNs: 1 },
  );
  expect(pathOf(buildTraceTree(spans, []))).toEqual(["call 0-12"]);
  const tree = buildTraceTree(spans, [], { clockOffsetsNs: new Map([["b", -12]]) });
  expect(pathOf(tree)).toEqual(["call 0-3", "charge 15-21", "call 9-12"]);
});

describe("any input", () => {
  it(`adds up to the root's duration, in order, without gaps (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const tree = buildTraceTree(spans, []);
        for (const root of [...tree.roots, ...tree.orphans]) {
          const { steps, totalNs } = criticalPath(tree, root);
          const top = tree.nodes[root]!;
          expect(totalNs).toBe(top.endNs - top.startNs);
          let at = top.startNs;
          for (const step of steps) {
            expect(step.startNs).toBe(at);
            expect(step.endNs).toBeGreaterThan(step.startNs);
            const node = tree.nodes[step.index]!;
            expect(step.startNs).toBeGreaterThanOrEqual(node.startNs);
            expect(step.endNs).toBeLessThanOrEqual(node.endNs);
            at = step.endNs;
          }
          if (steps.length > 0 || totalNs > 0) expect(at).toBe(top.endNs);
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  it(`agrees with a plain walk that looks at all children each time (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const tree = buildTraceTree(spans, []);
        const top = tree.nodes[mainRoot(tree)];
        const expected = top === undefined ? [] : plainWalk(tree, top, top.startNs, top.endNs);
        const found = criticalPath(tree).steps.map((step) => [step.index, step.startNs, step.endNs]);
        expect(found).toEqual(expected.toReversed());
      }),
      { seed, numRuns: 500 },
    );
  });

  it("takes 100,000 spans, deep or wide", () => {
    const deep = criticalPath(buildTraceTree(chain(100_000), []));
    expect([deep.steps.length, deep.totalNs]).toEqual([199_999, 200_000]);
    expect(criticalPath(buildTraceTree(star(100_000), [])).steps).toHaveLength(100_000);
  });
});

/** The definition, word by word: steps from the last to the first. */
function plainWalk(tree: TraceTree, node: TraceNode, startNs: number, endNs: number): number[][] {
  const steps: number[][] = [];
  const clipped = node.children
    .map((index) => tree.nodes[index]!)
    .filter((child) => !(node.span.spanKind === "producer" && child.span.spanKind === "consumer"))
    .map((child) => ({ child, from: Math.max(child.startNs, startNs), to: Math.min(child.endNs, endNs) }))
    .filter(({ from, to }) => to > from);
  let cursor = endNs;
  for (;;) {
    const before = clipped.filter(({ from, to }) => to <= cursor || (to - cursor) * 20 <= to - from);
    before.sort((a, b) => b.to - a.to || a.from - b.from || a.child.index - b.child.index);
    const last = before[0];
    const from = last === undefined ? startNs : Math.min(last.to, cursor);
    if (from < cursor) steps.push([node.index, from, cursor]);
    if (last === undefined) return steps;
    steps.push(...plainWalk(tree, last.child, last.from, from));
    cursor = last.from;
  }
}
