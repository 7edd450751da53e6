import type { BaselineSummary, OperationSummary } from "./baseline.ts";
import { operationKey } from "./baseline.ts";
import { culpritAt } from "./causality-culprit.ts";
import type { Evidence } from "./causality-evidence.ts";
import type { Explained } from "./causality-explain.ts";
import type { ChainLink, SpanRef, SymptomSeen } from "./causality-report.ts";
import { errorMessages, isFailed } from "./failure.ts";
import { EMPTY_HISTOGRAM, histogramQuantile, mergeHistograms } from "./log-histogram.ts";
import { median } from "./quantile.ts";
import type { Operation, TraceWindow } from "./window.ts";

const SAMPLES_MAX = 3;
const MESSAGES_MAX = 3;
/** How sure each kind of link is by itself. */
const RULE_CONFIDENCE = { waits_for: 0.95, fails_with: 0.95, stops_after: 0.9, calls: 0.6 } as const;
/** A span deviates when it took longer than all but one in twenty of its baseline by this much. */
const SLOWER_MIN = 1.28;

/** Where the root cause shows: spans to blame, one per trace and place. */
export function culpritsOf(
  window: TraceWindow,
  service: string,
  evidence: readonly Evidence[],
  { strongest }: Explained,
): number[] {
  const culprits = new Set<number>();
  for (let at = 0; at < window.nodes.length; at++) {
    const number = strongest[at]!;
    if (number < 0 || evidence[number]!.service !== service) continue;
    const culprit = culpritAt(window, at, evidence[number]!);
    culprits.add(culprit >= 0 ? culprit : at);
  }
  return [...culprits].sort((a, b) => a - b);
}

/** The way from the root cause's spans up to the heads of their traces, and what was seen there. */
export interface Chain {
  readonly links: readonly ChainLink[];
  readonly symptom: SymptomSeen | undefined;
}

/**
 * Follows each of the root cause's spans up to the head of its trace, service by service, and gathers who deviates on
 * the way (analyses.md, causality step 10). A link's confidence is that of its rule × the share of traces in which its
 * upper end deviates. Empty without spans.
 */
export function chainFrom(
  window: TraceWindow,
  culprits: readonly number[],
  baselines: readonly BaselineSummary[],
  { strongest }: Explained,
): Chain {
  const usual = new UsualDurations(baselines);
  const links = new Map<string, Link>();
  const heads = new Set<number>();
  const walked = new Set<string>();
  for (const culprit of culprits) {
    let lower = culprit;
    for (let hops = 0; ; hops++) {
      const entry = window.entry[lower]!;
      const caller = window.parent[entry]!;
      if (caller < 0) {
        heads.add(entry);
        break;
      }
      const upper = window.entry[caller]!;
      // Many spans share their way up: each is walked once.
      const step = `${window.operation[lower]} ${upper}`;
      if (walked.has(step)) break;
      walked.add(step);
      const key = `${hops} ${window.operation[lower]} ${window.operation[upper]}`;
      let link = links.get(key);
      if (link === undefined) {
        link = new Link(hops, operationAt(window, lower), operationAt(window, upper));
        links.set(key, link);
      }
      link.add(window, upper, usual, strongest[caller]! >= 0 || strongest[upper]! >= 0);
      lower = upper;
    }
  }
  const found = [...links.values()].filter((link) => link.deviating > 0);
  found.sort((a, b) => a.hops - b.hops || b.traces.size - a.traces.size);
  return { links: found.map((link) => link.finish()), symptom: symptomAt(window, [...heads], usual) };
}

/** How long operations take in the baselines, in ns. */
class UsualDurations {
  readonly #operations = new Map<string, OperationSummary[]>();
  readonly #quantiles = new Map<string, { readonly median: number; readonly high: number }>();

  constructor(baselines: readonly BaselineSummary[]) {
    for (const baseline of baselines) {
      for (const operation of baseline.operations) {
        const key = operationKey(operation);
        this.#operations.set(key, [...(this.#operations.get(key) ?? []), operation]);
      }
    }
  }

