import { createRequire } from "node:module";

/** The package's version: package.json lies one folder above `src`, two above `dist/src`. */
export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)(
    import.meta.url.endsWith(".ts") ? "../package.json" : "../../package.json",
  );
  return String((manifest as { version: unknown }).version);
}
