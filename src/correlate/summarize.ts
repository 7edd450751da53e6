import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import {
  type BaselineSummary,
  type EdgeSummary,
  edgeKey,
  type OperationSummary,
  operationKey,
  type PlaceSummary,
  placeKey,
  SUMMARY_VERSION,
} from "./baseline.ts";
import { type Behaviour, behaviourOf, factKey } from "./behaviour.ts";
import { histogramOf } from "./log-histogram.ts";
import { withTrustedJoins } from "./log-join.ts";
import { type LogTemplates, learnTemplates, maskedText } from "./templates.ts";
import { buildWindow, type TraceWindow } from "./window.ts";

/** Facts kept of one place; the most frequent stay. */
const FACTS_MAX = 512;

/**
 * Reduces spans and logs to a summary. `known` are summaries of other windows whose log templates are taken over, so
 * that equal log statements get equal templates. Nothing in, an empty summary out. O(n log n).
 */
export function summarize(
  spans: readonly Span[],
  logs: readonly LogRecord[],
  known: readonly BaselineSummary[] = [],
): BaselineSummary {
  const window = buildWindow(spans, withTrustedJoins(spans, logs, known));
  return summarizeWindow(window, behaviourOf(window, templatesFor(window, known)));
}

/**
 * The template of each log record held in a window's traces, learned from them and from earlier summaries together,
 * so that equal statements get equal templates in all.
 */
export function templatesFor(window: TraceWindow, known: readonly BaselineSummary[]): LogTemplates {
  const masked = new Map<LogRecord, string>();
  for (const node of window.nodes) for (const log of node.logs) masked.set(log, maskedText(log));
  const texts = new Set(masked.values());
  for (const summary of known) {
    for (const place of summary.places) {
      for (const { fact } of place.facts) if (fact.kind === "log") texts.add(fact.template);
    }
  }
  const templates = learnTemplates(texts);
  return {
    templateOf: templates.templateOf,
    ofLog: (log) => templates.templateOf(masked.get(log) ?? maskedText(log)),
  };
}

/** The summary of a window whose facts are known already, over all its spans or those `inScope` (by position). */
export function summarizeWindow(
  window: TraceWindow,
  behaviour: Behaviour,
  inScope: (at: number) => boolean = () => true,
): BaselineSummary {
  const held: number[] = [];
  let logs = 0;
  for (let at = 0; at < window.nodes.length; at++) {
    if (!inScope(at)) continue;
    held.push(at);
    logs += window.nodes[at]!.logs.length;
  }
  const requestNs = requestDurations(window);
  return {
    version: SUMMARY_VERSION,
    ...bounds(window, held),
    traces: distinct(held, window.trace).length,
    spans: held.length,
    logs,
    operations: summarizeOperations(window, held, requestNs),
    edges: summarizeEdges(window, held, requestNs),
    places: summarizePlaces(window, held, behaviour),
  };
}

/** The duration of each trace's longest head in ns, by number. */
export function requestDurations(window: TraceWindow): Float64Array {
  return Float64Array.from(window.trees, (tree) => {
    const heads = [...tree.roots, ...tree.orphans].map((head) => tree.nodes[head]!);
    return heads.reduce((longest, head) => Math.max(longest, head.endNs - head.startNs), 0);
  });
}

function summarizeOperations(
  window: TraceWindow,
  held: readonly number[],
  requestNs: Float64Array,
): OperationSummary[] {
  const { nodes, trace, parent, operations, operation, callee, selfNs } = window;
  const groups = groupBy(held, (at) => operation[at]!);
  const summaries = Array.from(groups, ([index, positions]) => {
    const traces = distinct(positions, trace);
    return {
      ...operations[index]!,
      calls: positions.length,
      traces: traces.length,
      errors: positions.filter((at) => nodes[at]!.span.statusCode === "error").length,
      heads: positions.filter((at) => parent[at]! < 0).length,
      selfNs: histogramOf(positions.filter((at) => callee[at]! < 0).map((at) => selfNs[at]!)),
      totalNs: histogramOf(positions.map((at) => nodes[at]!.endNs - nodes[at]!.startNs)),
      requestNs: histogramOf(traces.map((t) => requestNs[t]!)),
    };
  });
  return sortedBy(summaries, operationKey);
}

function summarizeEdges(
  window: TraceWindow,
  held: readonly number[],
  requestNs: Float64Array,
): EdgeSummary[] {
  const { nodes, trace, operations, operation, callee, selfNs } = window;
  const summaries: EdgeSummary[] = [];
  const calls = held.filter((at) => callee[at]! >= 0);
  for (const [index, ofOperation] of groupBy(calls, (at) => operation[at]!)) {
    const byCallee = groupBy(ofOperation, (at) => nodes[callee[at]!]!.span.resource.service);
    for (const [service, positions] of byCallee) {
      const traces = distinct(positions, trace);
      summaries.push({
        ...operations[index]!,
        callee: service,
        calls: positions.length,
        traces: traces.length,
        gapNs: histogramOf(positions.map((at) => selfNs[at]!)),
        requestNs: histogramOf(traces.map((t) => requestNs[t]!)),
      });
    }
  }
  return sortedBy(summaries, (edge) => edgeKey(edge, edge.callee));
}

function summarizePlaces(window: TraceWindow, held: readonly number[], behaviour: Behaviour): PlaceSummary[] {
  const summaries = Array.from(
    groupBy(held, (at) => window.place[at]!),
    ([index, positions]) => {
      const counts = new Map<number, number>();
      for (const at of positions) {
        for (let i = behaviour.first[at]!; i < behaviour.first[at + 1]!; i++) {
          const id = behaviour.ids[i]!;
          counts.set(id, (counts.get(id) ?? 0) + 1);
        }
      }
      const facts = Array.from(counts, ([id, calls]) => ({ fact: behaviour.facts[id]!, calls }));
      sortedBy(facts, ({ fact }) => factKey(fact)).sort((a, b) => b.calls - a.calls);
      return {
        ...window.places[index]!,
        calls: positions.length,
        traces: distinct(positions, window.trace).length,
        facts: facts.slice(0, FACTS_MAX),
      };
    },
  );
  return sortedBy(summaries, placeKey);
}

function bounds(window: TraceWindow, held: readonly number[]) {
  let startNs: bigint | undefined;
  let endNs = 0n;
  for (const at of held) {
    const { span } = window.nodes[at]!;
    if (startNs === undefined || span.startNs < startNs) startNs = span.startNs;
    if (span.endNs > endNs) endNs = span.endNs;
  }
  return { startNs: String(startNs ?? 0n), endNs: String(endNs) };
}

function groupBy<K>(positions: readonly number[], keyOf: (at: number) => K): Map<K, number[]> {
  const groups = new Map<K, number[]>();
  for (const at of positions) {
    const key = keyOf(at);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [at]);
    else group.push(at);
  }
  return groups;
}

/** The different values of a column at ascending positions, where equal ones stand together. */
function distinct(positions: readonly number[], column: Uint32Array): number[] {
  const values: number[] = [];
  for (const at of positions) if (column[at] !== values.at(-1)) values.push(column[at]!);
  return values;
}

/** Sorts in place, so that equal windows give equal summaries. */
function sortedBy<T>(items: T[], keyOf: (item: T) => string): T[] {
  const keys = new Map(items.map((item) => [item, keyOf(item)]));
  return items.sort((a, b) => (keys.get(a)! < keys.get(b)! ? -1 : 1));
}