  /** NaN for operations that no baseline has. */
  of(operation: Operation): { readonly median: number; readonly high: number } {
    const key = operationKey(operation);
    let quantiles = this.#quantiles.get(key);
    if (quantiles === undefined) {
      const totals = (this.#operations.get(key) ?? []).map(({ totalNs }) => totalNs);
      const merged = totals.reduce(mergeHistograms, EMPTY_HISTOGRAM);
      quantiles = { median: histogramQuantile(merged, 0.5), high: histogramQuantile(merged, 0.95) };
      this.#quantiles.set(key, quantiles);
    }
    return quantiles;
  }
}

class Link {
  readonly hops: number;
  readonly #from: Operation;
  readonly #to: Operation;
  readonly traces = new Set<number>();
  deviating = 0;
  #failed = 0;
  #slower = 0;
  #seen = 0;
  readonly #addedNs: number[] = [];
  readonly #spans: SpanRef[] = [];

  constructor(hops: number, from: Operation, to: Operation) {
    this.hops = hops;
    this.#from = from;
    this.#to = to;
  }

  add(window: TraceWindow, upper: number, usual: UsualDurations, shows: boolean): void {
    const node = window.nodes[upper]!;
    const { median: medianNs, high } = usual.of(this.#to);
    const durationNs = node.endNs - node.startNs;
    const slower = durationNs > high * SLOWER_MIN;
    const failed = isFailed(node);
    this.#seen += 1;
    if (slower) this.#slower += 1;
    if (failed) this.#failed += 1;
    if (!slower && !failed && !shows) return;
    this.deviating += 1;
    this.traces.add(window.trace[upper]!);
    if (slower) this.#addedNs.push(durationNs - medianNs);
    if (this.#spans.length < SAMPLES_MAX) this.#spans.push(refOf(window, upper));
  }

  finish(): ChainLink {
    const rule = this.#rule();
    return {
      from: { service: this.#from.service, operation: this.#from.name },
      to: { service: this.#to.service, operation: this.#to.name },
      rule,
      confidence: round(RULE_CONFIDENCE[rule] * (this.deviating / this.#seen)),
      traces: this.traces.size,
      ...effects(this.#addedNs, this.#failed / this.#seen),
      spans: this.#spans,
    };
  }

  #rule(): ChainLink["rule"] {
    if (this.#failed >= this.#slower && this.#failed > 0) return "fails_with";
    if (this.#slower > 0) return "waits_for";
    return this.deviating > 0 ? "stops_after" : "calls";
  }
}

/** The heads reached, told of the operation that most of them share. */
function symptomAt(
  window: TraceWindow,
  heads: readonly number[],
  usual: UsualDurations,
): SymptomSeen | undefined {
  const byOperation = new Map<number, number[]>();
  for (const head of heads) {
    const operation = window.operation[head]!;
    byOperation.set(operation, [...(byOperation.get(operation) ?? []), head]);
  }
  const [most] = [...byOperation].sort((a, b) => b[1].length - a[1].length);
  if (most === undefined) return undefined;
  const [index, spans] = most;
  const operation = window.operations[index]!;
  const { median: medianNs, high } = usual.of(operation);
  const durations = spans.map((at) => window.nodes[at]!.endNs - window.nodes[at]!.startNs);
  const added = durations.filter((ns) => ns > high * SLOWER_MIN).map((ns) => ns - medianNs);
  const failed = spans.filter((at) => isFailed(window.nodes[at]!)).length;
  return {
    service: operation.service,
    operation: operation.name,
    traces: spans.length,
    ...effects(added, failed / spans.length),
    messages: messagesOf(window, spans),
    spans: spans.slice(0, SAMPLES_MAX).map((at) => refOf(window, at)),
  };
}

/** Error texts in the traces of these heads, most frequent first. */
function messagesOf(window: TraceWindow, heads: readonly number[]): string[] {
  const counts = new Map<string, number>();
  for (const trace of new Set(heads.map((at) => window.trace[at]!))) {
    for (let at = window.first[trace]!; at < window.first[trace + 1]!; at++) {
      for (const message of errorMessages(window.nodes[at]!))
        counts.set(message, (counts.get(message) ?? 0) + 1);
    }
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted.slice(0, MESSAGES_MAX).map(([message]) => message);
}

function effects(addedNs: readonly number[], failedShare: number) {
  return {
    ...(addedNs.length > 0 ? { added_ms: Number((median(addedNs) / 1e6).toPrecision(3)) } : {}),
    ...(failedShare > 0 ? { failed_share: round(failedShare) } : {}),
  };
}

function operationAt(window: TraceWindow, at: number): Operation {
  return window.operations[window.operation[at]!]!;
}

/** A span as callers drill into it. */
export function refOf(window: TraceWindow, at: number): SpanRef {
  const { traceId, spanId } = window.nodes[at]!.span;
  return { trace_id: traceId, span_id: spanId };
}

/** Shares are told to a thousandth. */
export function round(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}
