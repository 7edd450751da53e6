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
import { learnTemplates, maskedText, type Templates } from "./templates.ts";
import { buildWindow, type Operation, type TraceWindow } from "./window.ts";

/** Facts kept of one place; the most frequent stay. */
const FACTS_MAX = 512;

/**
 * Reduces spans and logs to a summary. `known` are templates of other windows, so that equal log statements get equal
 * templates. Nothing in, an empty summary out. O(n log n).
 */
export function summarize(
  spans: readonly Span[],
  logs: readonly LogRecord[],
  known: readonly BaselineSummary[] = [],
): BaselineSummary {
  const window = buildWindow(spans, logs);
  return summarizeWindow(window, behaviourOf(window, templatesFor(window, known)));
}

/** Templates learned from a window's logs and from earlier summaries together. */
export function templatesFor(window: TraceWindow, known: readonly BaselineSummary[]): Templates {
  const texts = new Set<string>();
  for (const node of window.nodes) for (const log of node.logs) texts.add(maskedText(log));
  for (const summary of known) {
    for (const place of summary.places) {
      for (const { fact } of place.facts) if (fact.kind === "log") texts.add(fact.template);
    }
  }
  return learnTemplates(texts);
}

/** The place of the span at a position. */
export function placeAt(window: TraceWindow, at: number): Operation & { readonly entry: string } {
  const { service, name, kind } = window.operations[window.operation[at]!]!;
  const entry = window.entry[at]!;
  return { service, name, kind, entry: entry === at ? "" : window.nodes[entry]!.span.name };
}

/** The summary of a window whose facts are known already, over all its traces or those `inScope` (by number). */
export function summarizeWindow(
  window: TraceWindow,
  behaviour: Behaviour,
  inScope: (trace: number) => boolean = () => true,
): BaselineSummary {
  const operations = new Groups<TimingGroup>();
  const edges = new Groups<TimingGroup & { readonly callee: string }>();
  const places = new Groups<PlaceGroup>();
  const requestNs = requestDurations(window);
  let spans = 0;
  let logs = 0;
  for (let at = 0; at < window.nodes.length; at++) {
    const trace = window.trace[at]!;
    if (!inScope(trace)) continue;
    const node = window.nodes[at]!;
    spans += 1;
    logs += node.logs.length;
    const operation = window.operations[window.operation[at]!]!;
    const timing = operations.get(operationKey(operation), () => newTiming(operation));
    countCall(timing, trace, requestNs[trace]!);
    timing.totalNs.push(node.endNs - node.startNs);
    if (node.span.statusCode === "error") timing.errors += 1;
    const callee = window.callee[at]!;
    if (callee < 0) {
      timing.selfNs.push(window.selfNs[at]!);
    } else {
      const service = window.nodes[callee]!.span.resource.service;
      const edge = edges.get(edgeKey(operation, service), () => ({
        ...newTiming(operation),
        callee: service,
      }));
      countCall(edge, trace, requestNs[trace]!);
      edge.selfNs.push(window.selfNs[at]!);
    }
    const place = placeAt(window, at);
    const group = places.get(placeKey(place), () => ({
      ...place,
      calls: 0,
      traces: 0,
      lastTrace: -1,
      facts: new Map(),
    }));
    countPlace(group, trace);
    for (let i = behaviour.first[at]!; i < behaviour.first[at + 1]!; i++) {
      const id = behaviour.ids[i]!;
      group.facts.set(id, (group.facts.get(id) ?? 0) + 1);
    }
  }
  return {
    version: SUMMARY_VERSION,
    ...bounds(window, inScope),
    traces: window.trees.reduce((sum, tree, t) => sum + (tree.nodes.length > 0 && inScope(t) ? 1 : 0), 0),
    spans,
    logs,
    operations: operations.list(finishOperation),
    edges: edges.list(finishEdge),
    places: places.list((group) => finishPlace(group, behaviour)),
  };
}

/** The duration of each trace's longest head in ns, by number. */
export function requestDurations(window: TraceWindow): Float64Array {
  return Float64Array.from(window.trees, (tree) => {
    const heads = [...tree.roots, ...tree.orphans].map((head) => tree.nodes[head]!);
    return heads.reduce((longest, head) => Math.max(longest, head.endNs - head.startNs), 0);
  });
}

interface TimingGroup extends Operation {
  calls: number;
  traces: number;
  errors: number;
  lastTrace: number;
  readonly selfNs: number[];
  readonly totalNs: number[];
  readonly requestNs: number[];
}

interface PlaceGroup extends Operation {
  readonly entry: string;
  calls: number;
  traces: number;
  lastTrace: number;
  /** Calls by fact number. */
  readonly facts: Map<number, number>;
}

class Groups<G> {
  readonly #groups = new Map<string, G>();

  get(key: string, create: () => G): G {
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = create();
      this.#groups.set(key, group);
    }
    return group;
  }

  /** In order of their keys, so that equal windows give equal summaries. */
  list<T>(finish: (group: G) => T): T[] {
    const sorted = [...this.#groups].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([, group]) => finish(group));
  }
}

function newTiming({ service, name, kind }: Operation): TimingGroup {
  const empty = { calls: 0, traces: 0, errors: 0, lastTrace: -1 };
  return { service, name, kind, ...empty, selfNs: [], totalNs: [], requestNs: [] };
}

function countPlace(group: { calls: number; traces: number; lastTrace: number }, trace: number): boolean {
  group.calls += 1;
  if (group.lastTrace === trace) return false;
  group.lastTrace = trace;
  group.traces += 1;
  return true;
}

function countCall(group: TimingGroup, trace: number, requestNs: number): void {
  if (countPlace(group, trace)) group.requestNs.push(requestNs);
}

function finishOperation(group: TimingGroup): OperationSummary {
  const { service, name, kind, calls, traces, errors } = group;
  return {
    service,
    name,
    kind,
    calls,
    traces,
    errors,
    selfNs: histogramOf(group.selfNs),
    totalNs: histogramOf(group.totalNs),
    requestNs: histogramOf(group.requestNs),
  };
}

function finishEdge(group: TimingGroup & { readonly callee: string }): EdgeSummary {
  const { service, name, kind, callee, calls, traces } = group;
  const gapNs = histogramOf(group.selfNs);
  return { service, name, kind, callee, calls, traces, gapNs, requestNs: histogramOf(group.requestNs) };
}

function finishPlace(group: PlaceGroup, behaviour: Behaviour): PlaceSummary {
  const { service, name, kind, entry, calls, traces } = group;
  const facts = Array.from(group.facts, ([id, held]) => ({ fact: behaviour.facts[id]!, calls: held }));
  facts.sort((a, b) => b.calls - a.calls || (factKey(a.fact) < factKey(b.fact) ? -1 : 1));
  return { service, name, kind, entry, calls, traces, facts: facts.slice(0, FACTS_MAX) };
}

function bounds(window: TraceWindow, inScope: (trace: number) => boolean) {
  let startNs: bigint | undefined;
  let endNs = 0n;
  window.nodes.forEach(({ span }, at) => {
    if (!inScope(window.trace[at]!)) return;
    if (startNs === undefined || span.startNs < startNs) startNs = span.startNs;
    if (span.endNs > endNs) endNs = span.endNs;
  });
  return { startNs: String(startNs ?? 0n), endNs: String(endNs) };
}
