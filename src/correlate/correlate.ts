import { type LogRecord, logTimeNs } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { criticalPath } from "./critical-path.ts";
import { compareInstants, earlier, later } from "./instant.ts";
import { JOIN_SHOWN_MIN, joinLogs } from "./log-join.ts";
import { textOf } from "./operation.ts";
import { requestIdInText, requestIdsOf } from "./request-id.ts";
import { rollUpPath } from "./roll-up.ts";
import { sessionIdOf } from "./session.ts";
import { buildTraceTree, type TraceTree } from "./trace-tree.ts";

/** All that belongs to one request: its trace, and what seems to belong to it besides. */
export interface Correlation<S extends Span = Span, L extends LogRecord = LogRecord> {
  readonly tree: TraceTree<S, L>;
  readonly latency: LatencyBreakdown;
  /** Not of the trace by ids: kept apart from it, surest first, then by time. */
  readonly inferred: readonly InferredMember<S, L>[];
}

/** Where the request's time went, in ns. The parts sum to `totalNs` exactly. */
interface LatencyBreakdown {
  readonly totalNs: number;
  /** The page's own work, until the request leaves and after the answer. */
  readonly browserToNetworkNs: number;
  readonly networkRoundtripNs: number;
  readonly backendProcessingNs: number;
  readonly databaseNs: number;
  readonly externalNs: number;
}

/** Why a record is taken to belong to the request. */
type InferredMethod = "request_id" | "session" | "method_and_path" | "log_join";

/** Another trace, by its first span. */
interface TraceMember<S extends Span = Span> {
  readonly kind: "trace";
  readonly span: S;
  readonly method: InferredMethod;
  readonly confidence: number;
}

/** A log record without a trace. */
interface LogMember<L extends LogRecord = LogRecord> {
  readonly kind: "log";
  readonly log: L;
  readonly method: InferredMethod;
  readonly confidence: number;
}

export type InferredMember<S extends Span = Span, L extends LogRecord = LogRecord> =
  | TraceMember<S>
  | LogMember<L>;

/** A request id is made to be unique. */
const REQUEST_ID_CONFIDENCE = 0.95;
/** In the same session near in time: related, but a user may do two things at once. */
const SESSION_CONFIDENCE = 0.6;
/** The one request of that method and path near in time; several share it. */
const SAME_PATH_CONFIDENCE = 0.7;
const INFERRED_MAX = 100;

/**
 * Gathers what belongs to the request of a trace: its tree, where its time went, and, kept apart, other records within
 * `windowNs` before and after it that share its request id, its session, or its method and path (one call seen from
 * both sides without a common trace). `spans` and `logs` are what was received around it, the trace's own among them.
 * An empty tree for a trace that is not there. O(n log n).
 */
export function correlate<S extends Span, L extends LogRecord>(
  traceId: string,
  spans: readonly S[],
  logs: readonly L[],
  windowNs: bigint,
): Correlation<S, L> {
  const own = spans.filter((span) => span.traceId === traceId);
  const ownLogs = logs.filter((log) => log.traceId === traceId);
  const tree = buildTraceTree<S, L>(own, ownLogs);
  if (own.length === 0) return { tree, latency: breakdown(tree), inferred: [] };
  const fromNs = own.map(({ startNs }) => startNs).reduce(earlier) - windowNs;
  const toNs = own.map(({ endNs }) => endNs).reduce(later) + windowNs;
  const marks = marksOf(own, ownLogs);
  const heads = headsOf(spans).filter(
    ({ traceId: id, startNs }) => id !== traceId && fromNs <= startNs && startNs <= toNs,
  );
  const near = logs.filter((log) => log.traceId === "" && fromNs <= logTimeNs(log) && logTimeNs(log) <= toNs);
  const inferred = [...inferTraces(heads, spans, marks), ...inferLogs(near, spans, traceId, marks)];
  inferred.sort((a, b) => b.confidence - a.confidence || compareInstants(timeOf(a), timeOf(b)));
  return { tree, latency: breakdown(tree), inferred: inferred.slice(0, INFERRED_MAX) };
}

/** What a request is known by, besides its trace id. */
interface Marks {
  readonly requestIds: ReadonlySet<string>;
  readonly sessionIds: ReadonlySet<string>;
  /** Method and path of its HTTP calls. */
  readonly targets: ReadonlySet<string>;
}

