import type { LogRecord } from "../model/log.ts";
import { SEVERITY_ERROR, SEVERITY_WARN } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { type BaselineSummary, operationKey } from "./baseline.ts";
import { type Behaviour, behaviourOf } from "./behaviour.ts";
import { median } from "./quantile.ts";
import { summarizeWindow, templatesFor } from "./summarize.ts";
import { learnTemplates, maskedText } from "./templates.ts";
import { type TestResult, testRunOf } from "./test-case.ts";
import { buildWindow, type Operation, type TraceWindow } from "./window.ts";

/** Checkpoints of another version are refused. */
export const CHECKPOINT_VERSION = 1;

/** What a checkpoint keeps beside its events, for later windows to be compared with. Plain JSON, never spans. */
export interface CheckpointSummary {
  readonly version: typeof CHECKPOINT_VERSION;
  readonly behaviour: BaselineSummary;
  /** How calls ended, by operation and status. */
  readonly statuses: readonly StatusCount[];
  /** Logs that belong to no trace held. */
  readonly looseLogs: readonly LooseLogCount[];
  readonly tests: readonly TestCount[];
  /** How much operations differ within the window. */
  readonly drift: readonly OperationDrift[];
}

export interface StatusCount extends Operation {
  /** HTTP status or gRPC code. */
  readonly status: string;
  readonly calls: number;
}

export interface LooseLogCount {
  readonly service: string;
  readonly level: "info" | "warn" | "error";
  readonly template: string;
  readonly count: number;
}

