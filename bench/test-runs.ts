import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openTestEvents } from "../src/adapters/test-runs/event-writer.ts";
import { DEFAULTS } from "../src/config.ts";
import { startGasoline } from "../src/main.ts";
import { type BenchRow, median } from "./row.ts";

const AREA = "test-runs";
const LAUNCHER = fileURLToPath(new URL("../bin/gasoline.js", import.meta.url));

/** What a reported test costs its runner, and what `gasoline test` adds to a run of node:test. */
export async function benchTestRuns(size: "small" | "full"): Promise<readonly BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "gasoline-bench-"));
  try {
    return [reported(folder, size === "small" ? 1_000 : 20_000), ...(await wholeRun(folder, size))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Two events a test, as a reporter writes them. */
function reported(folder: string, tests: number): BenchRow {
  const events = openTestEvents({ GASOLINE_TEST_EVENTS: join(folder, "events") });
  const start = performance.now();
  for (let i = 0; i < tests; i++) {
    const reference = {
      key: `/project/cart.test.ts\ncart > adds ${i}`,
      suite: "cart",
      name: `adds ${i}`,
      attempt: 0,
    };
    events.write({ kind: "started", ...reference, timeMs: start });
    events.write({ kind: "finished", ...reference, status: "pass", startMs: start, durationMs: 1 });
  }
  const ms = (performance.now() - start) / tests;
  return { area: AREA, name: "a test, reported", value: ms, unit: "ms", target: "< 1 ms" };
}

async function wholeRun(folder: string, size: "small" | "full"): Promise<readonly BenchRow[]> {
  const rounds = size === "small" ? 1 : 7;
  const testMs = size === "small" ? 1 : 20;
  const path = join(folder, "bench.test.mjs");
  const body = `for (let i = 0; i < 200; i++) test("waits " + i, () => new Promise((done) => setTimeout(done, ${testMs})));`;
  writeFileSync(path, `import { test } from "node:test"; ${body}`);
  const gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, () => undefined);
  try {
    const alone: number[] = [];
    const through: number[] = [];
    const env = { ...process.env, GASOLINE_ENDPOINT: gasoline.url };
    for (let round = 0; round < rounds; round++) {
      alone.push(await timed([process.execPath, "--test", path], env));
      const command = [process.execPath, LAUNCHER, "test", "--", process.execPath, "--test", path];
      through.push(await timed(command, env));
    }
    const [aloneMs, throughMs] = [median(alone), median(through)];
    const name = `200 tests of ${testMs} ms through gasoline test`;
    return [
      { area: AREA, name, value: throughMs, unit: "ms", baseline: "alone", ratio: throughMs / aloneMs },
      {
        area: AREA,
        name: "… added in all, most of it before the tests start",
        value: throughMs - aloneMs,
        unit: "ms",
      },
    ];
  } finally {
    await gasoline.close();
  }
}

function timed(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const start = performance.now();
  const child = spawn(command[0]!, command.slice(1), { env, stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", () => resolve(performance.now() - start)));
}
