import type { Symptom } from "../../correlate/causality-scope.ts";
import type { Contract } from "../../correlate/contract.ts";
import type { Dependency } from "../../correlate/dependencies.ts";
import type { EdgeCase } from "../../correlate/edge-case.ts";
import type { Finding } from "../../correlate/finding.ts";
import type { Attempt } from "../../correlate/loop.ts";
import type { CheckpointSummary } from "../../correlate/regression-summary.ts";
import { GasolineError } from "../../model/errors.ts";
import type { LogRecord } from "../../model/log.ts";
import type { Span } from "../../model/span.ts";

/** Decoded records of a stretch of time, from the store or from files. */
export interface RecordWindow {
  readonly spans: readonly Span[];
  readonly logs: readonly LogRecord[];
}

/** What an analysis over records is asked with, beside the records. Plain data: it crosses to another thread. */
export interface AnalysisOptions {
  /** Full id or a prefix that names one trace of the window. */
  readonly traceId?: string;
  readonly symptom?: Symptom;
  /** Only traces in which this service took part. */
  readonly service?: string;
  /** Only traces in which this session took part. */
  readonly sessionId?: string;
  /** What is to be changed, for impact_analysis. */
  readonly files?: readonly string[];
  readonly endpoint?: string;
  /** What was tried, oldest first, for detect_loop. */
  readonly attempts?: readonly Attempt[];
  readonly known?: KnownState;
  readonly nowMs: number;
}

/** What the state folder holds that an analysis uses. */
export interface KnownState {
  /** The checkpoints to compare with. */
  readonly checkpoints?: readonly CheckpointSummary[];
  readonly contracts?: readonly Contract[];
  readonly dependencies?: readonly Dependency[];
  readonly edgeCases?: readonly EdgeCase[];
}

export interface WindowQuestion extends AnalysisOptions {
  readonly window: RecordWindow;
  /** Windows to compare with, each by itself. */
  readonly baselines: readonly RecordWindow[];
}

/** What every analysis answers; each adds what it has beyond this. Names are snake_case: callers read them. */
export interface AnalysisAnswer {
  /** The conclusion: a sentence, or a word that `summary` explains. */
  readonly verdict: string;
  readonly summary?: string;
  /** The weightiest first; at most ten. */
  readonly findings: readonly Finding[];
  /** Findings that did not fit. */
  readonly truncated: number;
  /** Edge cases that the window exercised later than on file, Unix ms by name: to be filed, not shown. */
  readonly tested?: { readonly [edgeCase: string]: number };
  /** Calls that lead on, as text, without any name that telemetry chose. */
  readonly next: readonly string[];
}

/** Of one answer. */
export const FINDINGS_MAX = 10;
const NEXT_MAX = 3;

/** The common part of an answer, from findings that come weightiest first. */
export function concluded(
  verdict: string,
  findings: readonly Finding[],
  next: readonly string[] = [],
): AnalysisAnswer {
  return {
    verdict,
    findings: findings.slice(0, FINDINGS_MAX),
    truncated: Math.max(0, findings.length - FINDINGS_MAX),
    next: [...new Set([...next, ...tracesOf(findings).map(traceCall)])].slice(0, NEXT_MAX),
  };
}

/** Traces that findings rest on, each once. */
function tracesOf(findings: readonly Finding[]): string[] {
  const ids = new Set(findings.flatMap(({ evidence }) => evidence.map(({ trace_id }) => trace_id ?? "")));
  ids.delete("");
  return [...ids];
}

function traceCall(traceId: string): string {
  return `observe ${JSON.stringify({ what: "trace", filter: { trace_id: traceId } })}`;
}

/** Records by their trace, in order of first appearance; those without one are left out. */
export function groupByTrace<R extends { readonly traceId: string }>(
  records: readonly R[],
): Map<string, R[]> {
  const byTrace = new Map<string, R[]>();
  for (const record of records) {
    if (record.traceId === "") continue;
    const held = byTrace.get(record.traceId);
    if (held === undefined) byTrace.set(record.traceId, [record]);
    else held.push(record);
  }
  return byTrace;
}

/** The one trace of the window that an id or prefix names. Throws `not_found`, or `bad_parameter` for several. */
export function findTrace(window: RecordWindow, idOrPrefix: string): string {
  const prefix = idOrPrefix.toLowerCase();
  const ids = new Set<string>();
  for (const { traceId } of window.spans) if (traceId.startsWith(prefix)) ids.add(traceId);
  const [first, second] = ids;
  if (first === undefined) {
    throw new GasolineError(
      "not_found",
      `No trace of the window begins with "${idOrPrefix}".`,
      "Leave the trace out to take all.",
    );
  }
  if (second !== undefined) {
    throw new GasolineError(
      "bad_parameter",
      `"${idOrPrefix}" names ${ids.size} traces.`,
      "Give more of its digits.",
    );
  }
  return first;
}

/** The records of those traces that pass; logs without a trace stay. */
export function onlyTraces(window: RecordWindow, passes: (span: Span) => boolean): RecordWindow {
  const kept = new Set<string>();
  for (const span of window.spans) if (passes(span)) kept.add(span.traceId);
  return {
    spans: window.spans.filter(({ traceId }) => kept.has(traceId)),
    logs: window.logs.filter(({ traceId }) => traceId === "" || kept.has(traceId)),
  };
}
