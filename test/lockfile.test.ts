import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Locked {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * npm leaves a platform's package out of the lock when the registry at hand does not serve it, and `npm ci` then
 * refuses the lock everywhere.
 */
it("locks the packages of every platform, so that npm ci works on all of them", () => {
  const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as {
    packages: Readonly<Record<string, Locked>>;
  };
  const locked = Object.keys(packages);
  const missing = Object.values(packages)
    .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
    .filter((name) => !locked.some((path) => path.endsWith(`node_modules/${name}`)));
  expect(missing).toEqual([]);
});
