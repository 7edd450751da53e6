import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { frame, startDockerStandIn } from "../test/adapters/docker-standin.ts";
import { LAUNCHER, NODE_FLAGS, stop, withDaemon } from "./adapters-daemon.ts";
import type { BenchRow } from "./row.ts";

const LINES_PER_SECOND = 20_000;
const TICK_MS = 10;
const LOOK_MS = 20;
/** Past it what is missing counts as lost. */
const LAG_MAX_MS = 30_000;

/**
 * Frames of the Engine API over a unix socket, through `gasoline docker`, to a daemon: command and daemon in processes
 * of their own. The lag is from writing the last line to the daemon having taken in as many as were written.
 */
export async function benchDocker(size: "small" | "full"): Promise<readonly BenchRow[]> {
  const lines = LINES_PER_SECOND * (size === "small" ? 0.5 : 10);
  return withDaemon(async (url, folder) => {
    const socket = join(folder, "docker.sock");
    const engine = await startDockerStandIn(socket);
    const container = { id: "bench", name: "bench", terminal: false, running: true, entries: [] };
    engine.containers.set("bench", container);
    const command = spawn(process.execPath, [...NODE_FLAGS, LAUNCHER, "docker", "--endpoint", url], {
      env: { ...process.env, DOCKER_HOST: `unix://${socket}` },
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      await once(command.stderr, "data");
      command.stderr.resume();
      await until(() => engine.asked.length > 0);
      const writtenMs = await writeLines(lines, (entries) => engine.write("bench", ...entries));
      const wrote = performance.now();
      await until(async () => (await receivedLogs(url)) >= lines);
      const lagMs = performance.now() - wrote;
      return [
        {
          ...{ area: "adapters", name: "a container's lines written", unit: "lines/s" },
          ...{ value: (1000 * lines) / writtenMs, target: "20,000 lines/s" },
        },
        {
          ...{ area: "adapters", name: "… lag of gasoline docker at the end", unit: "ms" },
          ...{ value: lagMs, target: "< 1,000 ms" },
        },
        {
          ...{ area: "adapters", name: "… lines lost", unit: "lines" },
          ...{ value: lines - (await receivedLogs(url)), target: "0" },
        },
      ];
    } finally {
      await stop(command);
      await engine.close();
    }
  });
}

type Entry = { readonly time: string; readonly bytes: Buffer };

/** Writes at the rate; resolves to the milliseconds it took. */
async function writeLines(lines: number, write: (entries: Entry[]) => void): Promise<number> {
  const start = performance.now();
  let written = 0;
  while (written < lines) {
    const due = Math.min(lines, Math.ceil(((performance.now() - start) / 1000) * LINES_PER_SECOND));
    const entries: Entry[] = [];
    for (; written < due; written++) entries.push(entryOf(written));
    if (entries.length > 0) write(entries);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  return performance.now() - start;
}

/** Times a microsecond apart, so that none is taken for one that was read before. */
function entryOf(n: number): Entry {
  const time = new Date().toISOString().replace("Z", `${String(n % 1_000_000).padStart(6, "0")}Z`);
  const line = `{"level":30,"msg":"request ${n} completed","route":"/cart","ms":12.5}`;
  return { time, bytes: frame(1, `${time} ${line}\n`) };
}

async function receivedLogs(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^gasoline_receiver_records_accepted_total\{signal="logs"\} (\d+)/m.exec(text)?.[1]);
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + LAG_MAX_MS;
  while (performance.now() < end) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
