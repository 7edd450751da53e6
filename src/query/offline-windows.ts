import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { filesAt } from "./offline.ts";

/**
 * Sorts paths into windows, each a list of files for `readWindow`: files of one folder belong together (traces beside
 * their logs), so a folder that holds a folder a window gives one window each. Order of the paths, then of names.
 * Throws `bad_parameter` for a path that does not exist.
 */
export async function windowsAt(paths: readonly string[]): Promise<readonly (readonly string[])[]> {
  const byFolder = new Map<string, string[]>();
  for (const path of paths) {
    const files = await filesAt(path);
    // A folder without telemetry is a window without records, not an error: a signal may be absent.
    const found = files.length > 0 || !(await stat(path)).isDirectory() ? files : [path];
    for (const file of found) {
      const folder = dirname(file);
      const held = byFolder.get(folder);
      if (held === undefined) byFolder.set(folder, [file]);
      else if (!held.includes(file)) held.push(file);
    }
  }
  return [...byFolder.values()];
}
