import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** What the project in `cwd` is called: the name in its package.json, else that of the folder. */
export function projectName(cwd: string): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
    if (typeof manifest === "object" && manifest !== null && "name" in manifest) {
      if (typeof manifest.name === "string" && manifest.name !== "") return manifest.name;
    }
  } catch {
    // No package.json, or none that can be read: the folder has a name too.
  }
  return basename(cwd) || "app";
}
