import { estimateClockSkew } from "../src/correlate/clock-skew.ts";
import { compareTraces } from "../src/correlate/compare.ts";
import { criticalPath } from "../src/correlate/critical-path.ts";
import { findRepeatedCalls } from "../src/correlate/repeated-calls.ts";
import { rollUpPath } from "../src/correlate/roll-up.ts";
import { selfTimes } from "../src/correlate/self-time.ts";
import { buildServiceMap } from "../src/correlate/service-map.ts";
import { buildTraceTree } from "../src/correlate/trace-tree.ts";
import type { Span } from "../src/model/span.ts";
import { makeResource, makeSpan } from "../test/support/draw-trace.ts";
import { chain, hex, star } from "../test/support/span-shapes.ts";
import type { BenchRow } from "./row.ts";

const AREA = "tree";
/** The analyses over many traces get them with this many spans each, of so many different requests. */
const SPANS_PER_TRACE = 25;
const REQUESTS = 40;

/**
 * Cost of the tree analyses by number of spans, in ms of one call (the quickest of several). `ratio` says how the cost
 * grew against the smallest size, over what n log n would have it grow: about 1 when it does.
 */
export async function benchTree(size: "small" | "full"): Promise<BenchRow[]> {
  const counts = size === "small" ? [1_000, 4_000] : [1_000, 10_000, 25_000, 100_000];
  const rows: BenchRow[] = [];
  const smallest = new Map<string, { readonly ms: number; readonly count: number }>();
  for (const count of counts) {
    for (const [name, run] of measuresOf(count)) {
      const ms = quickestMs(run);
      const base = smallest.get(name) ?? { ms, count };
      smallest.set(name, base);
      const target = name === "critical path" && count === 10_000 ? "< 10 ms" : undefined;
      rows.push({
        area: AREA,
        name: `${name}, ${count.toLocaleString("en-US")} spans`,
        value: ms,
        unit: "ms",
        ...(target === undefined ? {} : { target }),
        ...(count === base.count
          ? {}
          : { ratio: ms / base.ms / (work(count) / work(base.count)), baseline: "n log n" }),
      });
    }
  }
  return rows;
}

function work(count: number): number {
  return count * Math.log2(count);
}

/** What is measured at one size. Inputs are made before, so that only the analysis counts. */
function measuresOf(count: number): readonly (readonly [string, () => unknown])[] {
  const spans = branchingTrace(count, 1);
  const tree = buildTraceTree(spans, []);
  const path = criticalPath(tree);
  const deep = chain(count);
  const deepTree = buildTraceTree(deep, []);
  const wide = star(count);
  const wideTree = buildTraceTree(wide, []);
  const traces = manyTraces(count);
  const others = manyTraces(count);
  return [
    ["tree of one trace", () => buildTraceTree(spans, [])],
    ["tree of a chain", () => buildTraceTree(deep, [])],
    ["tree of a star", () => buildTraceTree(wide, [])],
    ["self time", () => selfTimes(tree)],
    ["critical path", () => criticalPath(tree)],
    ["critical path of a chain", () => criticalPath(deepTree)],
    ["critical path of a star", () => criticalPath(wideTree)],
    ["roll-up", () => rollUpPath(tree, path)],
    ["repeated calls", () => findRepeatedCalls(tree)],
    ["clock skew, many traces", () => estimateClockSkew(traces)],
    ["service map, many traces", () => buildServiceMap(traces)],
    ["compare, many traces", () => compareTraces(traces, others)],
  ];
}

/** The quickest of enough runs to last a quarter of a second, at least 5: what the work costs when nothing disturbs. */
function quickestMs(run: () => unknown): number {
  let quickest = Number.POSITIVE_INFINITY;
  let spentMs = 0;
  for (let runs = 0; runs < 5 || (spentMs < 250 && runs < 500); runs++) {
    const startMs = performance.now();
    run();
    const ms = performance.now() - startMs;
    quickest = Math.min(quickest, ms);
    spentMs += ms;
  }
  return quickest;
}

function manyTraces(count: number) {
  const traces = Math.ceil(count / SPANS_PER_TRACE);
  return Array.from({ length: traces }, (_, i) =>
    buildTraceTree(branchingTrace(SPANS_PER_TRACE, 1 + (i % REQUESTS)), []),
  );
}

/**
 * A trace as services make them: one to six children under each span, most one after the other, some at the same
 * time; about every third span is a call, half of which are answered by a server span of another service. The same
 * for the same seed.
 */
function branchingTrace(count: number, seed: number): Span[] {
  const random = lcg(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const make = (parent: Span | undefined, startNs: bigint, endNs: bigint): Span => {
    const answers = parent?.spanKind === "client" && below(2) === 0;
    const resource = parent === undefined || answers ? resources[below(resources.length)]! : parent.resource;
    const spanKind = answers || parent === undefined ? "server" : below(3) === 0 ? "client" : "internal";
    return makeSpan({
      traceId: hex(seed).repeat(2),
      spanId: hex(spans.length + 1),
      parentSpanId: parent?.spanId ?? "",
      name: `operation ${"abcdefghijklmnopqrst"[below(20)]}`,
      spanKind,
      startNs,
      endNs,
      statusCode: below(50) === 0 ? "error" : "unset",
      attributes: spanKind === "client" ? { "server.address": `host-${below(10)}`, "server.port": 443 } : {},
      resource,
    });
  };
  const resources = Array.from({ length: 8 }, (_, i) =>
    makeResource(`service${i}`, { "host.id": `host${i}` }),
  );
  const spans: Span[] = [];
  spans.push(make(undefined, 1_700_000_000_000_000_000n, 1_700_000_010_000_000_000n));
  for (let i = 0; spans.length < count; i++) {
    const parent = spans[i]!;
    const children = Math.min(1 + below(6), count - spans.length);
    const slotNs = (parent.endNs - parent.startNs) / BigInt(children);
    for (let slot = 0; slot < children; slot++) {
      const atNs = parent.startNs + slotNs * BigInt(below(5) === 0 ? 0 : slot);
      spans.push(make(parent, atNs + slotNs / 10n, atNs + (slotNs * BigInt(80 + below(20))) / 100n));
    }
  }
  return spans;
}

/** A linear congruential generator (Numerical Recipes' constants): numbers in [0, 1) that a seed repeats. */
function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
