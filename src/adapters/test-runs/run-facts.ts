import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SendableAttributes } from "../otlp-client.ts";

/** A coverage summary that the run has written: istanbul's `coverage-summary.json`, else `lcov.info`. */
export function coverageAttributes(cwd: string, sinceMs: number): SendableAttributes {
  for (const [name, read] of COVERAGE_FILES) {
    const path = join(cwd, "coverage", name);
    try {
      if (statSync(path).mtimeMs >= sinceMs - MTIME_SLACK_MS) return read(readFileSync(path, "utf8"));
    } catch {
      // Absent, or not what its name says: then there is no summary.
    }
  }
  return {};
}

/** File systems round modification times down, some to two seconds. */
const MTIME_SLACK_MS = 2_000;

const COVERAGE_FILES: readonly (readonly [string, (text: string) => SendableAttributes])[] = [
  ["coverage-summary.json", summaryAttributes],
  ["lcov.info", lcovAttributes],
];

function summaryAttributes(text: string): SendableAttributes {
  const { total } = JSON.parse(text) as { total?: Record<string, { total: number; covered: number }> };
  const parts = ["lines", "branches", "functions", "statements"];
  return Object.assign({}, ...parts.map((part) => shareOf(part, total?.[part])));
}

function lcovAttributes(text: string): SendableAttributes {
  const sum = (tag: string): number =>
    [...text.matchAll(new RegExp(`^${tag}:(\\d+)`, "gm"))].reduce((all, [, count]) => all + Number(count), 0);
  return {
    ...shareOf("lines", { total: sum("LF"), covered: sum("LH") }),
    ...shareOf("branches", { total: sum("BRF"), covered: sum("BRH") }),
    ...shareOf("functions", { total: sum("FNF"), covered: sum("FNH") }),
  };
}

function shareOf(part: string, counts: { total: number; covered: number } | undefined): SendableAttributes {
  if (counts === undefined || !(counts.total > 0) || !(counts.covered >= 0)) return {};
  return {
    [`gasoline.coverage.${part}.total`]: counts.total,
    [`gasoline.coverage.${part}.covered`]: counts.covered,
  };
}
