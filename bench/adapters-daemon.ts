import { type ChildProcess, fork, type Serializable, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const LAUNCHER = fileURLToPath(new URL("../bin/gasoline.js", import.meta.url));
/** As bin/gasoline.js runs the commands. */
export const NODE_FLAGS = ["--max-semi-space-size=2"];

/** Runs `work` with the URL of a daemon in a process of its own, and a folder that is removed afterwards. */
export async function withDaemon<T>(work: (url: string, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "gasoline-bench-"));
  const daemon = spawn(
    process.execPath,
    [...NODE_FLAGS, LAUNCHER, "serve", "--port", "0", "--state-dir", folder],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const url = await new Promise<string>((resolve) =>
      daemon.stdout.once("data", (chunk) => resolve(/listening on (\S+)/.exec(String(chunk))![1]!)),
    );
    return await work(url, folder);
  } finally {
    await stop(daemon);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends a process and waits for its end. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/** What a program of the benchmark tells over IPC at its end. Rejects when it ends without. */
export function toldBy<T extends Serializable>(program: URL, args: readonly string[]): Promise<T> {
  const child = fork(program, args, {
    execArgv: NODE_FLAGS,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.once("message", (told) => resolve(told as T));
    child.once("exit", () => reject(new Error(`${program.pathname} ended without telling what it measured`)));
  });
}
