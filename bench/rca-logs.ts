import { join } from "node:path";
import type { BaselineSummary } from "../src/correlate/baseline.ts";
import { joinLogs } from "../src/correlate/log-join.ts";
import { summarize } from "../src/correlate/summarize.ts";
import type { LogRecord } from "../src/model/log.ts";
import { readWindow } from "../src/query/offline.ts";
import { type RcaCase, readCaseWindow } from "./rca-cases.ts";

/** How many log records of a band were put where they belong. */
export interface JoinBand {
  readonly system: string;
  readonly band: string;
  readonly lines: number;
  readonly onTrace: number;
  readonly onSpan: number;
}

const BANDS = [
  ["confidence ≥ 0.9", 0.9],
  ["0.7 to 0.9", 0.7],
  ["below 0.7", 0],
] as const;
/** How the services of the labelled cases print ids in their texts. */
const IDS_IN_TEXT = /\b(?:Trace|Span)ID: [0-9a-f]+ ?/gi;

/**
 * Takes all ids out of the cases' log records, their texts too, and counts how many `joinLogs` puts back on the right
 * trace and span. What statements belong to is learned from the baselines, whose records keep their ids.
 */
export async function measureJoins(folder: string, cases: readonly RcaCase[]): Promise<JoinBand[]> {
  const counts = new Map<string, { lines: number; onTrace: number; onSpan: number }>();
  for (const rcaCase of cases) {
    if (!rcaCase.has_logs) continue;
    const known: BaselineSummary[] = [];
    for (const path of rcaCase.baselines) {
      const baseline = await readWindow([join(folder, path)]);
      known.push(summarize(baseline.spans, baseline.logs));
    }
    const { spans, logs } = await readCaseWindow(folder, rcaCase);
    const joins = joinLogs(spans, logs.map(withoutIds), known);
    logs.forEach(({ traceId, spanId }, i) => {
      if (traceId === "") return;
      const placed = joins[i]!;
      const onTrace = placed.traceId === traceId;
      const onSpan = onTrace && placed.spanId === spanId;
      const bySpan = `by span, ${bandOf(placed.spanConfidence)}`;
      for (const band of ["all", `by trace, ${bandOf(placed.confidence)}`, bySpan]) {
        const key = `${rcaCase.system}\n${band}`;
        const count = counts.get(key) ?? { lines: 0, onTrace: 0, onSpan: 0 };
        counts.set(key, count);
        count.lines += 1;
        if (onTrace) count.onTrace += 1;
        if (onSpan) count.onSpan += 1;
      }
    });
  }
  return [...counts].map(([key, count]) => {
    const [system, band] = key.split("\n") as [string, string];
    return { system, band, ...count };
  });
}

function bandOf(confidence: number): string {
  return BANDS.find(([, least]) => confidence >= least)![0];
}

function withoutIds(log: LogRecord): LogRecord {
  const body = typeof log.body === "string" ? log.body.replace(IDS_IN_TEXT, "") : log.body;
  return { ...log, traceId: "", spanId: "", body };
}
