import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { criticalPath } from "../../src/correlate/critical-path.ts";
import { rollUpPath } from "../../src/correlate/roll-up.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace } from "../support/draw-trace.ts";
import { spansOfAnyShape } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function rolledUp(drawing: string) {
  const tree = buildTraceTree(drawTrace(drawing, { columnNs: 1 }), []);
  return rollUpPath(tree, criticalPath(tree));
}

const WHOLE = `
  page click                      |==============================|    resource.telemetry.sdk.language=webjs
    page client POST /pay           |==========================|      resource.telemetry.sdk.language=webjs
      pay server POST /pay            |======================|
        pay client SELECT              |=====|                        db.system.name=postgresql db.namespace=shop
          pay connect                  |=|
        pay client POST                        |====|                 server.address=bank.example
`;

describe("parts", () => {
  it("split a request between the page, the way, the service, its database and others", () => {
    const { byPart, totalNs } = rolledUp(WHOLE);
    expect(byPart).toEqual({ browser: 4, network: 4, service: 12, database: 6, external: 5 });
    expect(totalNs).toBe(31);
  });

  it("are told by service and peer, the largest first", () => {
    const { shares } = rolledUp(WHOLE);
    expect(shares.map(({ part, service, peer, ns, steps }) => [part, service, peer, ns, steps])).toEqual([
      ["service", "pay", "", 12, 3],
      ["database", "pay", "postgresql/shop", 6, 2],
      ["external", "pay", "bank.example", 5, 1],
      ["browser", "page", "", 4, 2],
      ["network", "page", "pay", 4, 2],
    ]);
    expect(shares[0]!.share).toBe(12 / 31);
  });

  it("are added up by service", () => {
    expect(rolledUp(WHOLE).byService.map(({ service, ns }) => [service, ns])).toEqual([
      ["pay", 23],
      ["page", 8],
    ]);
  });

  it.each([
    [
      "a database that sends spans: the way there, and its work",
      `
      web client q       |====|  db.system=x
        db server run     |==|`,
      { network: 2, service: 3 },
    ],
    ["a broker", "web producer send |====| messaging.system=kafka", { external: 5 }],
    [
      "a message that was answered",
      `
      web producer send  |====|
        mail server in    |==|`,
      { external: 2, service: 3 },
    ],
    ["a call that names nobody", "web client out |====|", { external: 5 }],
    ["a server span that names its database", "proxy server run |====| db.system=mysql", { service: 5 }],
    [
      "a service that calls itself",
      `
      web client out     |====|
        web server in     |==|`,
      { network: 2, service: 3 },
    ],
    [
      "work of the caller below its call",
      `
      web client out     |====|
        web resolve       |==|`,
      { external: 5 },
    ],
  ])("%s", (_what, drawing, expected) => {
    const spent = Object.entries(rolledUp(drawing).byPart).filter(([, ns]) => ns > 0);
    expect(Object.fromEntries(spent)).toEqual(expected);
  });
});

it("is all zeros without a path", () => {
  const tree = buildTraceTree([], []);
  expect(rollUpPath(tree, criticalPath(tree))).toEqual({
    totalNs: 0,
    shares: [],
    byPart: { browser: 0, network: 0, service: 0, database: 0, external: 0 },
    byService: [],
  });
});

it(`adds up to the root's duration each way (seed ${seed})`, () => {
  fc.assert(
    fc.property(spansOfAnyShape(), (spans) => {
      const tree = buildTraceTree(spans, []);
      const { totalNs, shares, byPart, byService } = rollUpPath(tree, criticalPath(tree));
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      expect(sum(shares.map((s) => s.ns))).toBe(totalNs);
      expect(sum(Object.values(byPart))).toBe(totalNs);
      expect(sum(byService.map((s) => s.ns))).toBe(totalNs);
    }),
    { seed, numRuns: 300 },
  );
});
