import { setTimeout as pause } from "node:timers/promises";
import { DEFAULTS } from "../src/config.ts";
import { Analyst } from "../src/query/analyst.ts";
import { analyze } from "../src/query/analyze.ts";
import { parseAnalyze } from "../src/query/analyze-parameters.ts";
import { replyBytes } from "../src/query/reply-bytes.ts";
import { openStateFiles } from "../src/query/state-files.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { DATA_START_MS, fillStore } from "./observe-data.ts";
import { type BenchRow, median, quantile } from "./row.ts";
import { TableSource } from "./store-fill.ts";

const SPANS = { small: 2_000, full: 25_000 } as const;
const ROUNDS = { small: 2, full: 8 } as const;
/** Records of the data to one span: 3 logs to 8 spans. */
const RECORDS_PER_SPAN = 11 / 8;
/** Between two requests that arrive while an analysis runs. */
const REQUEST_EVERY_MS = 2;
const TYPES = ["causality_chain", "critical_path", "infer"] as const;

/** How long analyses take, and how long a request that arrives meanwhile waits until its spans are found. */
export async function benchAnalyze(size: "small" | "full"): Promise<BenchRow[]> {
  const store = createRingStore({
    limits: DEFAULTS.store,
    clock: { nowMs: () => DATA_START_MS },
    random: Math.random,
  });
  fillStore(store, SPANS[size] * RECORDS_PER_SPAN);
  const analyst = new Analyst();
  // Its times begin with the data's, and go on by half a second a table: what arrives later lies outside the window.
  const source = new TableSource(1);
  for (let table = 0; table < SPANS[size] / 500 + 1; table++) source.next();
  const rows: BenchRow[] = [];
  const alone = await waits(store, source, pause(size === "small" ? 50 : 3_000));
  for (const type of TYPES) {
    const times: number[] = [];
    const waited: number[] = [];
    let bytes = 0;
    for (let round = -1; round < ROUNDS[size]; round++) {
      const startMs = performance.now();
      const answered = analyze(
        store,
        parseAnalyze({
          type,
          budget_bytes: DEFAULTS.replyBytes,
          until: DATA_START_MS + SPANS[size],
          ...(type === "causality_chain" ? { symptom: "status=error" } : {}),
        }),
        {
          clock: { nowMs: () => DATA_START_MS },
          endpoint: "",
          analyst,
          state: openStateFiles("absent"),
        },
      );
      const meanwhile = await waits(store, source, answered);
      bytes = replyBytes(await answered, {});
      // The first round starts the thread.
      if (round < 0) continue;
      times.push(performance.now() - startMs);
      waited.push(...meanwhile);
    }
    rows.push(
      {
        area: "analyze",
        name: `${type} of ${SPANS[size]} spans beside requests, median (reply ${bytes} bytes)`,
        value: median(times),
        unit: "ms",
      },
      {
        area: "analyze",
        name: `visible after accept while ${type} runs, p99 of ${waited.length}`,
        value: quantile(waited, 0.99),
        unit: "ms",
        target: "< 5 ms",
        baseline: "without it",
        ratio: quantile(waited, 0.99) / quantile(alone, 0.99),
      },
    );
  }
  await analyst.close();
  await store.close();
  return rows;
}

/**
 * For requests that arrive until `work` is done: ms from when each was due to when its spans were committed, which is
 * when they can be found. By the clock, since a thread's own time is told in steps of 4 ms: other processes count.
 */
async function waits(store: TelemetryStore, source: TableSource, work: Promise<unknown>): Promise<number[]> {
  let isDone = false;
  const ended = work.finally(() => {
    isDone = true;
  });
  const found: number[] = [];
  for (;;) {
    const dueMs = performance.now() + REQUEST_EVERY_MS;
    await pause(REQUEST_EVERY_MS);
    if (isDone) break;
    store.commitSpans(source.next());
    found.push(performance.now() - dueMs);
  }
  await ended;
  return found;
}
