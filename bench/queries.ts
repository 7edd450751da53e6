import { DEFAULTS, scaleLimits } from "../src/config.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import type {
  AttributeFilter,
  RecordFilter,
  StoredSpan,
  TelemetryStore,
} from "../src/store/telemetry-store.ts";
import { type BenchRow, median } from "./row.ts";
import { TableSource } from "./store-fill.ts";

const ARENA_BYTES = 800 * 1024 * 1024;
/** Objects of a million spans are several GB, so the naive scan is timed on fewer and scaled. */
const NAIVE_MAX = 100_000;
const TRACE_SPANS = 1_000;

/** One kind of question, and the same asked of an array of decoded spans. */
interface Question {
  readonly name: string;
  readonly filter: RecordFilter;
  readonly naive: (span: StoredSpan) => boolean;
  /** By number of records, in words. */
  readonly targets: Readonly<Record<number, string>>;
}

const status = (min: number, max: number): AttributeFilter => ({
  keys: ["http.response.status_code"],
  match: { op: "between", min, max },
});
const route = (value: string): AttributeFilter => ({ keys: ["http.route"], match: { op: "equals", value } });
const ATTRIBUTE_TARGETS = { 100000: "< 50 ms", 1000000: "< 200 ms" };

const QUESTIONS: readonly Question[] = [
  {
    name: "timeline, newest 50 with total",
    filter: {},
    naive: () => true,
    targets: { 10000: "< 10 ms", 1000000: "< 100 ms" },
  },
  {
    name: "one attribute, 1 in 6 match",
    filter: { attributes: [route("/cart")] },
    naive: (span) => span.attributes["http.route"] === "/cart",
    targets: ATTRIBUTE_TARGETS,
  },
  {
    name: "one attribute, 1 in 50 match",
    filter: { attributes: [status(500, 599)] },
    naive: (span) => Number(span.attributes["http.response.status_code"]) >= 500,
    targets: ATTRIBUTE_TARGETS,
  },
  {
    name: "service",
    filter: { service: "shop-1" },
    naive: (span) => span.resource.service === "shop-1",
    targets: {},
  },
  {
    name: "name contains",
    filter: { name: "CHECK" },
    naive: (span) => span.name.toLowerCase().includes("check"),
    targets: {},
  },
  {
    name: "text, none match",
    filter: { text: "no such text" },
    naive: (span) => JSON.stringify(span.attributes).includes("no such text"),
    targets: {},
  },
];

/** What questions cost at 10 k records, and when full at 100 k and 1 M. */
export async function benchQueries(size: "small" | "full"): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const records of size === "small" ? [10_000] : [10_000, 100_000, 1_000_000]) {
    rows.push(...(await benchAt(records, size === "small" ? 3 : 7)));
  }
  return rows;
}

async function benchAt(records: number, rounds: number): Promise<BenchRow[]> {
  const store = createRingStore({
    limits: scaleLimits(DEFAULTS.store, Math.max(DEFAULTS.store.arenaBytes, (ARENA_BYTES * records) / 1e6)),
    clock: { nowMs: () => Date.now() },
    random: Math.random,
  });
  const source = new TableSource(16);
  source.fill(store, records / 2);
  const traceId = commitLongTrace(store, source);
  source.fill(store, records / 2);
  const objects = await objectsOf(store, Math.min(records, NAIVE_MAX));
  const label = records >= 1e6 ? `${records / 1e6} M` : `${records / 1e3} k`;
  const rows: BenchRow[] = [];
  for (const { name, filter, naive, targets } of QUESTIONS) {
    const value = await millisecondsOf(rounds, () => store.records({ filter, order: "newest", limit: 50 }));
    const naiveMs = naiveTime(objects, naive, rounds) * (records / objects.length);
    const target = targets[records];
    rows.push({
      area: "queries",
      name: `${name}, ${label}`,
      value,
      unit: "ms",
      baseline: "array of decoded spans",
      ratio: value / naiveMs,
      ...(target === undefined ? {} : { target }),
    });
  }
  rows.push(
    await row(`list of 20 traces, ${label}`, rounds, () => store.traces({ filter: {}, limit: 20 })),
    await row(`list of 20 failing traces, ${label}`, rounds, () =>
      store.traces({ filter: {}, errorsOnly: true, limit: 20 }),
    ),
    await traceRow(store, traceId, objects, label, rounds),
  );
  return rows;
}

async function row(name: string, rounds: number, ask: () => Promise<unknown>): Promise<BenchRow> {
  return { area: "queries", name, value: await millisecondsOf(rounds, ask), unit: "ms" };
}

async function traceRow(
  store: TelemetryStore,
  traceId: string,
  objects: readonly StoredSpan[],
  label: string,
  rounds: number,
): Promise<BenchRow> {
  const value = await millisecondsOf(5 * rounds, async () => {
    const found = await store.trace(traceId);
    if (found.found !== "yes" || found.value.spans.length !== TRACE_SPANS)
      throw new Error("the trace is not whole");
  });
  const naiveMs = await millisecondsOf(rounds, async () =>
    objects.filter((span) => span.traceId === traceId),
  );
  return {
    area: "queries",
    name: `a trace of 1 k spans, masked and decoded, among ${label}`,
    value,
    unit: "ms",
    target: "< 6 ms",
    baseline: `filter of ${objects.length} decoded spans`,
    ratio: value / naiveMs,
  };
}

/** One trace of a thousand spans in the middle of the others. Returns its id. */
function commitLongTrace(store: TelemetryStore, source: TableSource): string {
  let left = TRACE_SPANS;
  while (left > 0) {
    const table = source.next();
    const count = table.count;
    table.count = Math.min(left, count);
    for (let at = 0; at < 8 * table.count; at += 8) table.ids.fill(0xabcdef01, at, at + 4);
    store.commitSpans(table);
    left -= table.count;
    table.count = count;
  }
  return "abcdef01".repeat(4);
}

/** The newest records as what a store without columns would hold. */
async function objectsOf(store: TelemetryStore, count: number): Promise<readonly StoredSpan[]> {
  const page = await store.records({ filter: { kinds: ["span"] }, order: "newest", limit: count });
  return page.records as readonly StoredSpan[];
}

/** The naive store's answer: filter, sort by time, cut. */
function naiveTime(
  objects: readonly StoredSpan[],
  matches: (span: StoredSpan) => boolean,
  rounds: number,
): number {
  const times = Array.from({ length: rounds }, () => {
    const from = performance.now();
    objects
      .filter(matches)
      .sort((a, b) => (a.startNs < b.startNs ? 1 : a.startNs > b.startNs ? -1 : 0))
      .slice(0, 50);
    return performance.now() - from;
  });
  return median(times);
}

async function millisecondsOf(rounds: number, ask: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const from = performance.now();
    await ask();
    times.push(performance.now() - from);
  }
  return median(times);
}
