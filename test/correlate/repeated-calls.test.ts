import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findRepeatedCalls } from "../../src/correlate/repeated-calls.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace } from "../support/draw-trace.ts";
import { chain, hex, spansOfAnyShape, star } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function found(drawing: string, repeatsMin?: number) {
  return findRepeatedCalls(buildTraceTree(drawTrace(drawing, { columnNs: 1 }), []), repeatsMin);
}

const QUERIES = (count: number) => `
  shop server GET /cart    |==========================|
${Array.from({ length: count }, (_, i) => `    shop client SELECT     ${" ".repeat(2 * i + 1)}|=| db.system=sqlite db.statement=price(${i})`).join("\n")}
`;

describe("what counts", () => {
  it("is five of one kind under one parent, not four", () => {
    expect(found(QUERIES(4))).toEqual([]);
    expect(found(QUERIES(5))).toMatchObject([
      {
        parent: 0,
        members: [1, 2, 3, 4, 5],
        service: "shop",
        operation: "price(?)",
        call: "price(?)",
        count: 5,
        errors: 0,
        mode: "sequential",
        totalNs: 10,
        wallNs: 10,
        savedNs: 8,
      },
    ]);
  });

  it("is as many as asked for", () => {
    expect(found(QUERIES(3), 3)).toHaveLength(1);
    expect(found(QUERIES(3), 4)).toHaveLength(0);
  });

  it("is not plain repeated work, nor calls that differ, nor calls under different parents", () => {
    const lines = (line: (i: number) => string) => Array.from({ length: 6 }, (_, i) => line(i)).join("\n");
    expect(found(`web root  |=====|\n${lines(() => "  web step  |=|")}`)).toEqual([]);
    expect(found(`web root  |=====|\n${lines((i) => `  web client call ${"abcdef"[i]}  |=|`)}`)).toEqual([]);
    expect(
      found(`web root  |=====|\n${lines(() => "  web step  |=|\n    web client call  |=|")}`, 7),
    ).toEqual([]);
    expect(found(lines(() => "web client call  |=|"))).toEqual([]);
  });

  it("is also a span that only wraps one call", () => {
    const drawing = `
      shop server GET /cart   |======================|
        shop find               |=|
          shop client SELECT    |=|     db.system=sqlite
        shop find                  |=|
          shop client SELECT       |=|  db.system=sqlite
        shop find                     |=|
          shop client SELECT          |=|  db.system=sqlite
    `;
    expect(found(drawing, 3)).toMatchObject([{ operation: "find", call: "SELECT", count: 3 }]);
  });

  it("is also a server span of another service whose caller has no span for the call", () => {
    const drawing = `
      web root          |=========|
        pay server GET   |=|
        pay server GET      |=|
        pay server GET         |=|  !
    `;
    expect(found(drawing, 3)).toMatchObject([{ service: "pay", operation: "GET", errors: 1 }]);
  });
});

describe("mode", () => {
  const three = (second: number, third: number) => {
    const call = (at: number) => `        web client call ${" ".repeat(at)}|===================|`;
    return `
      web root          |${"=".repeat(100)}|
${[0, second, third].map(call).join("\n")}`;
  };

  it.each([
    ["one after the other", 20, 40, "sequential", 60, 40],
    ["overlapping by a twentieth in all", 19, 37, "sequential", 57, 37],
    ["overlapping by more", 19, 36, "parallel", 56, 36],
    ["all at once", 0, 0, "parallel", 20, 0],
  ])("%s", (_what, second, third, mode, wallNs, savedNs) => {
    expect(found(three(second, third), 3)).toMatchObject([{ mode, wallNs, savedNs, totalNs: 60 }]);
  });
});

describe("order", () => {
  it("is by what might be saved", () => {
    const drawing = `
      web root            |==========================|
        web client short  |=|
        web client short     |=|
        web client long   |=========|
        web client long              |=========|
    `;
    expect(found(drawing, 2).map((f) => f.operation)).toEqual(["long", "short"]);
  });
});

describe("any input", () => {
  it(`finds only what is there (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const tree = buildTraceTree(spans, []);
        for (const repeated of findRepeatedCalls(tree, 2)) {
          expect(repeated.count).toBe(repeated.members.length);
          expect(repeated.wallNs).toBeLessThanOrEqual(repeated.totalNs);
          expect(repeated.savedNs).toBeGreaterThanOrEqual(0);
          for (const member of repeated.members) expect(tree.nodes[member]!.parent).toBe(repeated.parent);
        }
      }),
      { seed, numRuns: 200 },
    );
  });

  it("takes 100,000 spans, deep or wide", () => {
    expect(findRepeatedCalls(buildTraceTree(chain(100_000), []))).toEqual([]);
    const calls = star(100_000).map((span) =>
      span.spanId === hex(1) ? span : { ...span, spanKind: "client" as const },
    );
    expect(findRepeatedCalls(buildTraceTree(calls, []))).toMatchObject([
      { operation: "child {}", count: 99_999 },
    ]);
  });
});
