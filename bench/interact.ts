import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../src/config.ts";
import { pairingToken } from "../src/http/pairing.ts";
import { startGasoline } from "../src/main.ts";
import { EFFECT, StandInExtension } from "../test/support/stand-in-extension.ts";
import { type BenchRow, median, quantile } from "./row.ts";

/**
 * One step from the question to its answer, over REST and the extension's socket, with a stand-in that answers at once:
 * what the daemon and two loopback connections add to what the page itself takes.
 */
export async function benchInteract(size: "small" | "full"): Promise<readonly BenchRow[]> {
  const rounds = size === "small" ? 20 : 1_000;
  const stateDir = mkdtempSync(join(tmpdir(), "gasoline-interact-"));
  const gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [], stateDir }, () => undefined);
  try {
    const extension = await StandInExtension.connect(gasoline.url, {
      token: pairingToken(stateDir),
      answer: ({ name }) =>
        name === "step"
          ? { name, effect: EFFECT }
          : { name: "page", page: { tab_id: 1, url: "", title: "", lines: [], lines_left_out: 0 } },
    });
    const times: number[] = [];
    for (let round = 0; round < rounds + WARM_UP; round++) {
      const start = performance.now();
      const response = await fetch(`${gasoline.url}/api/interact`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"action":"page"}',
      });
      await response.json();
      if (round >= WARM_UP) times.push(performance.now() - start);
    }
    await extension.close();
    const row = (name: string, value: number): BenchRow => ({ area: "interact", name, value, unit: "ms" });
    return [
      { ...row("question → command → result → answer, p50", median(times)), target: "< 5 ms" },
      row("the same, p99", quantile(times, 0.99)),
    ];
  } finally {
    await gasoline.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

const WARM_UP = 20;
