import { type Attributes, stringAttribute } from "../model/attributes.ts";
import { type LogRecord, logTimeNs } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { isBrowserSpan } from "./host.ts";
import { compareInstants, earlier, later } from "./instant.ts";

/** Without a session id, a client that was silent this long begins a new session, and none lasts longer. */
const IDLE_NS_MAX = 30n * 60n * 1_000_000_000n;
const SESSION_NS_MAX = 4n * 3_600n * 1_000_000_000n;

/** What one user did in one go. */
export interface Session {
  /** `session.id`, else the client's name and when the session began: the same again for the same records. */
  readonly id: string;
  /** `exact` by session id, `attribute` by who the client is and pauses. */
  readonly method: "exact" | "attribute";
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Traces with a record in it, in order of their first. */
  readonly traceIds: readonly string[];
  readonly spans: number;
  readonly logs: number;
}

/**
 * Sorts traces and logs into sessions, by start. A trace belongs to the session of its first span that names one by
 * `session.id`; without any, to its client (service instance of a page, else user agent with client address), whose
 * traces are cut at pauses of 30 minutes and after 4 hours. What names neither is in no session. O(n log n).
 */
export function findSessions(spans: readonly Span[], logs: readonly LogRecord[]): Session[] {
  const stays = new Map<string, Stay>();
  for (const span of spans) {
    const { traceId, startNs, endNs, attributes, resource } = span;
    const id = sessionIdOf(attributes, resource.attributes);
    const client = isBrowserSpan(span) || span.spanKind === "server" ? clientOf(span) : undefined;
    extend(stays, traceId, startNs, later(startNs, endNs), id, client).spans += 1;
  }
  for (const log of logs) {
    const timeNs = logTimeNs(log);
    const id = sessionIdOf(log.attributes, log.resource.attributes);
    // A log without a trace stands for itself, if it names its session.
    if (log.traceId === "" && id === undefined) continue;
    const key = log.traceId === "" ? `session ${id}` : log.traceId;
    extend(stays, key, timeNs, timeNs, id, undefined).logs += 1;
  }
  const named = new Map<string, Stay[]>();
  const unnamed = new Map<string, Stay[]>();
  for (const stay of stays.values()) {
    if (stay.sessionId !== undefined) append(named, stay.sessionId, stay);
    else if (stay.client !== undefined) append(unnamed, stay.client, stay);
  }
  const sessions = Array.from(named, ([id, ofSession]) => sessionOf(id, "exact", ofSession));
  for (const [client, ofClient] of unnamed) {
    for (const part of cutAtPauses(ofClient)) {
      sessions.push(sessionOf(`${client} ${part[0]!.startNs}`, "attribute", part));
    }
  }
  return sessions.sort((a, b) => compareInstants(a.startNs, b.startNs) || (a.id < b.id ? -1 : 1));
}

/** The session that a record names, of its own attributes or its resource's; undefined without one. */
export function sessionIdOf(attributes: Attributes, resource: Attributes): string | undefined {
  const id = stringAttribute(attributes, "session.id") ?? stringAttribute(resource, "session.id");
  return id === "" ? undefined : id;
}

/** A trace's, or a lone session's, stay in time. */
interface Stay {
  readonly traceId: string;
  startNs: bigint;
  endNs: bigint;
  sessionId: string | undefined;
  client: string | undefined;
  spans: number;
  logs: number;
}

function extend(
  stays: Map<string, Stay>,
  key: string,
  startNs: bigint,
  endNs: bigint,
  sessionId: string | undefined,
  client: string | undefined,
): Stay {
  let stay = stays.get(key);
  if (stay === undefined) {
    const traceId = key.startsWith("session ") ? "" : key;
    stay = { traceId, startNs, endNs, sessionId, client, spans: 0, logs: 0 };
    stays.set(key, stay);
  }
  stay.startNs = earlier(stay.startNs, startNs);
  stay.endNs = later(stay.endNs, endNs);
  stay.sessionId ??= sessionId;
  stay.client ??= client;
  return stay;
}

/** Who made a request, as far as its spans say. */
function clientOf(span: Span): string | undefined {
  const { attributes, resource } = span;
  if (isBrowserSpan(span)) {
    const instance = stringAttribute(resource.attributes, "service.instance.id");
    if (instance !== undefined) return `page ${instance}`;
  }
  const agent =
    stringAttribute(attributes, "user_agent.original") ?? stringAttribute(attributes, "http.user_agent");
  const address =
    stringAttribute(attributes, "client.address") ?? stringAttribute(attributes, "http.client_ip");
  return agent === undefined || address === undefined ? undefined : `client ${address} ${agent}`;
}

function cutAtPauses(stays: readonly Stay[]): Stay[][] {
  const sorted = [...stays].sort((a, b) => compareInstants(a.startNs, b.startNs));
  const parts: Stay[][] = [];
  let endNs = 0n;
  for (const stay of sorted) {
    const part = parts.at(-1);
    const fits =
      part !== undefined &&
      stay.startNs - endNs <= IDLE_NS_MAX &&
      stay.startNs - part[0]!.startNs <= SESSION_NS_MAX;
    if (fits) part.push(stay);
    else parts.push([stay]);
    if (!fits || stay.endNs > endNs) endNs = stay.endNs;
  }
  return parts;
}

function sessionOf(id: string, method: Session["method"], stays: readonly Stay[]): Session {
  const sorted = [...stays].sort((a, b) => compareInstants(a.startNs, b.startNs));
  return {
    id,
    method,
    startNs: sorted[0]!.startNs,
    endNs: sorted.map(({ endNs }) => endNs).reduce(later),
    traceIds: sorted.flatMap(({ traceId }) => (traceId === "" ? [] : [traceId])),
    spans: sorted.reduce((sum, { spans }) => sum + spans, 0),
    logs: sorted.reduce((sum, { logs }) => sum + logs, 0),
  };
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const items = map.get(key);
  if (items === undefined) map.set(key, [item]);
  else items.push(item);
}
