import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_PORT, DEFAULTS } from "../../config.ts";

/**
 * Where a daemon should be, without asking it, since tests must not wait for its answer: the endpoint given, else the
 * one in the state folder while its process lives, else the usual port.
 */
export function daemonAddress(
  endpoint: string | undefined,
  stateDir: string | undefined = DEFAULTS.stateDir,
): string {
  if (endpoint) return endpoint.replace(/\/+$/, "");
  try {
    const file = readFileSync(join(stateDir, "daemon.json"), "utf8");
    const { url, pid } = JSON.parse(file) as { url?: unknown; pid?: unknown };
    if (typeof url === "string" && typeof pid === "number" && isAlive(pid)) return url;
  } catch {
    // No daemon has written one here.
  }
  return `http://localhost:${DEFAULT_PORT}`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process lives as well.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
