import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../src/config.ts";
import { openGit } from "../src/enrich/git.ts";
import { parseStack } from "../src/enrich/stack.ts";
import { Analyst } from "../src/query/analyst.ts";
import { observe } from "../src/query/observe.ts";
import { openSourcesOnce } from "../src/query/open-sources.ts";
import { parseObserve } from "../src/query/parameters.ts";
import { replyBytes } from "../src/query/reply-bytes.ts";
import type { ObserveContext } from "../src/query/shapes.ts";
import { openStateFiles } from "../src/query/state-files.ts";
import { createMasker } from "../src/store/mask.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import { createRecordTable } from "../src/wire/record-table.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import { buildTracesRequest } from "../test/support/otlp-build.ts";
import { type BenchRow, median, quantile } from "./row.ts";

const STACKS = 1_000;
const PLACES = 40;
const STACK_CHARS = 64 * 1024;
const NOW_MS = Date.UTC(2026, 0, 1, 0, 10);

/** Twenty frames, half of them a library's, as Node writes them. */
function stack(number: number): string {
  const frames = Array.from({ length: 20 }, (_, i) => {
    const file =
      i % 2 === 0 ? `/app/src/file${number % PLACES}.js` : "/app/node_modules/express/lib/router/index.js";
    return `    at handle${i} (${file}:${i + 10}:7)`;
  });
  return `Error: failed\n${frames.join("\n")}`;
}

/** Reading stacks, asking git, and a whole answer about code. */
export async function benchEnrich(size: "small" | "full"): Promise<BenchRow[]> {
  const rounds = size === "small" ? 3 : 100;
  const root = mkdtempSync(join(tmpdir(), "gasoline-bench-enrich-"));
  try {
    makeSources(root);
    return [...benchStacks(rounds), ...(await benchBlame(root, rounds)), ...(await benchCode(root, rounds))];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function benchStacks(rounds: number): BenchRow[] {
  const stacks = Array.from({ length: STACKS }, (_, i) => stack(i));
  const plain = stack(0)
    .repeat(Math.ceil(STACK_CHARS / stack(0).length))
    .slice(0, STACK_CHARS);
  const hostile = `    at ${"(".repeat(STACK_CHARS)}\n`;
  const time = (texts: readonly string[]): number =>
    median(timesOf(rounds, () => texts.forEach((text) => void parseStack(text))));
  const plainMs = time([plain]);
  const hostileMs = time([
    hostile,
    "Caused by: \n\tat a.b(C.java:1)\n".repeat(2_000),
    `x@${":1".repeat(STACK_CHARS / 2)}`,
  ]);
  return [
    { area: "enrich", name: "frames of 1,000 stacks (20 each)", value: time(stacks), unit: "ms" },
    {
      area: "enrich",
      name: "three hostile texts of 64 KiB",
      value: hostileMs,
      unit: "ms",
      baseline: "one plain stack of 64 KiB",
      ratio: hostileMs / plainMs,
    },
  ];
}

async function benchBlame(root: string, rounds: number): Promise<BenchRow[]> {
  const firstMs: number[] = [];
  const keptMs: number[] = [];
  for (let round = 0; round < Math.min(rounds, 20); round++) {
    const git = openGit(root, () => NOW_MS);
    for (const times of [firstMs, keptMs]) {
      const startMs = performance.now();
      await git.lastChange(join(root, "src/file0.js"), 12);
      times.push(performance.now() - startMs);
    }
  }
  return [
    { area: "enrich", name: "last change of a line, median", value: median(firstMs), unit: "ms" },
    {
      area: "enrich",
      name: "the same, kept",
      value: median(keptMs),
      unit: "ms",
      baseline: "the first",
      ratio: median(keptMs) / median(firstMs),
    },
  ];
}

/** 1,000 failed spans that name 40 places; the answer shows five. */
async function benchCode(root: string, rounds: number): Promise<BenchRow[]> {
  const clock = { nowMs: () => NOW_MS };
  const store = createRingStore({ limits: DEFAULTS.store, clock, random: Math.random });
  const table = createRecordTable();
  const spans = Array.from({ length: STACKS }, (_, i) => ({
    traceId: (i + 1).toString(16).padStart(32, "0"),
    status: { code: "error" as const },
    events: [
      { name: "exception", attributes: { "exception.type": "Error", "exception.stacktrace": stack(i) } },
    ],
  }));
  scanTraces(buildTracesRequest(spans), table);
  store.commitSpans(table);
  const source = openSourcesOnce({ workspace: root, maskText: createMasker().maskText, nowMs: Date.now });
  const context: ObserveContext = {
    ...{ clock, source, endpoint: "http://localhost:7890", analyst: new Analyst() },
    state: openStateFiles("absent"),
  };
  const query = parseObserve({ what: "code", budget_bytes: DEFAULTS.replyBytes });
  const times: number[] = [];
  let bytes = 0;
  for (let round = -1; round < rounds; round++) {
    const startMs = performance.now();
    const answer = await observe(store, query, context);
    if (round >= 0) times.push(performance.now() - startMs);
    bytes = replyBytes(answer, {});
  }
  await context.analyst.close();
  await store.close();
  return [
    {
      area: "enrich",
      name: `code of 1,000 errors, p99 (reply ${bytes} bytes)`,
      value: quantile(times, 0.99),
      unit: "ms",
      baseline: "its median",
      ratio: quantile(times, 0.99) / median(times),
    },
  ];
}

/** A repository of 40 files of 200 lines with one commit. */
function makeSources(root: string): void {
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-C", root, ...args], { stdio: "ignore" });
  git("init", "--quiet");
  mkdirSync(join(root, "src"));
  const text = Array.from({ length: 200 }, (_, i) => `  const value${i} = compute(${i});`).join("\n");
  for (let i = 0; i < PLACES; i++) writeFileSync(join(root, `src/file${i}.js`), text);
  git("add", "--all");
  git(
    "-c",
    "user.name=Bench",
    "-c",
    "user.email=bench@example.com",
    "commit",
    "--quiet",
    "--message",
    "Begin",
  );
}

function timesOf(rounds: number, run: () => void): number[] {
  return Array.from({ length: rounds }, () => {
    const startMs = performance.now();
    run();
    return performance.now() - startMs;
  });
}
