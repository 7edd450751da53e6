import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { selfTimes } from "../../src/correlate/self-time.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace } from "../support/draw-trace.ts";
import { chain, spansOfAnyShape, star } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

/** Self time by span name, in columns of the drawing, and the names of remote children. */
function measured(drawing: string) {
  const tree = buildTraceTree(drawTrace(drawing, { columnNs: 1 }), []);
  const { selfNs, remoteChild } = selfTimes(tree);
  const nameOf = (index: number) => tree.nodes[index]!.span.name;
  const self = Object.fromEntries(tree.nodes.map((node) => [node.span.name, selfNs[node.index]]));
  const callers = tree.nodes.filter((node) => remoteChild[node.index]! >= 0);
  const remote = callers.map((node) => `${node.span.name} > ${nameOf(remoteChild[node.index]!)}`);
  return { self, remote };
}

describe("self time", () => {
  it.each([
    [
      "is the whole of a leaf",
      `
      web root  |=========|`,
      { root: 10 },
    ],
    [
      "leaves out what children cover, once where they overlap or touch",
      `
      web root  |===================|
        web a     |====|
        web b        |====|
        web c             |=|`,
      { root: 10, a: 5, b: 5, c: 2 },
    ],
    [
      "counts a child inside another only once",
      `
      web root  |===================|
        web a     |==========|
        web b       |==|`,
      { root: 9, a: 11, b: 3 },
    ],
    [
      "clips children that reach out at either end",
      `
      web root       |=========|
        web early |====|
        web late             |=======|`,
      { root: 6, early: 5, late: 8 },
    ],
    [
      "ignores children wholly outside, also those that only touch",
      `
      web root       |=====|
        web before  ||
        web touch  |=|
        web after          |===|
        web later             |===|`,
      { root: 6, before: 1, touch: 2, after: 4, later: 4 },
    ],
    [
      "ignores what a producer handed over",
      `
      web producer send  |=========|
        mail consumer receive  |=======|
        web encode  |==|`,
      { send: 10, receive: 8, encode: 3 },
    ],
    [
      "takes a span without length as nothing",
      `
      web root  |=======|
        web tick   |`,
      { root: 8, tick: 0 },
    ],
  ])("%s", (_what, drawing, expected) => {
    expect(measured(drawing).self).toEqual(expected);
  });
});

describe("waiting beside a remote call", () => {
  it("is taken off a leaf, as far as the call covers it", () => {
    const { self } = measured(`
      web server root       |=====================|
        web client call       |=========|
          pay server charge     |=====|
        web inside               |===|
        web reaching                  |========|
        web after                                 |
    `);
    expect(self).toMatchObject({ inside: 0, reaching: 7, call: 4, charge: 6 });
  });

  it("is not taken off spans that call, of other services, or with children", () => {
    const { self } = measured(`
      web server root       |=====================|
        web client call       |=========|
        web client other call  |======|
        pay charge             |======|
        web parent             |======|
          web leaf               |==|
    `);
    expect(self).toMatchObject({ "other call": 7, charge: 7, parent: 4, leaf: 3 });
  });

  it("is not taken off beside work in the same service", () => {
    const { self } = measured(`
      web server root   |==========|
        web a             |=====|
        web b             |=====|
    `);
    expect(self).toMatchObject({ a: 6, b: 6 });
  });
});

describe("edge gap", () => {
  it("is the self time of a caller with a child on the other side", () => {
    const { self, remote } = measured(`
      web client call        |==========|
        pay server charge       |====|
    `);
    expect([self, remote]).toEqual([{ call: 6, charge: 5 }, ["call > charge"]]);
  });

  it("is there when a service calls itself, and not for work below the caller in its own process", () => {
    expect(measured("web client call   |====|\n  web server own   |==|").remote).toEqual(["call > own"]);
    expect(measured("web client call   |====|\n  web resolve      |==|").remote).toEqual([]);
    expect(measured("web work          |====|\n  pay server charge |==|").remote).toEqual([]);
  });
});

describe("any input", () => {
  it(`gives each span between nothing and its duration (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), (spans) => {
        const tree = buildTraceTree(spans, []);
        const { selfNs, remoteChild } = selfTimes(tree);
        for (const node of tree.nodes) {
          expect(selfNs[node.index]).toBeGreaterThanOrEqual(0);
          expect(selfNs[node.index]).toBeLessThanOrEqual(node.endNs - node.startNs);
          const remote = remoteChild[node.index]!;
          if (remote >= 0) expect(node.children).toContain(remote);
        }
      }),
      { seed, numRuns: 300 },
    );
  });

  it(`agrees with counting instants one by one (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), (drawn) => {
        // One service and no calls: nothing waits, so the plain definition holds.
        const spans = drawn.map((span) => ({ ...span, spanKind: "internal" as const }));
        const service = drawn[0]?.resource;
        const tree = buildTraceTree(service ? spans.map((s) => ({ ...s, resource: service })) : [], []);
        const { selfNs } = selfTimes(tree);
        for (const node of tree.nodes) {
          let own = 0;
          for (let at = node.startNs; at < node.endNs; at++) {
            const covered = node.children.some(
              (c) => tree.nodes[c]!.startNs <= at && at < tree.nodes[c]!.endNs,
            );
            if (!covered) own += 1;
          }
          expect(selfNs[node.index]).toBe(own);
        }
      }),
      { seed, numRuns: 200 },
    );
  });

  it("takes 100,000 spans, deep or wide", () => {
    expect(selfTimes(buildTraceTree(chain(100_000), [])).selfNs[0]).toBe(2);
    expect(selfTimes(buildTraceTree(star(100_000), [])).selfNs[0]).toBe(10);
  });
});
