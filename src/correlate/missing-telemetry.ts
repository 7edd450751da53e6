import { type BaselineSummary, edgeKey, operationKey } from "./baseline.ts";
import { refOf } from "./causality-chain.ts";
import type { MissingTelemetry } from "./causality-report.ts";
import type { TraceWindow } from "./window.ts";

/** Share of an operation's calls that must usually be answered for silence to mean something. */
const ANSWERED_SHARE_MIN = 0.8;
const CALLS_MIN = 3;
/** Spans that every baseline must hold of a service for its absence to mean something. */
const SERVICE_SPANS_MIN = 5;
const SAMPLES_MAX = 3;
const FINDINGS_MAX = 10;

/**
 * Telemetry that ought to be there: calls whose callee usually leaves a span and now does not, services that fell
 * silent, and services whose spans start traces of their own since their caller's context no longer reaches them
 * (broken propagation). What is usual is taken from the baselines and, for calls, from the window itself. At most 10.
 */
export function missingTelemetry(
  window: TraceWindow,
  baselines: readonly BaselineSummary[],
  inScope: (at: number) => boolean,
): MissingTelemetry[] {
  const unanswered = unansweredCalls(window, baselines, inScope);
  const silent = silentServices(window, baselines);
  const orphaned = newHeads(window, baselines);
  const findings: MissingTelemetry[] = [];
  for (const call of unanswered) {
    const spans = call.positions.slice(0, SAMPLES_MAX).map((at) => refOf(window, at));
    const counts = `${call.positions.length} of ${call.calls} calls`;
    if (orphaned.has(call.callee)) {
      const text = `${call.name} in ${call.service} calls ${call.callee}, which starts traces of its own instead: the trace context gets lost between the two (${counts})`;
      findings.push({ kind: "broken_propagation", service: call.service, text, spans });
    } else {
      const text = `${call.name} in ${call.service} is usually answered by ${call.callee}, which left no span for ${counts}`;
      findings.push({ kind: "unanswered_call", service: call.callee, text, spans });
    }
  }
  for (const service of silent) {
    const text = `${service} sent nothing in this window, but spans in every baseline`;
    findings.push({ kind: "silent_service", service, text, spans: [] });
  }
  return findings.slice(0, FINDINGS_MAX);
}

interface UnansweredCalls {
  readonly service: string;
  readonly name: string;
  readonly callee: string;
  readonly calls: number;
  readonly positions: readonly number[];
}

function unansweredCalls(
  window: TraceWindow,
  baselines: readonly BaselineSummary[],
  inScope: (at: number) => boolean,
): UnansweredCalls[] {
  const positionsOf = new Map<number, { silent: number[]; calls: number; callees: Map<string, number> }>();
  for (let at = 0; at < window.nodes.length; at++) {
    const index = window.operation[at]!;
    const { kind } = window.operations[index]!;
    if ((kind !== "client" && kind !== "producer") || !inScope(at)) continue;
    let counts = positionsOf.get(index);
    if (counts === undefined) {
      counts = { silent: [], calls: 0, callees: new Map() };
      positionsOf.set(index, counts);
    }
    counts.calls += 1;
    const callee = window.callee[at]!;
    if (callee < 0) {
      counts.silent.push(at);
    } else {
      const service = window.operations[window.operation[callee]!]!.service;
      counts.callees.set(service, (counts.callees.get(service) ?? 0) + 1);
    }
  }
  const found: UnansweredCalls[] = [];
  for (const [index, { silent, calls, callees }] of positionsOf) {
    if (silent.length === 0) continue;
    const { service, name } = window.operations[index]!;
    const callee = usualCallee(window, index, calls, callees, baselines);
    if (callee !== undefined) found.push({ service, name, callee, calls, positions: silent });
  }
  return found.sort((a, b) => b.positions.length - a.positions.length);
}

/** Who answers this operation's calls: in the baselines where they know it, else in the window itself. */
function usualCallee(
  window: TraceWindow,
  index: number,
  calls: number,
  callees: ReadonlyMap<string, number>,
  baselines: readonly BaselineSummary[],
): string | undefined {
  const operation = window.operations[index]!;
  let known = 0;
  const answered = new Map<string, number>();
  for (const baseline of baselines) {
    known += baseline.operations.find((other) => operationKey(other) === operationKey(operation))?.calls ?? 0;
    for (const edge of baseline.edges) {
      if (edgeKey(edge, edge.callee) !== edgeKey(operation, edge.callee)) continue;
      answered.set(edge.callee, (answered.get(edge.callee) ?? 0) + edge.calls);
    }
  }
  const [usual, of] = known > 0 ? [answered, known] : [callees, calls];
  const [most] = [...usual].sort((a, b) => b[1] - a[1]);
  const total = [...usual.values()].reduce((sum, count) => sum + count, 0);
  if (most === undefined || of < CALLS_MIN || total / of < ANSWERED_SHARE_MIN) return undefined;
  return most[0];
}

function silentServices(window: TraceWindow, baselines: readonly BaselineSummary[]): string[] {
  if (baselines.length === 0 || window.nodes.length === 0) return [];
  const present = new Set(window.operations.map(({ service }) => service));
  const counts = new Map<string, number[]>();
  for (const [i, baseline] of baselines.entries()) {
    for (const { service, calls } of baseline.operations) {
      const ofService = counts.get(service) ?? baselines.map(() => 0);
      ofService[i]! += calls;
      counts.set(service, ofService);
    }
  }
  const silent = [...counts].filter(
    ([service, calls]) => !present.has(service) && calls.every((count) => count >= SERVICE_SPANS_MIN),
  );
  return silent.map(([service]) => service).sort();
}

/** Services of which an operation starts traces now that never did in a baseline that knows it. */
function newHeads(window: TraceWindow, baselines: readonly BaselineSummary[]): Set<string> {
  const neverHeads = new Set<string>();
  const sometimesHeads = new Set<string>();
  for (const baseline of baselines) {
    for (const operation of baseline.operations) {
      (operation.heads === 0 ? neverHeads : sometimesHeads).add(operationKey(operation));
    }
  }
  const services = new Set<string>();
  for (const [at, parent] of window.parent.entries()) {
    if (parent >= 0) continue;
    const operation = window.operations[window.operation[at]!]!;
    const key = operationKey(operation);
    if (neverHeads.has(key) && !sometimesHeads.has(key)) services.add(operation.service);
  }
  return services;
}
