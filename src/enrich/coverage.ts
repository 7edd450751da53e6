import { BoundedCache } from "./bounded-cache.ts";
import { readTextFile } from "./read-text.ts";
import type { Workspace } from "./workspace.ts";

/** What the last coverage run says of one line. */
export interface LineCoverage {
  /** The report, from the workspace's root. */
  readonly report: string;
  /** Times that the line ran; for a line without code, the nearest one before it. */
  readonly hits: number;
  /** Tests that the report names for the file (lcov's TN). Most reports name none. */
  readonly tests: readonly string[];
}

/** Of one file: the line numbers that hold code, ascending, and how often each ran. */
interface FileCoverage {
  readonly lines: readonly (readonly [line: number, hits: number])[];
  readonly tests: readonly string[];
}

/** Where runners leave their reports, and how each is read. */
const REPORTS: readonly {
  readonly path: string;
  readonly read: (text: string, path: string) => FileCoverage | undefined;
}[] = [
  { path: "coverage/lcov.info", read: readLcov },
  { path: "lcov.info", read: readLcov },
  { path: "coverage/coverage-final.json", read: readIstanbul },
];
const TESTS_MAX = 10;

/** Reads coverage reports of the workspace, each again only after it has changed. */
export function openCoverage(
  workspace: Workspace,
): (path: string, line: number) => Promise<LineCoverage | undefined> {
  const known = new BoundedCache<{ readonly coverage: FileCoverage | undefined }>(200);
  return async (path, line) => {
    for (const report of REPORTS) {
      const located = await workspace.locate(report.path);
      if (located.found !== "yes" || located.fit !== "exact") continue;
      const text = await readTextFile(located.file);
      if (text === undefined) continue;
      const key = `${text.version} ${report.path} ${path}`;
      const entry = known.get(key) ?? { coverage: report.read(text.text, path) };
      known.set(key, entry);
      const at = entry.coverage?.lines.findLast(([number]) => number <= line);
      if (at !== undefined) return { report: report.path, hits: at[1], tests: entry.coverage!.tests };
    }
    return undefined;
  };
}

/** lcov: blocks of `TN:test`, `SF:file`, `DA:line,hits` … `end_of_record`; a file may have one block for each test. */
function readLcov(text: string, path: string): FileCoverage | undefined {
  const hits = new Map<number, number>();
  const tests = new Set<string>();
  let test = "";
  let isAsked = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("TN:")) test = line.slice(3).trim();
    else if (line.startsWith("SF:")) isAsked = isSameFile(line.slice(3).trim(), path);
    else if (isAsked && line.startsWith("DA:")) {
      const [number, count] = line.slice(3).split(",").map(Number);
      if (number! > 0 && count! >= 0) hits.set(number!, (hits.get(number!) ?? 0) + count!);
      if (test !== "" && tests.size < TESTS_MAX) tests.add(test);
    }
  }
  return hits.size === 0 ? undefined : { lines: [...hits].sort(([a], [b]) => a - b), tests: [...tests] };
}

interface IstanbulFile {
  readonly statementMap?: Readonly<Record<string, { readonly start?: { readonly line?: number } }>>;
  readonly s?: Readonly<Record<string, number>>;
}

/** Istanbul's `coverage-final.json`: by file, where each statement starts and how often it ran. */
function readIstanbul(text: string, path: string): FileCoverage | undefined {
  let report: Readonly<Record<string, IstanbulFile>>;
  try {
    report = JSON.parse(text);
  } catch {
    // Half written, or something else of that name: as good as none.
    return undefined;
  }
  const entry = Object.entries(report ?? {}).find(([file]) => isSameFile(file, path))?.[1];
  const hits = new Map<number, number>();
  for (const [statement, { start }] of Object.entries(entry?.statementMap ?? {})) {
    const line = start?.line ?? 0;
    hits.set(line, Math.max(hits.get(line) ?? 0, entry?.s?.[statement] ?? 0));
  }
  return hits.size === 0 ? undefined : { lines: [...hits].sort(([a], [b]) => a - b), tests: [] };
}

/** Reports name files from the root, or by their whole path, perhaps of another machine. */
function isSameFile(reported: string, path: string): boolean {
  const plain = reported.replaceAll("\\", "/");
  return plain === path || plain.endsWith(`/${path}`);
}
