import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CASES_FOLDER, type RcaCase, rankOf, readCases, readCaseWindow } from "../../bench/rca-cases.ts";
import type { BaselineSummary } from "../../src/correlate/baseline.ts";
import { diagnose } from "../../src/correlate/causality.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import { readWindow } from "../../src/query/offline.ts";

const present = existsSync(join(CASES_FOLDER, "cases.json"));
const cases = present ? await readCases(CASES_FOLDER) : [];
const summaries = new Map<string, BaselineSummary>();

/** The labelled cases lie beside the repository; without them there is nothing to check. */
describe.skipIf(!present)("labelled faults of ../shared/data/rca", () => {
  it.each(
    cases.map((rcaCase) => [`${rcaCase.system} ${rcaCase.fault_type} ${rcaCase.id}`, rcaCase] as const),
  )("%s is named first", async (_, rcaCase: RcaCase) => {
    const { spans, logs } = await readCaseWindow(CASES_FOLDER, rcaCase);
    const report = diagnose({ spans, logs, baselines: await baselinesOf(rcaCase) });
    expect(rankOf(report.ranking, rcaCase.root_cause_service), report.verdict).toBe(1);
    expect(report.abstained, report.verdict).toBe(false);
  });
});

async function baselinesOf({ baselines }: RcaCase): Promise<BaselineSummary[]> {
  for (const path of baselines) {
    if (summaries.has(path)) continue;
    const { spans, logs } = await readWindow([join(CASES_FOLDER, path)]);
    summaries.set(path, summarize(spans, logs));
  }
  return baselines.map((path) => summaries.get(path)!);
}
