import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { zipSync } from "fflate";

/*
 * Builds the browser extension: `node scripts/build-extension.ts [FOLDER]` writes FOLDER (dist/extension) and
 * FOLDER.zip, and prints what the scripts that run in every page weigh.
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = join(ROOT, "extension");
const DEFAULT_CONFIG = { endpoint: "http://127.0.0.1:7890", token: "" };
/** What every page pays for: both content scripts together. */
export const PAGE_BYTES_MAX = 115_000;

/** Where a script runs decides its format: content scripts are no modules. */
const ENTRIES = [
  { source: "main-world/index.ts", output: "main-world.js", format: "iife", inPage: true },
  { source: "relay/index.ts", output: "relay.js", format: "iife", inPage: true },
  { source: "service-worker/index.ts", output: "service-worker.js", format: "esm", inPage: false },
  { source: "popup/popup.ts", output: "popup.js", format: "esm", inPage: false },
  // Put into a page when someone asks for it.
  { source: "relay/hands/accessibility.ts", output: "accessibility.js", format: "iife", inPage: false },
] as const;

/** Bytes of each script that was built. */
export interface BuiltExtension {
  readonly folder: string;
  readonly sizes: Readonly<Record<string, number>>;
  /** Of the scripts that run in every page, together. */
  readonly pageBytes: number;
}

/** Builds into `folder`, replacing what is there. Throws when a source does not compile. */
export async function buildExtension(folder: string): Promise<BuiltExtension> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sizes: Record<string, number> = {};
  for (const entry of ENTRIES) {
    if (!existsSync(join(SOURCE, entry.source))) continue;
    const outfile = join(folder, entry.output);
    await build({
      entryPoints: [join(SOURCE, entry.source)],
      outfile,
      format: entry.format,
      ...(entry.output === "accessibility.js" ? { globalName: "gasolineAccessibility" } : {}),
      bundle: true,
      minify: true,
      target: "chrome120",
      legalComments: "none",
      logLevel: "warning",
      conditions: ["esnext"],
      // The SDK's private members, which the bundle alone sees; `__` is what a page sets.
      // axe-core calls some of its methods by computed names.
      ...(entry.output === "accessibility.js" ? {} : { mangleProps: /^_[a-z]/ }),
      alias: singleCopies(),
      plugins: [ownTelemetryApi()],
    });
    sizes[entry.output] = statSync(outfile).size;
  }
  const pageBytes = ENTRIES.filter(({ inPage }) => inPage).reduce(
    (sum, { output }) => sum + sizes[output]!,
    0,
  );
  cpSync(join(SOURCE, "manifest.json"), join(folder, "manifest.json"));
  for (const name of ["popup", "icons"]) {
    const from = join(SOURCE, name);
    if (existsSync(from))
      cpSync(from, join(folder, name), { recursive: true, filter: (path) => !path.endsWith(".ts") });
  }
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(DEFAULT_CONFIG)}\n`);
  return { folder, sizes, pageBytes };
}

/** The packages of OpenTelemetry each bring their own minor version of these; a page gets one. */
function singleCopies(): Record<string, string> {
  const require = createRequire(join(SOURCE, "package.json"));
  const folderOf = (name: string): string => {
    const entry = require.resolve(name);
    return (
      entry.slice(0, entry.lastIndexOf(`${join("node_modules", name)}${sep}`)) + join("node_modules", name)
    );
  };
  return Object.fromEntries(
    ["api", "core", "resources", "sdk-trace"]
      .map((part) => `@opentelemetry/${part}`)
      .map((name) => [name, folderOf(name)]),
  );
}

/**
 * The API package keeps its providers under a symbol that all copies in a page share. With that key ours would take
 * the place of the page's own OpenTelemetry, so the copy in the bundle gets a key of its own.
 */
function ownTelemetryApi(): Plugin {
  return {
    name: "own-telemetry-api",
    setup({ onLoad }) {
      onLoad({ filter: /@opentelemetry\/api\/.*internal\/global-utils\.js$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const contents = source.replace("opentelemetry.js.api.", "gasoline360.opentelemetry.js.api.");
        if (contents === source) throw new Error(`${path} no longer names its global key as expected.`);
        return { contents, loader: "js" };
      });
    },
  };
}

/** All files of the folder in one archive, as the store and `chrome://extensions` take it. */
function zipFolder(folder: string): Uint8Array {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return zipSync(
    Object.fromEntries(
      files.map((file) => [relative(folder, file).replaceAll(sep, "/"), readFileSync(file)]),
    ),
  );
}

if (import.meta.main) {
  const { folder, sizes, pageBytes } = await buildExtension(
    process.argv[2] ?? join(ROOT, "dist", "extension"),
  );
  writeFileSync(`${folder}.zip`, zipFolder(folder));
  for (const [name, bytes] of Object.entries(sizes)) console.log(`${name.padEnd(20)} ${bytes} bytes`);
  console.log(`in every page        ${pageBytes} of at most ${PAGE_BYTES_MAX} bytes`);
  console.log(`${folder}, ${folder}.zip`);
}
