import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import type { StoredLog, StoredSpan } from "../../src/store/telemetry-store.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));

/** How a command of ours ended, and all it printed. */
interface Ended {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What tests look at in an answer: `events`, or `rows` in modes that have those instead. */
interface Observed {
  readonly events: { message: string; level: string }[];
  readonly rows: { count: number }[];
  readonly metadata: { cursor_next?: string };
}

/** A real daemon in this process, a folder to work in, and the command line that finds it. */
export interface TestDaemon {
  readonly gasoline: Gasoline;
  readonly folder: string;
  /** Starts `gasoline ARGS` in the folder unless told, pointed at the daemon. */
  start(args: readonly string[], env?: NodeJS.ProcessEnv, cwd?: string): ReturnType<typeof spawn>;
  /** Runs `gasoline ARGS` to its end, in the folder unless told. */
  run(args: readonly string[], env?: NodeJS.ProcessEnv, cwd?: string): Promise<Ended>;
  /** Logs of a service, oldest first. */
  logs(service: string): Promise<StoredLog[]>;
  spans(service: string): Promise<StoredSpan[]>;
  /** What `gasoline observe` answers as JSON. */
  observe(parameters: Readonly<Record<string, string>>): Promise<Observed>;
  stop(): Promise<void>;
}

export async function startTestDaemon(): Promise<TestDaemon> {
  const gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, () => undefined);
  const folder = mkdtempSync(join(tmpdir(), "gasoline-adapters-"));
  const envOf = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    GASOLINE_ENDPOINT: gasoline.url,
    ...env,
  });
  const recordsOf = async (service: string) =>
    (await gasoline.store.records({ filter: { service }, order: "oldest", limit: 100_000 })).records;
  return {
    gasoline,
    folder,
    start: (args, env = {}, cwd = folder) =>
      spawn(process.execPath, [LAUNCHER, ...args], {
        cwd,
        env: envOf(env),
        stdio: ["pipe", "pipe", "pipe"],
      }),
    run: (args, env = {}, cwd = folder) =>
      new Promise((resolve) => {
        const options = { cwd, env: envOf(env), encoding: "buffer", maxBuffer: 1 << 28 } as const;
        execFile(process.execPath, [LAUNCHER, ...args], options, (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr: String(stderr) }),
        );
      }),
    logs: async (service) => (await recordsOf(service)).filter((record) => record.kind === "log"),
    spans: async (service) => (await recordsOf(service)).filter((record) => record.kind === "span"),
    observe: async (parameters) => {
      const response = await fetch(`${gasoline.url}/api/observe?${new URLSearchParams(parameters)}`);
      return (await response.json()) as Observed;
    },
    stop: async () => {
      await gasoline.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
