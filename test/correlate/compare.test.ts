import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareTraces } from "../../src/correlate/compare.ts";
import { buildTraceTree, type TraceTree } from "../../src/correlate/trace-tree.ts";
import type { Span } from "../../src/model/span.ts";
import { drawTrace } from "../support/draw-trace.ts";
import { chain, spansOfAnyShape, star } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function treeOf(drawing: string, change: (span: Span) => Span = (span) => span): TraceTree {
  return buildTraceTree(drawTrace(drawing).map(change), []);
}

/** The lists that hold something, as paths. */
function differences(before: string | readonly string[], after: string | readonly string[]) {
  const trees = (drawings: string | readonly string[]) => [drawings].flat().map((drawing) => treeOf(drawing));
  const found = compareTraces(trees(before), trees(after));
  const paths = (list: readonly { readonly path: readonly string[] }[]) =>
    list.map((ref) => ref.path.join(" / "));
  const all = {
    added: paths(found.added),
    removed: paths(found.removed),
    moved: found.moved.map(({ from, to }) => `${paths([from])} > ${paths([to])}`),
    repeatedMore: paths(found.repeatedMore),
    repeatedLess: paths(found.repeatedLess),
    slower: paths(found.slower),
    faster: paths(found.faster),
    newErrors: found.newErrors.map((error) => `${paths([error])}: ${error.failure}`),
    goneErrors: found.goneErrors.map((error) => `${paths([error])}: ${error.failure}`),
  };
  return Object.fromEntries(Object.entries(all).filter(([, list]) => list.length > 0));
}

const REQUEST = `
  shop server GET /cart    |====================|
    shop auth                |==|
    shop client GET               |==========|      server.address=price
      price server GET              |=====|
        price client SELECT           |=|           db.system=sqlite
`;

describe("structure", () => {
  it("of a trace and itself does not differ, whatever the order of siblings", () => {
    expect(differences(REQUEST, REQUEST)).toEqual({});
    const before = "shop root |====|\n  shop a   |=|\n  shop b     |=|";
    expect(differences(before, "shop root |====|\n  shop b   |=|\n  shop a     |=|")).toEqual({});
  });

  it("does not depend on ids in names", () => {
    expect(differences("web GET /users/1 |==|", "web GET /users/22 |==|")).toEqual({});
  });

  it("names what was added and what was removed, at the top of it", () => {
    const less = REQUEST.split("\n").slice(0, 3).join("\n");
    const call = "GET /cart / GET";
    expect(differences(less, REQUEST)).toEqual({ added: [call], faster: ["GET /cart"] });
    expect(differences(REQUEST, less)).toEqual({ removed: [call], slower: ["GET /cart"] });
    const [added] = compareTraces([treeOf(less)], [treeOf(REQUEST)]).added;
    expect(added).toMatchObject({ service: "shop", operation: "GET", below: 2, spans: 1, traces: 1 });
  });

  it("tells services and kinds apart", () => {
    expect(differences("web a |==|", "pay a |==|")).toEqual({ added: ["a"], removed: ["a"] });
    expect(differences("web client a |==|", "web server a |==|")).toEqual({ added: ["a"], removed: ["a"] });
  });

  it("says that something moved when a wrapper came in between, or went", () => {
    const plain = `
      web root        |====|
        web load       |==|
          web parse     ||`;
    const wrapped = `
      web root        |====|
        web cache      |==|
          web load     |==|
            web parse   ||`;
    const [above, below] = ["root / load", "root / cache / load"];
    expect(differences(plain, wrapped)).toEqual({ added: ["root / cache"], moved: [`${above} > ${below}`] });
    expect(differences(wrapped, plain)).toEqual({
      removed: ["root / cache"],
      moved: [`${below} > ${above}`],
    });
  });

  it("lets each place move once only", () => {
    const before = `
      web root    |=========|
        web a      |=|
        web b          |=|
        web x              |`;
    const after = `
      web root    |=========|
        web a      |=|
          web x     |
        web b          |=|
          web x         |`;
    expect(differences(before, after)).toEqual({
      moved: ["root / x > root / a / x"],
      added: ["root / b / x"],
    });
  });

  it("shows the nearest eight steps of deep places", () => {
    const deep = chain(12).map((span, i) => ({ ...span, name: "abcdefghijkl"[i]! }));
    const { added } = compareTraces([buildTraceTree(deep.slice(0, 11), [])], [buildTraceTree(deep, [])]);
    expect(added[0]!.path.join("")).toBe("…efghijkl");
  });
});

