import { fileURLToPath } from "node:url";
import { DEFAULTS, scaleLimits } from "../src/config.ts";
import { Analyst } from "../src/query/analyst.ts";
import type { NoiseRule } from "../src/query/noise-rule.ts";
import { observe } from "../src/query/observe.ts";
import { openSourcesOnce } from "../src/query/open-sources.ts";
import { parseObserve } from "../src/query/parameters.ts";
import { replyBytes } from "../src/query/reply-bytes.ts";
import type { ObserveContext } from "../src/query/shapes.ts";
import { openStateFiles } from "../src/query/state-files.ts";
import { createMasker } from "../src/store/mask.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { createRecordTable } from "../src/wire/record-table.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import { buildTracesRequest } from "../test/support/otlp-build.ts";
import { DATA_START_MS, type FilledStore, fillStore } from "./observe-data.ts";
import { type BenchRow, median, quantile } from "./row.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MIB = 1024 * 1024;
const BUDGET_BYTES = DEFAULTS.replyBytes;

interface Scale {
  readonly label: string;
  readonly records: number;
  readonly arenaBytes: number;
  readonly rounds: number;
}

const SCALES: Readonly<Record<"small" | "full", readonly Scale[]>> = {
  small: [{ label: "10 k", records: 10_000, arenaBytes: 64 * MIB, rounds: 3 }],
  full: [
    { label: "10 k", records: 10_000, arenaBytes: 64 * MIB, rounds: 200 },
    { label: "1 M", records: 1_000_000, arenaBytes: 1_600 * MIB, rounds: 30 },
  ],
};

/** As people write them: by text, by an attribute and by a name. */
const NOISE: readonly NoiseRule[] = [
  { name: "chatter", rule: { text: "item 1 of cart" } },
  { name: "one user", rule: { attributes: { "user.id": "user-7" } } },
  { name: "items", rule: { name: "SELECT items" } },
];

/** Every mode but `page`, which asks a browser instead of the store; what the design asks of them at each scale. */
const QUESTIONS: readonly {
  readonly name: string;
  readonly input: (filled: FilledStore) => object;
  readonly targets?: Readonly<Record<string, string>>;
  readonly noise?: readonly NoiseRule[];
  /** Has a row of its own for the first time it is asked, when nothing is kept of it yet. */
  readonly isFirstShown?: true;
}[] = [
  { name: "traces", input: () => ({ what: "traces" }) },
  { name: "traces, errors only", input: () => ({ what: "traces", status: "error" }) },
  {
    name: "trace by id",
    input: ({ traceId }) => ({ what: "trace", trace_id: traceId }),
    targets: { "10 k": "< 7 ms", "1 M": "< 7 ms" },
  },
  {
    name: "timeline",
    input: () => ({ what: "timeline" }),
    targets: { "10 k": "< 10 ms", "1 M": "< 100 ms" },
  },
  {
    name: "timeline of the last second",
    input: ({ endMs }) => ({ what: "timeline", since: endMs - 1_000 }),
    targets: { "10 k": "< 10 ms", "1 M": "< 100 ms" },
  },
  { name: "logs", input: () => ({ what: "logs" }), targets: { "1 M": "< 100 ms" } },
  {
    name: "logs of a service",
    input: () => ({ what: "logs", service: "cart" }),
    targets: { "1 M": "< 100 ms" },
  },
  {
    name: "timeline by one attribute",
    input: () => ({ what: "timeline", attributes: { "user.id": "user-7" } }),
    targets: { "1 M": "< 200 ms" },
  },
  {
    name: "timeline with three noise rules",
    input: () => ({ what: "timeline" }),
    noise: NOISE,
    isFirstShown: true,
    targets: { "1 M": "< 100 ms" },
  },
  {
    name: "logs with three noise rules",
    input: () => ({ what: "logs" }),
    noise: NOISE,
    targets: { "1 M": "< 100 ms" },
  },
  { name: "logs by text", input: () => ({ what: "logs", text: "cart 7 priced" }) },
  { name: "errors", input: () => ({ what: "errors" }) },
  { name: "network_waterfall", input: () => ({ what: "network_waterfall" }) },
  { name: "network_bodies", input: () => ({ what: "network_bodies" }) },
  { name: "websocket_events", input: () => ({ what: "websocket_events" }) },
  { name: "code of what failed", input: () => ({ what: "code" }) },
  { name: "tests", input: () => ({ what: "tests" }) },
  { name: "git", input: () => ({ what: "git" }) },
  { name: "actions", input: () => ({ what: "actions" }) },
  { name: "vitals", input: () => ({ what: "vitals" }) },
  { name: "screenshots", input: () => ({ what: "screenshots" }) },
  { name: "metrics", input: () => ({ what: "metrics" }) },
  {
    name: "services of the last second",
    input: ({ endMs }) => ({ what: "services", since: endMs - 1_000 }),
  },
  {
    name: "causality of the last second",
    input: ({ endMs }) => ({ what: "causality", since: endMs - 1_000, status: "error" }),
  },
];

