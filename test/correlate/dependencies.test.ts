import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Dependency,
  dependents,
  mergeDependencies,
  observedDependencies,
} from "../../src/correlate/dependencies.ts";
import { buildServiceMap } from "../../src/correlate/service-map.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace } from "../support/draw-trace.ts";
import { freshSeed } from "../support/seed.ts";

const edge = (from: string, to: string, more: Partial<Dependency> = {}): Dependency => ({
  from,
  to,
  type: "service",
  source: "observed",
  ...more,
});

describe("observedDependencies", () => {
  it("turns calls to services, databases and queues into lines", () => {
    const spans = drawTrace(`
      web server GET /                |==================|
        web client GET                  |====|
          orders server GET /orders      |==|
            orders client SELECT          ||    db.system.name=postgresql db.namespace=shop
        web producer send                    |=|    messaging.system=kafka messaging.destination.name=mails
          mailer consumer mail                 |==|  messaging.system=kafka messaging.destination.name=mails
    `);
    const found = observedDependencies(buildServiceMap([buildTraceTree(spans, [])]));
    const last_seen = "2023-11-14";
    expect(found).toEqual([
      { from: "mailer", to: "kafka/mails", type: "messaging", source: "observed", last_seen },
      { from: "orders", to: "postgresql/shop", type: "database", source: "observed", last_seen },
      { from: "web", to: "kafka/mails", type: "messaging", source: "observed", last_seen },
      { from: "web", to: "orders", type: "service", source: "observed", last_seen },
    ]);
  });
});

describe("mergeDependencies", () => {
  it("keeps what was declared and what people wrote, and moves last_seen forward only", () => {
    const onFile = [
      edge("web", "legacy", { source: "declared", more: { note: "nightly" } }),
      edge("web", "orders", { source: "declared", last_seen: "2026-02-01", more: { owner: "us" } }),
      edge("a", "b", { last_seen: "2020-01-01" }),
    ];
    const observed = [
      edge("web", "orders", { last_seen: "2026-01-01" }),
      edge("a", "b", { last_seen: "2026-01-01" }),
    ];
    expect(mergeDependencies(onFile, observed)).toEqual([
      edge("a", "b", { last_seen: "2026-01-01" }),
      edge("web", "legacy", { source: "declared", more: { note: "nightly" } }),
      edge("web", "orders", { source: "declared", last_seen: "2026-02-01", more: { owner: "us" } }),
    ]);
  });

  const names = fc.constantFrom("a", "b", "c", "d");
  const list = fc.array(
    fc
      .record({ from: names, to: names, source: fc.constantFrom("observed" as const, "declared" as const) })
      .map(({ from, to, source }) => edge(from, to, { source })),
    { maxLength: 20 },
  );
  const seed = freshSeed();
  it(`is sorted, repeatable and loses no declared edge (seed ${seed})`, () => {
    fc.assert(
      fc.property(list, list, (onFile, observed) => {
        const merged = mergeDependencies(onFile, observed);
        expect(mergeDependencies(merged, observed)).toEqual(merged);
        const keys = merged.map(({ from, to }) => `${from} ${to}`);
        expect(keys).toEqual([...new Set(keys)].sort());
        for (const { from, to, source } of onFile) {
          if (source === "observed") continue;
          expect(merged.find((entry) => entry.from === from && entry.to === to)!.source).toBe("declared");
        }
      }),
      { seed },
    );
  });

  it(`reaches each dependent once, whatever cycles there are (seed ${seed})`, () => {
    fc.assert(
      fc.property(list, names, (dependencies, name) => {
        const reached = dependents(dependencies, [name]).map((found) => found.name);
        expect(new Set(reached).size).toBe(reached.length);
        expect(reached).not.toContain(name);
        const inside = new Set([name, ...reached]);
        for (const { from, to } of dependencies) if (inside.has(to)) expect(inside).toContain(from);
      }),
      { seed },
    );
  });
});
