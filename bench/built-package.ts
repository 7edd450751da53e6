import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds what is published and returns its entry point. */
export function buildPackage(): string {
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], { cwd: root, stdio: "inherit" });
  return join(root, "dist/src/cli/main.js");
}

/** The flags that the launcher's first line gives to Node. */
export const LAUNCHER_FLAGS: readonly string[] = readFileSync(join(root, "bin/gasoline.js"), "utf8")
  .split("\n", 1)[0]!
  .split(" ")
  .filter((word) => word.startsWith("--"));

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  return 1024 * Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }));
}

/** Ends a child and waits until it is gone. */
export async function stopped(child: ChildProcess): Promise<void> {
  child.kill("SIGTERM");
  if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
}
