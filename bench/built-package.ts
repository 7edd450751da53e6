import { type ChildProcess, execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Builds what is published, lays it out as npm would, without the sources, and returns its launcher. */
export function buildPackage(): string {
  execFileSync(process.execPath, [join(root, "scripts/build.ts")], { cwd: root, stdio: "inherit" });
  const folder = join(root, "node_modules/.cache/gasoline360");
  rmSync(folder, { recursive: true, force: true });
  for (const part of ["bin", "dist", "package.json"])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  return join(folder, "bin/gasoline.js");
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
