import { criticalPath } from "../../correlate/critical-path.ts";
import { evidenceOf, type Finding, msText, percentText } from "../../correlate/finding.ts";
import { rollUpPath } from "../../correlate/roll-up.ts";
import type { Span } from "../../model/span.ts";
import { type AnalysisAnswer, concluded, type WindowQuestion } from "./question.ts";
import { treesOf } from "./trees.ts";

/** The answer of `critical_path`. */
export interface CriticalPathAnswer extends AnalysisAnswer {
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

/** What the window's requests, or the one asked for, spent their time on; clock offsets between hosts are applied. */
export function explainDuration({ window, traceId }: WindowQuestion): CriticalPathAnswer {
  const trees = treesOf(window, traceId);
  const steps: (CriticalPathStep & { readonly startNs: bigint })[] = [];
  const traces: CriticalPathAnswer["traces"][number][] = [];
  const parts = new Map<string, number>();
  const services = new Map<string, number>();
  const operations = new Map<string, OperationTime>();
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
      addTime(operations, span, endNs - startNs);
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
  const shown = steps.map(({ startNs: _, ...step }) => step);
  return {
    ...concluded(durationVerdict(traces.length, totalNs, byService), findingsOf(operations, totalNs)),
    traces,
    steps: shown,
    by_part: byPart,
    by_service: byService,
  };
}

/** Time on the path in spans of one operation, with the longest stretch of it. */
interface OperationTime {
  ns: number;
  longestNs: number;
  longest: Span;
}

function addTime(operations: Map<string, OperationTime>, span: Span, ns: number): void {
  const key = JSON.stringify([span.resource.service, span.name]);
  const held = operations.get(key);
  if (held === undefined) operations.set(key, { ns, longestNs: ns, longest: span });
  else {
    held.ns += ns;
    if (ns > held.longestNs) Object.assign(held, { longestNs: ns, longest: span });
  }
}

function findingsOf(operations: ReadonlyMap<string, OperationTime>, totalNs: number): Finding[] {
  return [...operations.values()]
    .sort((a, b) => b.ns - a.ns)
    .map(({ ns, longest }) => ({
      kind: "time",
      text: `${longest.name} in ${longest.resource.service}: ${msText(ns)} of its own on the critical path, ${percentText(totalNs === 0 ? 0 : ns / totalNs)}`,
      evidence: [evidenceOf(longest)],
      method: "exact",
      confidence: 1,
    }));
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