function marksOf(spans: readonly Span[], logs: readonly LogRecord[]): Marks {
  const requestIds = new Set<string>();
  const sessionIds = new Set<string>();
  const targets = new Set<string>();
  for (const { attributes, resource } of [...spans, ...logs]) {
    for (const id of requestIdsOf(attributes)) requestIds.add(id);
    const session = sessionIdOf(attributes, resource.attributes);
    if (session !== undefined) sessionIds.add(session);
  }
  for (const span of spans) {
    const target = targetOf(span);
    if (target !== undefined) targets.add(target);
  }
  return { requestIds, sessionIds, targets };
}

function inferTraces<S extends Span>(
  heads: readonly S[],
  spans: readonly S[],
  marks: Marks,
): TraceMember<S>[] {
  const spansOf = new Map<string, S[]>(heads.map(({ traceId }) => [traceId, []]));
  for (const span of spans) spansOf.get(span.traceId)?.push(span);
  const samePath = heads.filter((head) => marks.targets.has(targetOf(head) ?? ""));
  const members: TraceMember<S>[] = [];
  for (const head of heads) {
    const other = marksOf(spansOf.get(head.traceId)!, []);
    const member = { kind: "trace", span: head } as const;
    if (meet(other.requestIds, marks.requestIds)) {
      members.push({ ...member, method: "request_id", confidence: REQUEST_ID_CONFIDENCE });
    } else if (meet(other.sessionIds, marks.sessionIds)) {
      members.push({ ...member, method: "session", confidence: SESSION_CONFIDENCE });
    } else if (samePath.includes(head) && !(other.sessionIds.size > 0 && marks.sessionIds.size > 0)) {
      const confidence = SAME_PATH_CONFIDENCE / samePath.length;
      members.push({ ...member, method: "method_and_path", confidence });
    }
  }
  return members;
}

function inferLogs<S extends Span, L extends LogRecord>(
  logs: readonly L[],
  spans: readonly S[],
  traceId: string,
  marks: Marks,
): LogMember<L>[] {
  const members: LogMember<L>[] = [];
  for (const [i, join] of joinLogs(spans, logs).entries()) {
    const log = logs[i]!;
    const named = requestIdsOf(log.attributes);
    const inText = typeof log.body === "string" ? requestIdInText(log.body) : undefined;
    const session = sessionIdOf(log.attributes, log.resource.attributes);
    if ([...named, inText].some((id) => id !== undefined && marks.requestIds.has(id))) {
      members.push({ kind: "log", log, method: "request_id", confidence: REQUEST_ID_CONFIDENCE });
    } else if (join.traceId === traceId && join.confidence >= JOIN_SHOWN_MIN) {
      members.push({ kind: "log", log, method: "log_join", confidence: join.confidence });
    } else if (session !== undefined && marks.sessionIds.has(session)) {
      members.push({ kind: "log", log, method: "session", confidence: SESSION_CONFIDENCE });
    }
  }
  return members;
}

/** The earliest span of each trace; of several that start together, the first to arrive. */
function headsOf<S extends Span>(spans: readonly S[]): S[] {
  const heads = new Map<string, S>();
  for (const span of spans) {
    const head = heads.get(span.traceId);
    if (head === undefined || span.startNs < head.startNs) heads.set(span.traceId, span);
  }
  return [...heads.values()];
}

/** Method and path of an HTTP span, the same on both sides of a call; undefined for any other. */
function targetOf({ attributes }: Span): string | undefined {
  const method = textOf(attributes, "http.request.method", "http.method");
  const full = textOf(attributes, "url.full", "http.url");
  const path =
    textOf(attributes, "url.path", "http.target")?.split("?", 1)[0] ??
    (full === undefined ? undefined : URL.parse(full)?.pathname);
  return method === undefined || path === undefined ? undefined : `${method} ${path}`;
}

function breakdown(tree: TraceTree): LatencyBreakdown {
  const { totalNs, byPart } = rollUpPath(tree, criticalPath(tree));
  return {
    totalNs,
    browserToNetworkNs: byPart.browser,
    networkRoundtripNs: byPart.network,
    backendProcessingNs: byPart.service,
    databaseNs: byPart.database,
    externalNs: byPart.external,
  };
}

function timeOf(member: InferredMember): bigint {
  return member.kind === "log" ? logTimeNs(member.log) : member.span.startNs;
}

function meet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const item of a) if (b.has(item)) return true;
  return false;
}
