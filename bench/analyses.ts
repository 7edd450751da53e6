import type { Contract } from "../src/correlate/contract.ts";
import { readContract } from "../src/correlate/contract-file.ts";
import { learnContracts } from "../src/correlate/contract-learn.ts";
import { validateContracts } from "../src/correlate/contract-validate.ts";
import { mergeDependencies, observedDependencies } from "../src/correlate/dependencies.ts";
import { checkEdgeCases, type EdgeCase } from "../src/correlate/edge-case.ts";
import { analyzeImpact } from "../src/correlate/impact.ts";
import { type Attempt, detectLoop } from "../src/correlate/loop.ts";
import { findRegressions } from "../src/correlate/regression.ts";
import { summarizeCheckpoint } from "../src/correlate/regression-summary.ts";
import { buildServiceMap } from "../src/correlate/service-map.ts";
import { buildTraceTree, type TraceTree } from "../src/correlate/trace-tree.ts";
import type { NormalizedEvent } from "../src/model/event.ts";
import type { LogRecord } from "../src/model/log.ts";
import type { Span } from "../src/model/span.ts";
import { makeCheckpoint, readCheckpointFile, serializeCheckpoint } from "../src/query/checkpoint-file.ts";
import { shopTraffic } from "../test/correlate/shop-traffic.ts";
import type { BenchRow } from "./row.ts";

const AREA = "analyses";
/** Spans of one request of the shop, about. */
const SPANS_PER_REQUEST = 8;
const NOW_MS = 1_800_000_000_000;

/**
 * Cost of the analyses that compare a window with what is on file, by number of spans, in ms of one call (the quickest
 * of several), and of a checkpoint of 1 MB to and from its text. `ratio` says how the cost grew against the smallest
 * size, over what n log n would have it grow: about 1 when it does.
 */
export async function benchAnalyses(size: "small" | "full"): Promise<BenchRow[]> {
  const counts = size === "small" ? [500, 2_000] : [1_000, 10_000, 25_000, 100_000];
  const rows: BenchRow[] = [];
  const smallest = new Map<string, { readonly ms: number; readonly count: number }>();
  for (const count of counts) {
    for (const [name, run] of measuresOf(count)) {
      const ms = quickestMs(run);
      const base = smallest.get(name) ?? { ms, count };
      smallest.set(name, base);
      rows.push({
        area: AREA,
        name: `${name}, ${count.toLocaleString("en-US")} spans`,
        value: ms,
        unit: "ms",
        ...(count === base.count
          ? {}
          : { ratio: ms / base.ms / (work(count) / work(base.count)), baseline: "n log n" }),
      });
    }
  }
  return [...rows, ...checkpointRows()];
}

function work(count: number): number {
  return count * Math.log2(count);
}

/** What is measured at one size. Inputs are made before, so that only the analysis counts. */
function measuresOf(count: number): readonly (readonly [string, () => unknown])[] {
  const requests = Math.ceil(count / SPANS_PER_REQUEST);
  const before = shopTraffic({ requests, seed: 1, testResult: "pass" });
  const now = shopTraffic({ requests, seed: 2, testResult: "pass", paySlower: 1.5, payFailing: 0.1 });
  const { summary } = summarizeCheckpoint(before.spans, before.logs);
  const trees = treesOf(now.spans.map(withBodies), now.logs);
  const observed = observedDependencies(buildServiceMap(trees));
  const contracts: Contract[] = learnContracts(trees).map((proposal) =>
    readContract(JSON.parse(JSON.stringify(proposal)), proposal.service, proposal.service),
  );
  const edgeCases = Array.from({ length: 20 }, (_, i) => edgeCase(i));
  const attempts = Array.from({ length: count }, (_, i) => attempt(i));
  return [
    ["summary of a window", () => summarizeCheckpoint(before.spans, before.logs)],
    ["regression", () => findRegressions([summary], now.spans, now.logs)],
    ["dependencies", () => mergeDependencies(observed, observedDependencies(buildServiceMap(trees)))],
    [
      "impact of a file",
      () =>
        analyzeImpact({ files: ["src/payment/charge.ts"] }, trees, {
          dependencies: observed,
          contracts,
          edgeCases,
        }),
    ],
    ["contracts learned", () => learnContracts(trees)],
    ["contracts checked", () => validateContracts(contracts, trees)],
    ["20 edge cases", () => checkEdgeCases(edgeCases, trees, NOW_MS)],
    ["loop, as many attempts", () => detectLoop(attempts)],
  ];
}