describe("repeats", () => {
  const queries = (count: number) =>
    `shop GET /cart |====|\n${"  shop client SELECT   |==| db.system=sqlite\n".repeat(count)}`;

  it.each([
    [1, 3, { repeatedMore: ["GET /cart / SELECT"] }],
    [1, 2, {}],
    [2, 4, { repeatedMore: ["GET /cart / SELECT"] }],
    [2, 3, {}],
    [10, 19, {}],
    [3, 1, { repeatedLess: ["GET /cart / SELECT"] }],
    [2, 1, {}],
  ])("from %i to %i", (before, after, expected) => {
    expect(differences(queries(before), queries(after))).toEqual(expected);
  });

  it("are counted by parent, not by trace", () => {
    const parents = (count: number) =>
      `shop root |====|\n${"  shop load   |==|\n    shop client SELECT |=|\n".repeat(count)}`;
    expect(differences(parents(1), parents(4))).toEqual({ repeatedMore: ["root / load"] });
  });
});

describe("self time", () => {
  const lasting = (ms: number) => `web root |${"=".repeat(ms - 1)}|`;

  it.each([
    ["longer by less than 1 ms or by a quarter", [2, 2], {}],
    ["1 ms and half as long again", [2, 3], { slower: ["root"] }],
    ["half as long", [4, 2], { faster: ["root"] }],
    ["a quarter longer", [20, 25], { slower: ["root"] }],
    ["1 ms but less than a quarter longer", [20, 24], {}],
  ])("%s", (_what, [before, after], expected) => {
    expect(differences(lasting(before!), lasting(after!))).toEqual(expected);
  });

  it("counts from 1 ms, or from what is asked for", () => {
    const [before, after] = [treeOf("web root |=|"), treeOf("web root |==|")];
    const slower = (selfNsMin: number) => compareTraces([before], [after], { selfNsMin }).slower.length;
    expect([slower(1_000_000), slower(1_000_001)]).toEqual([1, 0]);
    const short = (ns: number) => buildTraceTree(drawTrace("web root |==|", { columnNs: ns }), []);
    expect(compareTraces([short(1)], [short(300_000)]).slower).toEqual([]);
  });

  it("is the span's own: a slow child does not blame its parent", () => {
    const before = "web root |====|\n  pay child  |==|";
    const after = "web root |========|\n  pay child  |======|";
    expect(differences(before, after)).toEqual({ slower: ["root / child"] });
  });

  it("of many traces must move by more than they scatter", () => {
    const many = (...lengths: number[]) => lengths.map(lasting);
    expect(differences(many(10, 20, 30, 40, 50), many(20, 30, 40, 50, 60))).toEqual({});
    expect(differences(many(10, 10, 11, 11, 11), many(20, 21, 21, 21, 90))).toEqual({ slower: ["root"] });
  });
});

describe("critical path", () => {
  const drawing = (a: number, b: number) => `
    web root |${"=".repeat(40)}|
      web a   |${"=".repeat(a)}|
      web b   ${" ".repeat(a + 2)}|${"=".repeat(b)}|`;

  it("moved when another place takes the most of it", () => {
    const found = compareTraces([treeOf(drawing(25, 5))], [treeOf(drawing(5, 25))]);
    expect(found.criticalMoved).toBe(true);
    expect([found.criticalTop.before!.operation, found.criticalTop.after!.operation]).toEqual(["a", "b"]);
  });

  it("did not move when two places of about the same share changed ranks", () => {
    expect(compareTraces([treeOf(drawing(18, 16))], [treeOf(drawing(16, 18))]).criticalMoved).toBe(false);
  });

  it("has no top without time", () => {
    const none = compareTraces([], []);
    expect(none.criticalTop).toEqual({ before: null, after: null });
    expect([none.criticalMoved, none.before.traces, none.before.durationNs]).toEqual([false, 0, Number.NaN]);
  });
});

