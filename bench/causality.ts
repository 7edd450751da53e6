import { diagnose } from "../src/correlate/causality.ts";
import { joinLogs } from "../src/correlate/log-join.ts";
import { summarize } from "../src/correlate/summarize.ts";
import { faultyShop, type ShopWindow } from "../test/correlate/faulty-shop.ts";
import type { BenchRow } from "./row.ts";

const AREA = "causality";
/** What a request of the shop comes to, nearly enough to ask for a number of spans. */
const SPANS_PER_REQUEST = 11;

/**
 * Cost of the analyses over a window by number of spans, in ms of one call (the quickest of several), on traffic with a
 * slow query. `ratio` says how the cost grew against the smallest size, over what n log n would have it grow.
 */
export async function benchCausality(size: "small" | "full"): Promise<BenchRow[]> {
  const counts = size === "small" ? [1_000, 4_000] : [1_000, 10_000, 25_000, 100_000];
  const rows: BenchRow[] = [];
  const smallest = new Map<string, { readonly ms: number; readonly spans: number }>();
  for (const count of counts) {
    const fault = { slower: ({ name }: { readonly name: string }) => (name.startsWith("UPDATE") ? 20 : 1) };
    const window = shopOf(3, count, fault);
    const spans = window.spans.length;
    for (const [name, run] of measuresOf(window, count)) {
      const ms = quickestMs(run);
      const base = smallest.get(name) ?? { ms, spans };
      smallest.set(name, base);
      const target = name.startsWith("diagnose with") && count === 25_000 ? "< 250 ms" : undefined;
      rows.push({
        area: AREA,
        name: `${name}, ${count.toLocaleString("en-US")} spans`,
        value: ms,
        unit: "ms",
        ...(target === undefined ? {} : { target }),
        ...(base.spans === spans
          ? {}
          : { ratio: ms / base.ms / (work(spans) / work(base.spans)), baseline: "n log n" }),
      });
    }
  }
  return rows;
}

function measuresOf(window: ShopWindow, count: number): readonly (readonly [string, () => unknown])[] {
  const baselines = [1, 2].map((seed) => {
    const { spans, logs } = shopOf(seed, Math.min(count, 25_000));
    return summarize(spans, logs);
  });
  const { spans, logs } = window;
  const bare = logs.map((log) => ({ ...log, traceId: "", spanId: "" }));
  return [
    ["summarize", () => summarize(spans, logs)],
    ["diagnose with two baselines", () => diagnose({ spans, logs, baselines })],
    ["diagnose an error, no baseline", () => diagnose({ spans, logs, symptom: { kind: "error" } })],
    ["join logs without ids", () => joinLogs(spans, bare, baselines)],
  ];
}

function shopOf(seed: number, spans: number, fault = {}): ShopWindow {
  return faultyShop(seed, Math.round(spans / SPANS_PER_REQUEST), fault);
}

function work(count: number): number {
  return count * Math.log2(count);
}

/** The quickest of enough runs to last half a second, at least 3: what the work costs when nothing disturbs. */
function quickestMs(run: () => unknown): number {
  let quickest = Number.POSITIVE_INFINITY;
  let spentMs = 0;
  for (let runs = 0; runs < 3 || (spentMs < 500 && runs < 200); runs++) {
    const startMs = performance.now();
    run();
    const ms = performance.now() - startMs;
    quickest = Math.min(quickest, ms);
    spentMs += ms;
  }
  return quickest;
}
