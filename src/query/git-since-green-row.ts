import type { ChangesSinceGreen } from "./git-since-green.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import type { Row } from "./shapes.ts";

const FILES_SHOWN = { roomy: 20, tight: 5 } as const;

/** What changed since the last green run, as a row; `why_empty` in place of the files where they cannot be told. */
export function changesRow(changes: ChangesSinceGreen, detail: Detail): Row {
  const { green, files, from, why, sameFilesFailed } = changes;
  return {
    kind: "changed_since_green",
    ...(green === undefined ? {} : { run_ended: isoTime(green.endNs), tests_passed: green.tests }),
    ...(green?.revision === undefined ? {} : { revision: clean(green.revision, 64) }),
    ...(files === undefined
      ? { why_empty: why }
      : { total: files.length, files: shownFiles(files, detail), from }),
    ...(sameFilesFailed ? { same_files_failed: true } : {}),
  };
}

/** The same in one line. */
export function changesLine(changes: ChangesSinceGreen, detail: Detail): string {
  const { green, files, from, why, sameFilesFailed } = changes;
  if (green === undefined) return `Since the last green run: unknown, ${why}.`;
  const run = `Since the last green run (${count(green.tests, "test")} passed at ${isoTime(green.endNs)})`;
  const same = sameFilesFailed
    ? " The last run failed on the same revision and uncommitted changes: no change of files explains it."
    : "";
  if (files === undefined) return `${run}: changed files unknown, ${why}.${same}`;
  if (files.length === 0) return `${run}: no file changed.${same}`;
  const shown = shownFiles(files, detail);
  const more = files.length > shown.length ? ` and ${files.length - shown.length} more` : "";
  const source = from === "git events" ? `, as git told (${why})` : "";
  return `${run}: ${count(files.length, "file")} changed: ${shown.join(", ")}${more}${source}.${same}`;
}

function shownFiles(files: readonly string[], detail: Detail): string[] {
  const filesMax = !detail.compact
    ? files.length
    : detail.charsMax < 600
      ? FILES_SHOWN.tight
      : FILES_SHOWN.roomy;
  return files.slice(0, filesMax).map((file) => clean(file, 200));
}
