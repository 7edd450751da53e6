import type { SpanKind } from "../model/span.ts";
import { type Fact, factKey } from "./behaviour.ts";
import { compareInstants } from "./instant.ts";
import { type LogHistogram, mergeHistograms } from "./log-histogram.ts";
import type { Operation, Place } from "./window.ts";

/** Summaries of another version are refused: their facts could not be compared. */
export const SUMMARY_VERSION = 1;

/**
 * A window reduced to what later windows are compared with: counts and histograms by operation, never spans. Plain
 * JSON. Two summaries of one system merge into one (`mergeSummaries`); kept apart they also tell how much windows
 * differ when nothing is wrong.
 */
export interface BaselineSummary {
  readonly version: typeof SUMMARY_VERSION;
  /** Earliest start and latest end of its spans, Unix ns as decimal strings; `"0"` without spans. */
  readonly startNs: string;
  readonly endNs: string;
  readonly traces: number;
  readonly spans: number;
  readonly logs: number;
  readonly operations: readonly OperationSummary[];
  readonly edges: readonly EdgeSummary[];
  readonly places: readonly PlaceSummary[];
}

/** How long an operation takes. */
export interface OperationSummary {
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly calls: number;
  /** Traces that hold it. */
  readonly traces: number;
  readonly errors: number;
  /** Spans of it that nobody held called: they start a trace, or their caller is missing. */
  readonly heads: number;
  /** Time spent in it; calls that another service answered are counted in `edges` instead. */
  readonly selfNs: LogHistogram;
  readonly totalNs: LogHistogram;
  /** Durations of the requests that hold it, one each. */
  readonly requestNs: LogHistogram;
}

/** How long the way to another service and back takes: a call's time that its callee does not account for. */
export interface EdgeSummary {
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly callee: string;
  readonly calls: number;
  readonly traces: number;
  readonly gapNs: LogHistogram;
  readonly requestNs: LogHistogram;
}

/** What an operation does, by where the request entered its service: the same function may serve several routes. */
export interface PlaceSummary extends Place {
  readonly calls: number;
  readonly traces: number;
  /** In how many of its calls each fact held. */
  readonly facts: readonly { readonly fact: Fact; readonly calls: number }[];
}

/** The key of an operation in maps: no two operations share one. */
export function operationKey(operation: Operation): string {
  return `${operation.service}\n${operation.kind} ${operation.name}`;
}

/** The key of an operation's calls to one callee. */
export function edgeKey(operation: Operation, callee: string): string {
  return `${operationKey(operation)}\n${callee}`;
}

/** The key of an operation reached through `entry`. */
export function placeKey(place: Place): string {
  return `${operationKey(place)}\n${place.entry}`;
}

/**
 * Two summaries as one of both windows. Counts and histograms add up; a trace that both windows hold counts twice.
 */
export function mergeSummaries(a: BaselineSummary, b: BaselineSummary): BaselineSummary {
  const starts = [a, b].filter((summary) => summary.spans > 0).map((summary) => BigInt(summary.startNs));
  const ends = [a, b].map((summary) => BigInt(summary.endNs));
  return {
    version: SUMMARY_VERSION,
    startNs: String(starts.sort(compareInstants)[0] ?? 0n),
    endNs: String(ends.sort(compareInstants)[1]),
    traces: a.traces + b.traces,
    spans: a.spans + b.spans,
    logs: a.logs + b.logs,
    operations: mergeBy(a.operations, b.operations, operationKey, (x, y) => ({
      ...x,
      ...addCounts(x, y),
      errors: x.errors + y.errors,
      heads: x.heads + y.heads,
      selfNs: mergeHistograms(x.selfNs, y.selfNs),
      totalNs: mergeHistograms(x.totalNs, y.totalNs),
      requestNs: mergeHistograms(x.requestNs, y.requestNs),
    })),
    edges: mergeBy(
      a.edges,
      b.edges,
      (edge) => edgeKey(edge, edge.callee),
      (x, y) => ({
        ...x,
        ...addCounts(x, y),
        gapNs: mergeHistograms(x.gapNs, y.gapNs),
        requestNs: mergeHistograms(x.requestNs, y.requestNs),
      }),
    ),
    places: mergeBy(a.places, b.places, placeKey, (x, y) => ({
      ...x,
      ...addCounts(x, y),
      facts: mergeBy(
        x.facts,
        y.facts,
        ({ fact }) => factKey(fact),
        (f, g) => ({ fact: f.fact, calls: f.calls + g.calls }),
      ),
    })),
  };
}

function addCounts<T extends { readonly calls: number; readonly traces: number }>(a: T, b: T) {
  return { calls: a.calls + b.calls, traces: a.traces + b.traces };
}

function mergeBy<T>(
  a: readonly T[],
  b: readonly T[],
  keyOf: (item: T) => string,
  merge: (x: T, y: T) => T,
): T[] {
  const merged = new Map(a.map((item) => [keyOf(item), item]));
  for (const item of b) {
    const key = keyOf(item);
    const same = merged.get(key);
    merged.set(key, same === undefined ? item : merge(same, item));
  }
  return [...merged].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, item]) => item);
}