export interface TestCount {
  readonly id: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** An operation's median in each part of a window cut into four by time: what noise alone makes of it. */
export interface OperationDrift extends Operation {
  readonly selfP50Ns: readonly number[];
  readonly totalP50Ns: readonly number[];
}

/** A window reduced, with what it was made from at hand for finding evidence. */
export interface SummarizedWindow {
  readonly window: TraceWindow;
  readonly facts: Behaviour;
  readonly summary: CheckpointSummary;
  /** Worst severity seen of each log template in traces. */
  readonly severityOf: ReadonlyMap<string, number>;
}

const PARTS = 4;
/** A part needs this many calls for its median to mean something. */
const PART_CALLS_MIN = 3;
const LOOSE_TEMPLATES_MAX = 1_000;

/**
 * Reduces spans and logs to what a checkpoint keeps. `known` are earlier summaries whose log templates are taken
 * over, so that equal statements get equal templates. Nothing in, an empty summary out. O(n log n).
 */
export function summarizeCheckpoint(
  spans: readonly Span[],
  logs: readonly LogRecord[],
  known: readonly CheckpointSummary[] = [],
): SummarizedWindow {
  const window = buildWindow(spans, logs);
  const templates = templatesFor(
    window,
    known.map((summary) => summary.behaviour),
  );
  const facts = behaviourOf(window, templates);
  const severityOf = new Map<string, number>();
  for (const { logs: ofSpan } of window.nodes) {
    for (const log of ofSpan) {
      const template = templates.ofLog(log);
      severityOf.set(template, Math.max(severityOf.get(template) ?? 0, log.severity));
    }
  }
  const summary: CheckpointSummary = {
    version: CHECKPOINT_VERSION,
    behaviour: summarizeWindow(window, facts),
    statuses: countStatuses(window),
    looseLogs: countLooseLogs(window.looseLogs, known),
    tests: countTests(window),
    drift: measureDrift(window),
  };
  return { window, facts, summary, severityOf };
}

/** HTTP or gRPC status of a call, as text; `undefined` when it has none. */
export function statusOf(span: Span): string | undefined {
  for (const key of ["http.response.status_code", "http.status_code", "rpc.grpc.status_code"]) {
    const status = span.attributes[key];
    if (typeof status === "number") return String(status);
    if (typeof status === "string" && /^\d{1,3}$/.test(status)) return status;
  }
  return undefined;
}

function countStatuses(window: TraceWindow): StatusCount[] {
  const counts = new Map<string, { operation: number; status: string; calls: number }>();
  window.nodes.forEach(({ span }, at) => {
    const status = statusOf(span);
    if (status === undefined) return;
    const operation = window.operation[at]!;
    const key = `${operation} ${status}`;
    const count = counts.get(key);
    if (count === undefined) counts.set(key, { operation, status, calls: 1 });
    else count.calls += 1;
  });
  const list = Array.from(counts.values(), ({ operation, status, calls }) => ({
    ...window.operations[operation]!,
    status,
    calls,
  }));
  return sortedBy(list, (count) => `${operationKey(count)}\n${count.status}`);
}

function countLooseLogs(logs: readonly LogRecord[], known: readonly CheckpointSummary[]): LooseLogCount[] {
  const masked = logs.map(maskedText);
  const earlier = known.flatMap((summary) => summary.looseLogs.map(({ template }) => template));
  const templates = learnTemplates([...masked, ...earlier]);
  const counts = new Map<string, LooseLogCount>();
  logs.forEach((log, i) => {
    const template = templates.templateOf(masked[i]!);
    const { service } = log.resource;
    const level = log.severity >= SEVERITY_ERROR ? "error" : log.severity >= SEVERITY_WARN ? "warn" : "info";
    const key = looseLogKey({ service, level, template });
    counts.set(key, { service, level, template, count: (counts.get(key)?.count ?? 0) + 1 });
  });
  const kept = [...counts.values()].sort((a, b) => b.count - a.count).slice(0, LOOSE_TEMPLATES_MAX);
  return sortedBy(kept, looseLogKey);
}

/** The key of a log statement in maps. */
export function looseLogKey(log: Pick<LooseLogCount, "service" | "level" | "template">): string {
  return `${log.service}\n${log.level}\n${log.template}`;
}

function countTests(window: TraceWindow): TestCount[] {
  const results = new Map<string, Record<TestResult, number>>();
  for (const { span } of window.nodes) {
    const run = testRunOf(span);
    if (run?.result === undefined) continue;
    const counts = results.get(run.id) ?? { pass: 0, fail: 0, skip: 0 };
    counts[run.result] += 1;
    results.set(run.id, counts);
  }
  const list = Array.from(results, ([id, { pass, fail, skip }]) => ({
    id,
    passed: pass,
    failed: fail,
    skipped: skip,
  }));
  return sortedBy(list, ({ id }) => id);
}

function measureDrift(window: TraceWindow): OperationDrift[] {
  const starts = window.trees.map((tree, trace) => ({ trace, originNs: tree.originNs }));
  starts.sort((a, b) => (a.originNs < b.originNs ? -1 : a.originNs > b.originNs ? 1 : 0));
  const partOf = new Uint8Array(starts.length);
  starts.forEach(({ trace }, rank) => {
    partOf[trace] = Math.floor((rank * PARTS) / starts.length);
  });
  const parts = () => Array.from({ length: PARTS }, (): number[] => []);
  const durations = window.operations.map(() => ({ self: parts(), total: parts() }));
  window.nodes.forEach((node, at) => {
    const part = partOf[window.trace[at]!]!;
    const { self, total } = durations[window.operation[at]!]!;
    if (window.callee[at]! < 0) self[part]!.push(window.selfNs[at]!);
    total[part]!.push(node.endNs - node.startNs);
  });
  const medians = (byPart: readonly number[][]) =>
    byPart.filter((values) => values.length >= PART_CALLS_MIN).map((values) => Math.round(median(values)));
  const drift = durations.map(({ self, total }, operation) => ({
    ...window.operations[operation]!,
    selfP50Ns: medians(self),
    totalP50Ns: medians(total),
  }));
  const telling = drift.filter(({ totalP50Ns }) => totalP50Ns.length > 1);
  return sortedBy(telling, operationKey);
}

function sortedBy<T>(items: T[], keyOf: (item: T) => string): T[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ item }) => item);
}
