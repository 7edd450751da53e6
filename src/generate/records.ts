import { GasolineError } from "../model/errors.ts";
import { SEVERITY_ERROR } from "../model/log.ts";
import { type ErrorGroup, groupErrors } from "../query/error-groups.ts";
import { METHOD_KEYS, SESSION_KEYS } from "../query/filter.ts";
import { resolveIds } from "../query/resolve-ids.ts";
import type { ObserveContext } from "../query/shapes.ts";
import { parseTime } from "../query/time-expression.ts";
import { whyNotFound } from "../query/why-empty.ts";
import type {
  AttributeFilter,
  RecordFilter,
  StoredSpan,
  TelemetryStore,
  TraceRecords,
} from "../store/telemetry-store.ts";
import type { GenerateRequest } from "./parameters.ts";
import { requestFacts } from "./request-facts.ts";

/** What every generator is called with. */
export interface GenerateQuestion {
  readonly store: TelemetryStore;
  readonly request: GenerateRequest;
  readonly context: ObserveContext;
}

/** Request spans read of a window, the newest. */
const SPANS_MAX = 5_000;
/** Failed records read for errors, the newest. */
const FAILURES_MAX = 1_000;

/** The full id of the trace asked for; `undefined` when none is. Throws as the id was never seen, or went. */
export async function askedTrace({ store, request }: GenerateQuestion): Promise<string | undefined> {
  if (request.trace_id === undefined) return undefined;
  const ids = await resolveIds(store, { trace_id: request.trace_id });
  if (ids.found === "yes") return ids.traceId;
  throw new GasolineError(
    ids.found === "never_seen" ? "not_found" : ids.found,
    whyNotFound(ids),
    'Call observe {"what":"traces"} for those that are held.',
  );
}

/** All that is held of a trace. Throws `not_found`, `evicted` or `before_restart`. */
export async function readTrace(store: TelemetryStore, traceId: string): Promise<TraceRecords> {
  const lookup = await store.trace(traceId);
  if (lookup.found === "yes") return lookup.value;
  throw new GasolineError(
    lookup.found === "never_seen" ? "not_found" : lookup.found,
    lookup.reason,
    'Call observe {"what":"traces"} for those that are held.',
  );
}

/** Spans of HTTP requests in the scope asked for, oldest first, and how many there are. */
export async function readRequests(
  question: GenerateQuestion,
  more: RecordFilter = {},
): Promise<{ readonly spans: readonly StoredSpan[]; readonly total: number }> {
  const { store, request } = question;
  const { service, session_id } = request;
  const traceId = await askedTrace(question);
  const attributes: AttributeFilter[] = [{ keys: METHOD_KEYS, match: { op: "exists" } }];
  if (session_id !== undefined) attributes.push(sessionIs(session_id));
  const filter: RecordFilter = {
    kinds: ["span"],
    attributes,
    ...(traceId === undefined ? {} : { traceId }),
    ...(service === undefined ? {} : { service }),
    ...windowOf(question),
    ...more,
  };
  const page = await store.records({ filter, order: "newest", limit: SPANS_MAX });
  const spans = page.records.filter((record) => record.kind === "span");
  return { spans: spans.reverse(), total: page.total };
}

/** The request that started the trace: the earliest that no other held request led to; `undefined` without any. */
export function entryOf(spans: readonly StoredSpan[]): StoredSpan | undefined {
  const held = new Set(spans.map(({ spanId }) => spanId));
  const requests = spans.filter((span) => requestFacts(span) !== undefined);
  return requests.find(({ parentSpanId }) => !held.has(parentSpanId)) ?? requests[0];
}

/** The errors of the scope asked for, grouped, the last seen first. Empty when nothing failed. */
export async function readErrors(question: GenerateQuestion): Promise<readonly ErrorGroup[]> {
  const { store, request } = question;
  const { service, session_id } = request;
  const traceId = await askedTrace(question);
  const filter: RecordFilter = {
    kinds: ["span", "log"],
    severityMin: SEVERITY_ERROR,
    ...(traceId === undefined ? {} : { traceId }),
    ...(service === undefined ? {} : { service }),
    ...(session_id === undefined ? {} : { attributes: [sessionIs(session_id)] }),
    ...windowOf(question),
  };
  const { records } = await store.records({ filter, order: "newest", limit: FAILURES_MAX });
  return groupErrors(records);
}

/** The time asked for, as the store's filter has it. */
export function windowOf({ request: { since, until }, context }: GenerateQuestion): RecordFilter {
  return {
    ...(since === undefined ? {} : { sinceNs: parseTime(since, "since", context.clock) }),
    ...(until === undefined ? {} : { untilNs: parseTime(until, "until", context.clock) }),
  };
}

export function sessionIs(value: string): AttributeFilter {
  return { keys: SESSION_KEYS, match: { op: "equals", value } };
}
