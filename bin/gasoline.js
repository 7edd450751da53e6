#!/usr/bin/env -S node --max-semi-space-size=2
// Runs the CLI: the sources in a checkout (Node strips their types), the built files in a package. Record bytes live
// outside V8's heap, so a small young generation costs nothing and saves 20 MB of memory (bench/memory.ts).
import { existsSync } from "node:fs";
import { enableCompileCache } from "node:module";

const [major, minor] = process.versions.node.split(".").map(Number);
if (!(major > 24 || (major === 24 && minor >= 9) || (major === 22 && minor >= 21))) {
  process.stderr.write(
    `gasoline needs Node 22.21.1 or 24.9 and later, and this is ${process.version}. ` +
      "Install a newer Node, or start it through npx or npm, which bring one along in a checkout.\n",
  );
  process.exit(1);
}

// What was compiled once is read from disk by the next start.
enableCompileCache();

const source = new URL("../src/cli/main.ts", import.meta.url);
const built = new URL("../dist/src/cli/main.js", import.meta.url);
await import((existsSync(source) ? source : built).href);
