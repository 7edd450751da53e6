import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser"];

/**
 * Where Chromium is: `CHROMIUM`, else `chromium` on the PATH; undefined when there is none. Branded Chrome does not
 * do: since 137 it ignores `--load-extension`.
 */
export function chromiumPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env.CHROMIUM ?? "", ...places].find((path) => path !== "" && isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Set-up of the whole test run: installs Debian's Chromium where it is missing and that is possible without asking
 * (root and apt-get). Where it is not, the tests that need a browser are skipped by name.
 */
export function setup(): void {
  if (chromiumPath() !== undefined) return;
  if (process.getuid?.() !== 0) {
    console.warn(
      "No Chromium found: tests that need a browser are skipped. Install chromium, or set CHROMIUM.",
    );
    return;
  }
  try {
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    execFileSync("apt-get", ["update", "-qq"], { stdio: "ignore", env: environment });
    execFileSync("apt-get", ["install", "-y", "-qq", "chromium"], { stdio: "ignore", env: environment });
  } catch (error) {
    console.warn(`Chromium could not be installed, tests that need it are skipped: ${String(error)}`);
  }
}
