import { PerformanceObserver } from "node:perf_hooks";
import { DEFAULTS, scaleLimits } from "../src/config.ts";
import type { Stream } from "../src/model/stream.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { createPointTable, createRecordTable } from "../src/wire/record-table.ts";
import { scanLogs } from "../src/wire/scan-logs.ts";
import { scanMetrics } from "../src/wire/scan-metrics.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import {
  buildLogsRequest,
  buildMetricsRequest,
  buildTracesRequest,
  type LogSpec,
  type SpanSpec,
} from "../test/support/otlp-build.ts";
import { TableSource } from "./store-fill.ts";

/** What the child process prints, as JSON. */
export interface RingMemory {
  readonly bareRssBytes: number;
  readonly recordBytesMean: number;
  readonly bytesBeyondRaw: number;
  readonly fullRssBytes: number;
  readonly gcPauseMaxMs: number;
  readonly gcShare: number;
}

const { store: limits } = DEFAULTS;
const MINUTE_MS = 60_000;

function newStore(): TelemetryStore {
  return createRingStore({ limits, clock: { nowMs: () => Date.now() }, random: Math.random });
}

function rssAfterGc(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** Growth of the process while `records` spans come in, less their own bytes. Many, so that the heap's own moves do not count. */
function bytesBeyondRaw(source: TableSource, records: number): number {
  const store = createRingStore({
    limits: scaleLimits(limits, 800 * 1024 * 1024),
    clock: { nowMs: () => Date.now() },
    random: Math.random,
  });
  // Compiled and grown first, so that only records are counted.
  source.fill(store, records / 4);
  const before = rssAfterGc();
  const first = spansOf(store);
  source.fill(store, records);
  const after = rssAfterGc();
  const last = spansOf(store);
  return (after - before - (last.bytes - first.bytes)) / (last.records - first.records);
}

function spansOf(store: TelemetryStore): { readonly records: number; readonly bytes: number } {
  return store.stats().streams.find(({ stream }) => stream === "backend.spans")!;
}

interface Pauses {
  readonly maxMs: number;
  readonly share: number;
}

/** GC while a full ring takes spans, for `rounds` requests. */
async function pausesOf(source: TableSource, store: TelemetryStore, rounds: number): Promise<Pauses> {
  let maxMs = 0;
  let sumMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      maxMs = Math.max(maxMs, entry.duration);
      sumMs += entry.duration;
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  const from = performance.now();
  for (let i = 0; i < rounds; i++) {
    source.fill(store, 512);
    // GC entries are delivered in turns of their own.
    if (i % 64 === 0) await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  const share = sumMs / (performance.now() - from);
  observer.disconnect();
  return { maxMs, share };
}

/** A stream's records: all names end in six digits that are counted up in place, so that filling makes no garbage. */
interface Fill {
  readonly stream: Stream;
  readonly signal: "spans" | "logs";
  readonly record: SpanSpec & LogSpec;
}

const FILLER = "x".repeat(300);
const FILLS: readonly Fill[] = [
  { stream: "browser.logs", signal: "logs", record: { eventName: "browser.console.000000", body: FILLER } },
  {
    stream: "browser.network",
    signal: "spans",
    record: { name: "GET /000000", kind: "client", attributes: { "browser.page": FILLER } },
  },
  {
    stream: "browser.dom",
    signal: "logs",
    record: { eventName: "gasoline.browser.dom_snapshot.000000", body: FILLER.repeat(10) },
  },
  { stream: "backend.logs", signal: "logs", record: { eventName: "request.000000", body: FILLER } },
  {
    stream: "tests",
    signal: "spans",
    record: { name: "test.case.000000", attributes: { "test.case.name": FILLER } },
  },
  {
    stream: "git",
    signal: "logs",
    record: { eventName: "gasoline.git.commit.000000", body: FILLER.repeat(3) },
  },
  { stream: "custom", signal: "logs", record: { eventName: "gasoline.custom.000000", body: FILLER } },
];
const FILL_RECORDS = 256;
const DIGITS = 6;

/** Fills every ring, the pinned one, all names, groups and series of a store. */
function fillEverything(store: TelemetryStore, source: TableSource, clock: { ms: number }): void {
  let count = 0;
  for (const { stream, signal, record } of FILLS) {
    const resource = { "service.name": "service-000000" };
    const records = Array.from({ length: FILL_RECORDS }, () => ({
      resource,
      ...record,
      traceId: "b".repeat(32),
    }));
    const table = createRecordTable();
    const body = Buffer.from(signal === "spans" ? buildTracesRequest(records) : buildLogsRequest(records));
    const serviceAt = body.indexOf("service-000000") + "service-000000".length;
    if (signal === "spans") scanTraces(body, table);
    else scanLogs(body, table);
    for (let sent = 0; sent < limits.streams[stream].recordsMax + 2_048; sent += FILL_RECORDS) {
      writeDigits(body, serviceAt, count);
      for (let row = 0; row < table.count; row++) {
        writeDigits(body, table.nameOffset[row]! + table.nameLength[row]!, count);
        // Eight records a trace.
        table.ids[8 * row] = count++ >> 3;
      }
      if (signal === "spans") store.commitSpans(table);
      else store.commitLogs(table);
    }
  }
  fillMetrics(store);
  // Every slab that is left; and failing traces, one a minute, until the pinned ring is full.
  for (let round = 0; round < 1_200; round++) {
    clock.ms += MINUTE_MS;
    source.fill(store, 512);
  }
}

function writeDigits(body: Uint8Array, end: number, value: number): void {
  let rest = value;
  for (let at = end - 1; at >= end - DIGITS; at--) {
    body[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

function fillMetrics(store: TelemetryStore): void {
  const points = createPointTable();
  const gauge = Array.from({ length: 512 }, (_, i) => ({
    value: i,
    attributes: { series: i, batch: "000000" },
  }));
  const body = Buffer.from(buildMetricsRequest([{ name: "fill.series", gauge }]));
  const batches: number[] = [];
  for (let at = body.indexOf("000000"); at >= 0; at = body.indexOf("000000", at + DIGITS))
    batches.push(at + DIGITS);
  scanMetrics(body, points);
  for (let round = 0; round < limits.pointsPerSeriesMax; round++) {
    for (let batch = 0; batch * 512 < limits.seriesMax; batch++) {
      for (const end of batches) writeDigits(body, end, batch);
      store.commitPoints(points);
    }
  }
}

/** RSS of a process whose store is full to every bound. */
function fullRss(source: TableSource): number {
  const clock = { ms: Date.now(), nowMs: () => clock.ms };
  const store = createRingStore({ limits, clock, random: Math.random });
  fillEverything(store, source, clock);
  const { streams, arenaBytes, arenaBytesUsed } = store.stats();
  process.stderr.write(
    `${streams.map((each) => `${each.stream} ${each.records}`).join(", ")}; arena ${arenaBytesUsed} of ${arenaBytes}\n`,
  );
  return rssAfterGc();
}

async function measureSpans(
  source: TableSource,
  records: number,
  rounds: number,
): Promise<Omit<RingMemory, "fullRssBytes" | "bareRssBytes">> {
  const beyond = bytesBeyondRaw(source, records);
  const store = newStore();
  source.fill(store, limits.streams["backend.spans"].recordsMax);
  const pauses = await pausesOf(source, store, rounds);
  return {
    recordBytesMean: source.recordBytesMean,
    bytesBeyondRaw: beyond,
    gcPauseMaxMs: pauses.maxMs,
    gcShare: pauses.share,
  };
}

if (import.meta.main) {
  const source = new TableSource(4);
  const bareRssBytes = rssAfterGc();
  const [part, records, rounds] = process.argv.slice(2);
  const measured =
    part === "full"
      ? { bareRssBytes, fullRssBytes: fullRss(source) }
      : await measureSpans(source, Number(records), Number(rounds));
  process.stdout.write(JSON.stringify(measured));
}
