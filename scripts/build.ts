import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

// Emits what is published: Node strips types in a checkout, but refuses to under node_modules.
const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
execFileSync(`${root}node_modules/.bin/tsc`, ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
// The one part that is not compiled: the plugin that pytest loads.
const plugin = "src/adapters/test-runs/gasoline_pytest.py";
copyFileSync(`${root}${plugin}`, `${root}dist/${plugin}`);
