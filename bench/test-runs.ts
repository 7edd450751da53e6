import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openTestEvents } from "../src/adapters/test-runs/event-writer.ts";
import { DEFAULTS } from "../src/config.ts";
import { startGasoline } from "../src/main.ts";
import { buildPackage, LAUNCHER_FLAGS } from "./built-package.ts";
import { type BenchRow, median } from "./row.ts";

const AREA = "test-runs";
const TEST_MS = 20;
const CHECKOUT = fileURLToPath(new URL("../bin/gasoline.js", import.meta.url));

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

/** What every run takes longer, whatever its length, and what that is of a run as long as a small suite's. */
async function wholeRun(folder: string, size: "small" | "full"): Promise<readonly BenchRow[]> {
  const rounds = size === "small" ? 1 : 9;
  const lengths = size === "small" ? [20] : [20, 200];
  const launcher = size === "small" ? CHECKOUT : buildPackage();
  const gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, () => undefined);
  const env = { ...process.env, GASOLINE_ENDPOINT: gasoline.url };
  const rows: BenchRow[] = [];
  try {
    for (const tests of lengths) {
      const alone = [process.execPath, "--test", writeTests(folder, tests)];
      const through = [process.execPath, ...LAUNCHER_FLAGS, launcher, "test", "--", ...alone];
      const times = { alone: [] as number[], through: [] as number[] };
      for (let round = 0; round < rounds; round++) {
        times.alone.push(await timed(alone, env));
        times.through.push(await timed(through, env));
      }
      const [aloneMs, throughMs] = [median(times.alone), median(times.through)];
      const run = `${tests} tests of ${TEST_MS} ms through gasoline test`;
      rows.push(
        {
          ...{ area: AREA, name: run, value: throughMs, unit: "ms" },
          ...{ baseline: "alone", ratio: throughMs / aloneMs },
          ...(tests >= 200 ? { target: "< 1.03 × alone" } : {}),
        },
        { area: AREA, name: "… added to the run", value: throughMs - aloneMs, unit: "ms" },
        {
          area: AREA,
          name: "… added, by test",
          value: (throughMs - aloneMs) / tests,
          unit: "ms",
          ...(tests >= 200 ? { target: "< 1 ms" } : {}),
        },
      );
    }
    return rows;
  } finally {
    await gasoline.close();
  }
}

/** A file of tests that wait, one after the other. */
function writeTests(folder: string, tests: number): string {
  const path = join(folder, `bench-${tests}.test.mjs`);
  const body = `for (let i = 0; i < ${tests}; i++) test("waits " + i, () => new Promise((done) => setTimeout(done, ${TEST_MS})));`;
  writeFileSync(path, `import { test } from "node:test"; ${body}`);
  return path;
}

function timed(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const start = performance.now();
  const child = spawn(command[0]!, command.slice(1), { env, stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", () => resolve(performance.now() - start)));
}