describe("errors", () => {
  const chainOfErrors = `
    web client GET      |======|  !
      pay server GET     |====|   ! http.response.status_code=500
        pay charge         |=|    ! error.type=Declined
  `;

  it("are new where the chain begins, by what failed", () => {
    const fine = chainOfErrors.replaceAll("!", " ");
    expect(differences(fine, chainOfErrors)).toEqual({ newErrors: ["GET / GET / charge: Declined"] });
    expect(differences(chainOfErrors, fine)).toEqual({ goneErrors: ["GET / GET / charge: Declined"] });
  });

  it("are new when they fail of something else", () => {
    const other = chainOfErrors.replace("Declined", "Timeout");
    expect(differences(chainOfErrors, other)).toEqual({
      newErrors: ["GET / GET / charge: Timeout"],
      goneErrors: ["GET / GET / charge: Declined"],
    });
  });

  it("are told by their exception, else by their status", () => {
    const thrown = (span: Span): Span => ({
      ...span,
      events: [
        {
          name: "exception",
          timeNs: span.startNs,
          attributes: { "exception.type": "KeyError" },
          droppedAttributes: 0,
        },
      ],
    });
    const before = treeOf("web root |==|");
    expect(compareTraces([before], [treeOf("web root |==| ! error.type=x", thrown)]).newErrors).toMatchObject(
      [{ failure: "KeyError" }],
    );
    expect(compareTraces([before], [treeOf("web root |==| ! http.status_code=503")]).newErrors).toMatchObject(
      [{ failure: "503" }],
    );
    expect(compareTraces([before], [treeOf("web root |==| !")]).newErrors).toMatchObject([
      { failure: "", spans: 1 },
    ]);
  });
});

describe("any input", () => {
  it(`finds nothing between a set and itself, and mirrors when swapped (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), spansOfAnyShape(), (one, two) => {
        const a = [buildTraceTree(one, [])];
        const b = [buildTraceTree(two, [])];
        const same = compareTraces(a, a);
        for (const list of Object.values(same)) if (Array.isArray(list)) expect(list).toEqual([]);
        const there = compareTraces(a, b, { selfNsMin: 1 });
        const back = compareTraces(b, a, { selfNsMin: 1 });
        const mirrored = [
          [there.slower, back.faster],
          [there.repeatedMore, back.repeatedLess],
          [there.newErrors, back.goneErrors],
        ] as const;
        for (const [left, right] of mirrored) expect(left).toHaveLength(right.length);
        const places = (found: typeof there) => found.added.length + found.moved.length;
        expect(places(there) === 0 && places(back) === 0).toBe(samePlaces(a[0]!, b[0]!));
      }),
      { seed, numRuns: 200 },
    );
  });

  it("takes 100,000 spans, deep or wide", () => {
    const deep = [buildTraceTree(chain(100_000), [])];
    const wide = [buildTraceTree(star(100_000), [])];
    expect(compareTraces(deep, wide)).toMatchObject({
      added: [{ operation: "root" }],
      removed: [{ below: 99_999 }],
    });
  });
});

/** Whether two trees have the same places, told by spelling each out. */
function samePlaces(a: TraceTree, b: TraceTree): boolean {
  const places = (tree: TraceTree) => {
    const spelled: string[] = [];
    for (const { parent, span } of tree.nodes) {
      const own = `${span.resource.service} ${span.spanKind} ${span.name}`;
      spelled.push(parent < 0 ? own : `${spelled[parent]} / ${own}`);
    }
    return new Set(spelled);
  };
  const [of, other] = [places(a), places(b)];
  return of.size === other.size && [...of].every((place) => other.has(place));
}
