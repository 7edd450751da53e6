import type { RecordFilter, StreamStats } from "../store/telemetry-store.ts";
import { nearest } from "./did-you-mean.ts";
import type { ModeScope } from "./filter.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import type { Question } from "./reply.ts";
import type { ResolvedIds } from "./resolve-ids.ts";

/** Characters of a name that telemetry chose, as quoted in a reason. */
const NAME_CHARS = 60;

/**
 * Why a question found nothing, in one or two sentences, from what was received and what is held: nothing came
 * at all, nothing of this kind, another service was meant, the window lies before what is held, or one filter
 * excludes everything. Asks the store again, at most once a filter.
 */
export async function whyEmpty(
  question: Question,
  filter: RecordFilter,
  scope: ModeScope,
  found: { readonly total: number; readonly horizonNs: bigint | null },
): Promise<string> {
  const { query } = question;
  if (found.total > 0) return whyPageIsEmpty(question);
  return (
    nothingReceived(question, scope) ??
    (await unknownService(question, filter)) ??
    outsideWindow(filter, found.horizonNs) ??
    (filter.afterArrival === undefined ? undefined : whyNothingNew()) ??
    (await excludingFilter(question, filter)) ??
    (Object.keys(query.filter).length === 0
      ? "What was received has been evicted or cleared."
      : "No record matches these filters together.")
  );
}

/** The summary of a list without rows: nothing matches at all, or what does stands on another page. */
export function noneShown(noun: string, total: number): string {
  const none = count(0, noun).slice(2);
  return total === 0 ? `No ${none}.` : `No ${none} on this page; ${count(total, noun)} in all.`;
}

/** Something matches, but not on this page. */
function whyPageIsEmpty({ query }: Question): string {
  if (query.beforeCursor !== undefined) return "The listing begins here: nothing stands before this cursor.";
  if (query.afterCursor !== undefined) {
    return "The listing ends here: whatever followed this cursor has been shown or has been evicted.";
  }
  return `offset ${query.offset} lies past the last match.`;
}

function whyNothingNew(): string {
  return "Nothing that matches has arrived since that reply. Give wait_ms to wait for it.";
}

const NOUNS = { span: "spans", log: "log records", metric: "metric points" } as const;

function nounsOf(kinds: RecordFilter["kinds"] = ["span", "log"]): string {
  return kinds.map((kind) => NOUNS[kind]).join(" or ");
}

function nothingReceived(question: Question, scope: ModeScope): string | undefined {
  const { store, context } = question;
  const streams = store.stats().streams;
  const accepted = sum(streams, "accepted");
  if (accepted === 0) {
    return `Nothing has been received yet. Set OTEL_EXPORTER_OTLP_ENDPOINT=${context.endpoint} for the program to be observed, or call with wait_ms.`;
  }
  if (sum(streams, "records") > 0) return undefined;
  const gone = sum(streams, "evicted") + sum(streams, "expired");
  const what = nounsOf(scope.kinds);
  return gone > 0
    ? `No ${what} are held: ${count(gone, "record")} were received and have been evicted since.`
    : `No ${what} are held: what was received has been cleared.`;
}

function sum(streams: readonly StreamStats[], key: "accepted" | "records" | "evicted" | "expired"): number {
  return streams.reduce((total, stream) => total + stream[key], 0);
}

async function unknownService({ store, query }: Question, filter: RecordFilter): Promise<string | undefined> {
  if (filter.service === undefined) return undefined;
  const { services } = await store.names();
  if (services.includes(filter.service)) return undefined;
  const near = nearest(filter.service, services);
  const shown = (near.length > 0 ? near : services.slice(0, 8)).map(quoteName).join(", ");
  const asked = quoteName(query.filter.service ?? filter.service);
  if (shown === "") return `No service named ${asked} has sent anything.`;
  return near.length > 0
    ? `No service is named ${asked}. Did you mean ${shown}?`
    : `No service is named ${asked}. Services that are held: ${shown}.`;
}

function outsideWindow(filter: RecordFilter, horizonNs: bigint | null): string | undefined {
  if (filter.sinceNs !== undefined && filter.untilNs !== undefined && filter.sinceNs >= filter.untilNs) {
    return `The window is empty: since ${isoTime(filter.sinceNs)} is not before until ${isoTime(filter.untilNs)}.`;
  }
  if (filter.untilNs === undefined || horizonNs === null || filter.untilNs > horizonNs) return undefined;
  return `The window ends before the oldest record that is held (${isoTime(horizonNs)}).`;
}

/** Conditions in the order in which they are suspected. */
const CONDITIONS = [
  ["text", "text"],
  ["attributes", "attributes, url, method, status, tags, session_id, file or line"],
  ["name", "name"],
  ["severityMin", "level or status"],
  ["spanId", "span_id"],
  ["service", "service"],
  ["sinceNs", "since"],
  ["untilNs", "until"],
  ["streams", "source"],
  ["traceId", "trace_id"],
] as const satisfies readonly (readonly [keyof RecordFilter, string])[];

/** The first condition without which something is found, with what it is called in a question. */
async function excludingFilter({ store }: Question, filter: RecordFilter): Promise<string | undefined> {
  const given = CONDITIONS.filter(([key]) => filter[key] !== undefined);
  for (const [key, name] of given) {
    const { [key]: _without, ...rest } = filter;
    const { total } = await store.records({ filter: rest, order: "newest", limit: 1 });
    if (total > 0) {
      return `Without ${name} there ${total === 1 ? "is 1 match" : `are ${total.toLocaleString("en-US")} matches`}; with it none.`;
    }
  }
  if (filter.kinds === undefined || filter.kinds.length === 2) return undefined;
  const { kinds: _kinds, ...rest } = filter;
  const { total } = await store.records({ filter: rest, order: "newest", limit: 1 });
  const what = nounsOf(filter.kinds);
  return total > 0 ? `No ${what} match; ${count(total, "other record")} do (see what=timeline).` : undefined;
}

/** Why an id was not found, in the store's words, with what to do about it. */
export function whyNotFound(ids: Exclude<ResolvedIds, { found: "yes" }>): string {
  const then = {
    evicted: "",
    before_restart: " Ask again without it.",
    never_seen: " If it is still on its way, call with wait_ms.",
  }[ids.found];
  return ids.reason + then;
}

function quoteName(name: string): string {
  return JSON.stringify(clean(name, NAME_CHARS));
}
