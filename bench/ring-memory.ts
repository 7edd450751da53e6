import { PerformanceObserver } from "node:perf_hooks";
import { DEFAULTS, scaleLimits } from "../src/config.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { TableSource } from "./store-fill.ts";

/** What the child process prints, as JSON. */
export interface RingMemory {
  readonly recordBytesMean: number;
  readonly bytesBeyondRaw: number;
  readonly gcPauseMaxMs: number;
  readonly gcShare: number;
}

const { store: limits } = DEFAULTS;

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

async function measureSpans(source: TableSource, records: number, rounds: number): Promise<RingMemory> {
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
  const [records, rounds] = process.argv.slice(2);
  const measured = await measureSpans(new TableSource(4), Number(records), Number(rounds));
  process.stdout.write(JSON.stringify(measured));
}