/** p99 of each mode as an agent asks it (8,000 bytes), and the size of the largest reply. */
export async function benchObserve(size: "small" | "full"): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const scale of SCALES[size]) rows.push(...(await benchScale(scale)));
  rows.push(...(await benchLargeTrace(size)));
  return rows;
}

async function benchScale({ label, records, arenaBytes, rounds }: Scale): Promise<BenchRow[]> {
  const limits =
    arenaBytes === DEFAULTS.store.arenaBytes ? DEFAULTS.store : scaleLimits(DEFAULTS.store, arenaBytes);
  const store = createRingStore({ limits, clock: { nowMs: () => DATA_START_MS }, random: Math.random });
  const filled = fillStore(store, records);
  const held = store.stats().streams.reduce((sum, stream) => sum + stream.records, 0);
  const rows: BenchRow[] = [
    {
      area: "observe",
      name: `records held at ${label}`,
      value: held,
      unit: "records",
      target: `≥ ${records.toLocaleString("en-US")}`,
    },
  ];
  for (const { name, input, targets, noise = [], isFirstShown } of QUESTIONS) {
    const { firstMs, times, bytes } = await timesOf(store, input(filled), rounds, noise);
    const target = targets?.[label];
    rows.push({
      area: "observe",
      name: `${name}, ${label} records, p99 (reply ${bytes} bytes)`,
      value: quantile(times, 0.99),
      unit: "ms",
      ...(target === undefined ? {} : { target }),
      baseline: "its median",
      ratio: quantile(times, 0.99) / median(times),
    });
    if (isFirstShown) {
      rows.push({
        area: "observe",
        name: `the same, ${label} records, asked first`,
        value: firstMs,
        unit: "ms",
      });
    }
  }
  await store.close();
  return rows;
}

async function timesOf(
  store: TelemetryStore,
  input: object,
  rounds: number,
  noise: readonly NoiseRule[] = [],
): Promise<{ readonly firstMs: number; readonly times: readonly number[]; readonly bytes: number }> {
  const context: ObserveContext = {
    clock: { nowMs: () => DATA_START_MS },
    endpoint: "http://localhost:7890",
    analyst: new Analyst(),
    state: { ...openStateFiles("absent"), readNoiseRules: () => [...noise] },
    source: openSourcesOnce({
      workspace: ROOT,
      maskText: createMasker().maskText,
      nowMs: () => DATA_START_MS,
    }),
  };
  const query = parseObserve({ budget_bytes: BUDGET_BYTES, ...input });
  const times: number[] = [];
  let bytes = 0;
  const warmup = Math.ceil(rounds / 10);
  for (let round = 0; round < warmup + rounds; round++) {
    const startMs = performance.now();
    const answer = await observe(store, query, context);
    times.push(performance.now() - startMs);
    bytes = replyBytes(answer, {});
  }
  await context.analyst.close();
  // The first rounds compile; they are not counted.
  return { firstMs: times[0]!, times: times.slice(warmup), bytes };
}

const LARGE_TRACE_SPANS = 10_000;

/** One trace of 10,000 spans: a bush in which nothing folds, with one failure deep inside. */
async function benchLargeTrace(size: "small" | "full"): Promise<BenchRow[]> {
  const store = createRingStore({
    limits: DEFAULTS.store,
    clock: { nowMs: () => DATA_START_MS },
    random: Math.random,
  });
  const table = createRecordTable();
  const spanId = (i: number): string => (i + 1).toString(16).padStart(16, "0");
  scanTraces(
    buildTracesRequest(
      Array.from({ length: LARGE_TRACE_SPANS }, (_, i) => ({
        spanId: spanId(i),
        ...(i === 0 ? {} : { parentSpanId: spanId(Math.floor((i - 1) / 5)) }),
        name: `step ${String.fromCharCode(97 + (i % 5))}`,
        ...(i === 7_777 ? { status: { code: "error" as const, message: "the disk is full" } } : {}),
      })),
    ),
    table,
  );
  store.commitSpans(table);
  const input = { what: "trace", trace_id: "00000000000000000000000000000001" };
  const { times, bytes } = await timesOf(store, input, size === "small" ? 2 : 30);
  await store.close();
  return [
    {
      area: "observe",
      name: "reply to a trace of 10,000 spans",
      value: bytes,
      unit: "bytes",
      target: "≤ 8,000 bytes",
    },
    { area: "observe", name: "the same, p99", value: quantile(times, 0.99), unit: "ms" },
  ];
}
