import type { BaselineSummary } from "../correlate/baseline.ts";
import { diagnose } from "../correlate/causality.ts";
import type { Symptom } from "../correlate/causality-scope.ts";
import { criticalPath } from "../correlate/critical-path.ts";
import { rollUpPath } from "../correlate/roll-up.ts";
import { summarize } from "../correlate/summarize.ts";
import { buildTraceTree, type TraceTree } from "../correlate/trace-tree.ts";
import { GasolineError } from "../model/errors.ts";
import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";

/** Decoded records of a stretch of time, from the store or from files. */
export interface RecordWindow {
  readonly spans: readonly Span[];
  readonly logs: readonly LogRecord[];
}

/** What an analysis over records is asked with. */
export interface WindowQuestion {
  readonly window: RecordWindow;
  /** Windows without a fault, each by itself. */
  readonly baselines: readonly RecordWindow[];
  /** Full id or a prefix that names one trace of the window. */
  readonly traceId?: string;
  readonly symptom?: Symptom;
}

/** Answers by analysis type; the objects are what `--json`, REST and MCP show. */
export const WINDOW_ANALYSES = {
  causality_chain: explainCause,
  critical_path: explainDuration,
} as const satisfies Record<string, (question: WindowQuestion) => { readonly verdict: string }>;

export type WindowAnalysis = keyof typeof WINDOW_ANALYSES;

/** Other words for an analysis, as callers write them. */
export const ANALYSIS_ALIASES: Readonly<Record<string, WindowAnalysis>> = { causality: "causality_chain" };

function explainCause({ window, baselines, traceId, symptom }: WindowQuestion): ReturnType<typeof diagnose> {
  const summaries: BaselineSummary[] = [];
  for (const baseline of baselines) summaries.push(summarize(baseline.spans, baseline.logs, summaries));
  const trace = traceId === undefined ? undefined : findTrace(window, traceId);
  const start = symptom ?? (trace === undefined ? undefined : ({ kind: "trace", traceId: trace } as const));
  return diagnose({
    spans: window.spans,
    logs: window.logs,
    baselines: summaries,
    ...(start === undefined ? {} : { symptom: start }),
  });
}

/** The answer of `critical_path`. */
export interface CriticalPathAnswer {
  readonly verdict: string;
  /** Roots whose durations are explained; their lengths and the sum of their steps are the same. */
  readonly traces: readonly {
    readonly trace_id: string;
    readonly root_span_id: string;
    readonly duration_ns: string;
  }[];
  /**
   * What the roots waited for, in order of time. Times are as sent, Unix ns in decimal digits; no step has zero
   * length.
   */
  readonly steps: readonly CriticalPathStep[];
  /** Time on the path by where it was spent, longest first. */
  readonly by_part: readonly { readonly part: string; readonly ns: number; readonly share: number }[];
  readonly by_service: readonly { readonly service: string; readonly ns: number; readonly share: number }[];
}

export interface CriticalPathStep {
  readonly trace_id: string;
  readonly span_id: string;
  readonly service: string;
  readonly operation: string;
  readonly start_ns: string;
  readonly end_ns: string;
}

function explainDuration({ window, traceId }: WindowQuestion): CriticalPathAnswer {
  const trees = treesOf(window, traceId);
  const steps: (CriticalPathStep & { readonly startNs: bigint })[] = [];
  const traces: CriticalPathAnswer["traces"][number][] = [];
  const parts = new Map<string, number>();
  const services = new Map<string, number>();
  let totalNs = 0;
  for (const tree of trees) {
    const path = criticalPath(tree);
    const root = tree.nodes[path.root];
    if (root === undefined) continue;
    traces.push({
      trace_id: tree.traceId,
      root_span_id: root.span.spanId,
      duration_ns: String(path.totalNs),
    });
    for (const { span, startNs, endNs } of path.steps) {
      const start = tree.originNs + BigInt(startNs);
      steps.push({
        trace_id: tree.traceId,
        span_id: span.spanId,
        service: span.resource.service,
        operation: span.name,
        start_ns: String(start),
        end_ns: String(tree.originNs + BigInt(endNs)),
        startNs: start,
      });
    }
    const rolled = rollUpPath(tree, path);
    for (const { part, service, ns } of rolled.shares) {
      parts.set(part, (parts.get(part) ?? 0) + ns);
      services.set(service, (services.get(service) ?? 0) + ns);
      totalNs += ns;
    }
  }
  steps.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
  const byPart = sharesOf(parts, totalNs).map(([part, ns, share]) => ({ part, ns, share }));
  const byService = sharesOf(services, totalNs).map(([service, ns, share]) => ({ service, ns, share }));
  return {
    verdict: durationVerdict(traces.length, totalNs, byService),
    traces,
    steps: steps.map(({ startNs: _, ...step }) => step),
    by_part: byPart,
    by_service: byService,
  };
}

function durationVerdict(
  traces: number,
  totalNs: number,
  byService: CriticalPathAnswer["by_service"],
): string {
  if (traces === 0) return "There is no span to explain: the window holds none.";
  const [top] = byService;
  const of = traces === 1 ? "The request" : `${traces} requests together`;
  const ms = `${of} took ${(totalNs / 1e6).toFixed(3)} ms`;
  return top === undefined ? `${ms}.` : `${ms}, ${Math.round(100 * top.share)} % of it in ${top.service}.`;
}

/** Entries by value, largest first, with their share of the total. */
function sharesOf(values: ReadonlyMap<string, number>, total: number): (readonly [string, number, number])[] {
  return [...values]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([key, value]) => [key, value, total === 0 ? 0 : value / total] as const);
}

/** The window's traces as trees, or the one asked for. */
function treesOf(window: RecordWindow, traceId: string | undefined): TraceTree[] {
  const wanted = traceId === undefined ? undefined : findTrace(window, traceId);
  const spansOf = groupByTrace(window.spans);
  const logsOf = groupByTrace(window.logs);
  return [...spansOf]
    .filter(([id]) => wanted === undefined || id === wanted)
    .map(([id, spans]) => buildTraceTree(spans, logsOf.get(id) ?? []));
}

function groupByTrace<R extends { readonly traceId: string }>(records: readonly R[]): Map<string, R[]> {
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
function findTrace(window: RecordWindow, idOrPrefix: string): string {
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