/** Writing and reading the file of a checkpoint whose events make 1 MB. */
function checkpointRows(): BenchRow[] {
  const { spans, logs } = shopTraffic({ requests: 100, seed: 1 });
  const { summary } = summarizeCheckpoint(spans, logs);
  const events: NormalizedEvent[] = [];
  for (let bytes = 0; bytes < 1_000_000; ) {
    const event = eventOf(events.length);
    events.push(event);
    bytes += JSON.stringify(event).length + 2;
  }
  const checkpoint = makeCheckpoint("bench", NOW_MS, events, summary);
  const limit = 10 * 1024 * 1024;
  const text = serializeCheckpoint(checkpoint, limit);
  const row = (name: string, run: () => unknown): BenchRow => ({
    area: AREA,
    name,
    value: quickestMs(run),
    unit: "ms",
  });
  const megabytes = `${(text.length / 1e6).toFixed(2)} MB`;
  return [
    row(`checkpoint of ${events.length} events to ${megabytes}`, () =>
      serializeCheckpoint(checkpoint, limit),
    ),
    row(`checkpoint cut to half of ${megabytes}`, () => serializeCheckpoint(checkpoint, text.length / 2)),
    row(`checkpoint read from ${megabytes}`, () => readCheckpointFile(JSON.parse(text), "bench")),
  ];
}

function treesOf(spans: readonly Span[], logs: readonly LogRecord[]): TraceTree[] {
  const logsOf = Map.groupBy(logs, ({ traceId }) => traceId);
  return Array.from(
    Map.groupBy(spans, ({ traceId }) => traceId),
    ([traceId, ofTrace]) => buildTraceTree(ofTrace, logsOf.get(traceId) ?? []),
  );
}

function withBodies(span: Span, i: number): Span {
  if (span.spanKind !== "server") return span;
  const body = { id: i, state: i % 2 === 0 ? "open" : "paid", items: [{ price: i, name: `book ${i}` }] };
  return {
    ...span,
    attributes: { ...span.attributes, "http.response.body.content": JSON.stringify(body) },
  };
}

function edgeCase(i: number): EdgeCase {
  return {
    name: `case ${i}`,
    description: "",
    severity: "medium",
    everyMs: 86_400_000,
    match: { operation: `/route-${i}`, status: "5xx" },
    lastTestedMs: undefined,
  };
}

function attempt(i: number): Attempt {
  return { action: `tool ${i % 7}`, input: { i }, result: { rows: i } };
}

function eventOf(i: number): NormalizedEvent {
  return {
    id: `s${i}`,
    timestamp: NOW_MS + i,
    source: "backend",
    level: i % 50 === 0 ? "error" : "info",
    correlation_id: `session-${i % 10}`,
    trace_id: i.toString(16).padStart(32, "0"),
    span_id: i.toString(16).padStart(16, "0"),
    message: `GET /orders/${i}`,
    metadata: { kind: "server", duration_ms: i % 100, attributes: { "http.route": "/orders/:id" } },
    tags: ["http"],
    source_details: { backend: { service: "orders", host: "host" } },
  };
}

/** The quickest of enough runs to last a quarter of a second, at least 3: what it costs when nothing disturbs. */
function quickestMs(run: () => unknown): number {
  let quickest = Number.POSITIVE_INFINITY;
  let spentMs = 0;
  for (let runs = 0; runs < 3 || (spentMs < 250 && runs < 500); runs++) {
    const startMs = performance.now();
    run();
    const ms = performance.now() - startMs;
    quickest = Math.min(quickest, ms);
    spentMs += ms;
  }
  return quickest;
}
