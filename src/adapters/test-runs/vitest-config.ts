import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Names the user's configuration file, `""` when there is none. */
export const VITEST_CONFIG_VARIABLE = "GASOLINE_VITEST_CONFIG";

type Config = { readonly [name: string]: unknown };
type ConfigEnvironment = { readonly command: string; readonly mode: string };

/**
 * What `gasoline test -- vitest` gives vitest as its configuration: the user's own, with the reporter and the set-up
 * file added. vitest has no flag that adds without taking away.
 */
export default async (environment: ConfigEnvironment): Promise<Config> => {
  const path = process.env[VITEST_CONFIG_VARIABLE] ?? "";
  const config = path === "" ? {} : await loadConfig(path, environment);
  const test = (config.test ?? {}) as Config;
  return {
    ...config,
    test: {
      ...test,
      reporters: [...listOf(test.reporters ?? "default"), beside("vitest-reporter")],
      setupFiles: [...listOf(test.setupFiles ?? []), beside("vitest-setup")],
    },
  };
};

/** Loaded by the project's own Vite, found beside the vitest that runs. */
async function loadConfig(path: string, environment: ConfigEnvironment): Promise<Config> {
  const project = createRequire(join(process.cwd(), "package.json"));
  const vitest = createRequire(project.resolve("vitest/package.json"));
  const vite = (await import(pathToFileURL(vitest.resolve("vite")).href)) as {
    loadConfigFromFile(environment: ConfigEnvironment, path: string): Promise<{ config: Config } | null>;
  };
  return (await vite.loadConfigFromFile(environment, path))?.config ?? {};
}

/** A reporter is a name, a pair of name and options, an object, or a list of them. */
function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function beside(name: string): string {
  const self = fileURLToPath(import.meta.url);
  return join(dirname(self), `${name}${self.endsWith(".ts") ? ".ts" : ".js"}`);
}
