import { SEVERITY_ERROR } from "../model/log.ts";
import type { RecordFilter, RecordPage, StoredRecord } from "../store/telemetry-store.ts";
import { codePlaceOf } from "./code-sites.ts";
import { errorCursor, readErrorCursor, sinceCursor } from "./cursor.ts";
import { type ErrorGroup, groupErrors } from "./error-groups.ts";
import { coverage, emptyDraft } from "./events.ts";
import { type ModeScope, toStoreFilter } from "./filter.ts";
import type { Detail } from "./normalize.ts";
import type { ObserveFilter } from "./parameters.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import {
  type Body,
  callText,
  causeCall,
  type Draft,
  keepRendered,
  lineChars,
  type Question,
} from "./reply.ts";
import { resolveIds } from "./resolve-ids.ts";
import type { Row } from "./shapes.ts";
import { shortTraceId } from "./short-id.ts";
import { whyEmpty, whyNotFound } from "./why-empty.ts";

const ERRORS: ModeScope = { kinds: ["span", "log"], ignores: ["id"] };
/** Failed records that are read and grouped, the newest: decoding one costs some microseconds. */
const RECORDS_READ_MAX = 5_000;

/** One group of errors. Times are ISO 8601. */
interface ErrorRow extends Row {
  readonly fingerprint: string;
  readonly count: number;
  readonly service: string;
  readonly type?: string;
  readonly message: string;
  readonly operations: readonly string[];
  /** `src/payment.js:42` of the newest occurrence, as it was sent. */
  readonly code?: string;
  readonly first_seen: string;
  readonly last_seen: string;
  readonly traces: number;
  /** Services that failed because of it, further up. */
  readonly propagated_to?: readonly string[];
  /** The newest occurrence. */
  readonly sample: { readonly id: string; readonly trace_id?: string };
}

/**
 * What went wrong: failed spans and error logs, grouped by what failed, the last seen first. A failure that was
 * passed on up the trace counts once, where it began.
 */
export async function observeErrors(question: Question): Promise<Draft> {
  const { store, query, context } = question;
  const { id: _id, ...asked } = query.filter;
  const ids = await resolveIds(store, asked);
  if (ids.found !== "yes") return emptyDraft(whyNotFound(ids));
  const { filter, ignored } = toStoreFilter(query.filter, ERRORS, ids, store, context.clock);
  const severityMin = Math.max(SEVERITY_ERROR, filter.severityMin ?? 0);
  const failedOnly: RecordFilter = { ...filter, severityMin };
  const page = await store.records({ filter: failedOnly, order: "newest", limit: RECORDS_READ_MAX });
  const groups = groupErrors(page.records, await otherFailures(question, failedOnly, page));
  const listing: Listing = {
    question,
    page,
    groups,
    window: pageOf(groups, question),
    ignored,
    render: keepRendered((group, detail) => ({
      row: errorRow(group, detail),
      lines: errorLines(group, detail),
    })),
    whyEmpty: groups.length > 0 ? undefined : await whyNoErrors(question, failedOnly, page),
  };
  return {
    rowsMax: listing.window.groups.length,
    build: (rows, detail) => buildListing(listing, rows, detail),
  };
}

/**
 * The failures that a filter hides and that its matches may come from: a failed call of the service asked for
 * began in another service. Empty when the filter only bounds time or trace.
 */
async function otherFailures(
  { store }: Question,
  { sinceNs, untilNs, traceId, ...narrowing }: RecordFilter,
  page: RecordPage,
): Promise<readonly StoredRecord[]> {
  const { kinds, severityMin, ...others } = narrowing;
  if (page.total === 0 || (Object.keys(others).length === 0 && severityMin === SEVERITY_ERROR)) return [];
  const window: RecordFilter = {
    ...(kinds === undefined ? {} : { kinds }),
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
    ...(traceId === undefined ? {} : { traceId }),
    severityMin: SEVERITY_ERROR,
  };
  return (await store.records({ filter: window, order: "newest", limit: RECORDS_READ_MAX })).records;
}

async function whyNoErrors(question: Question, filter: RecordFilter, page: RecordPage): Promise<string> {
  const { severityMin: _severity, ...rest } = filter;
  const { total } = await question.store.records({ filter: rest, order: "newest", limit: 1 });
  if (total > 0)
    return `Nothing failed: ${total.toLocaleString("en-US")} spans and logs match, none of them with an error.`;
  return whyEmpty(question, filter, ERRORS, page);
}

interface Listing {
  readonly question: Question;
  readonly page: RecordPage;
  readonly groups: readonly ErrorGroup[];
  readonly window: GroupPage;
  readonly ignored: readonly string[];
  readonly whyEmpty: string | undefined;
  readonly render: (
    group: ErrorGroup,
    detail: Detail,
  ) => { readonly row: ErrorRow; readonly lines: readonly string[] };
}

interface GroupPage {
  readonly groups: readonly ErrorGroup[];
  readonly before: boolean;
  readonly after: boolean;
}

/** Cuts a page out of all groups by the place a cursor names; a group that was seen again moves to the front. */
function pageOf(groups: readonly ErrorGroup[], { query, store }: Question): GroupPage {
  if (query.beforeCursor !== undefined) {
    const end = placeOf(groups, readErrorCursor(query.beforeCursor, store.epoch, "before_cursor"), 0);
    const start = Math.max(0, end - query.limit);
    return { groups: groups.slice(start, end), before: start > 0, after: end < groups.length };
  }
  const start =
    query.afterCursor === undefined
      ? query.offset
      : placeOf(groups, readErrorCursor(query.afterCursor, store.epoch, "after_cursor"), 1) + query.offset;
  const end = start + query.limit;
  return { groups: groups.slice(start, end), before: start > 0, after: end < groups.length };
}

/** How many groups stand before the place, the group at it included when `including` is 1. */
function placeOf(
  groups: readonly ErrorGroup[],
  place: ReturnType<typeof readErrorCursor>,
  including: 0 | 1,
): number {
  const at = groups.findIndex(
    (group) =>
      group.lastSeenNs < place.lastSeenNs ||
      (group.lastSeenNs === place.lastSeenNs &&
        (including === 1 ? group.fingerprint > place.fingerprint : group.fingerprint >= place.fingerprint)),
  );
  return at < 0 ? groups.length : at;
}

function buildListing(listing: Listing, rows: number, detail: Detail): Body {
  const { question, page, groups, window } = listing;
  const { store, query } = question;
  const back = query.beforeCursor !== undefined;
  const cutBy = window.groups.length - rows;
  const shown = back ? window.groups.slice(Math.max(0, cutBy)) : window.groups.slice(0, rows);
  const [first, last] = [shown[0], shown.at(-1)];
  const hasNext = window.after || (!back && cutBy > 0);
  const hasPrev = window.before || (back && cutBy > 0);
  const unread = page.total - page.records.length;
  const occurrences = groups.reduce((sum, group) => sum + group.count, 0);
  return {
    summary:
      groups.length === 0
        ? "Nothing failed that is held and matches."
        : `${count(groups.length, "distinct error")} in ${count(occurrences, "occurrence")}, the last seen first${unread > 0 ? `; grouped from the newest ${page.records.length} of ${page.total} failed records` : ""}.`,
    rows: shown.map((group) => listing.render(group, detail).row),
    lines: shown.flatMap((group) => listing.render(group, detail).lines),
    metadata: {
      total_count: groups.length,
      shown: shown.length,
      order: "newest_first",
      ...(hasNext && last !== undefined ? { cursor_next: errorCursor(store.epoch, last) } : {}),
      ...(hasPrev && first !== undefined ? { cursor_prev: errorCursor(store.epoch, first) } : {}),
      cursor_since: sinceCursor(store.epoch, page.arrivalSeen),
      ...coverage(page),
      ...(listing.whyEmpty === undefined ? {} : { why_empty: listing.whyEmpty }),
      ...(listing.ignored.length > 0 ? { ignored: listing.ignored } : {}),
      ...(cutBy > 0 ? { left_out: `${count(cutBy, "distinct error")}, to keep the reply short.` } : {}),
      next: nextCalls(query.filter, first),
    },
  };
}

/** What is to blame; of the error shown first also its code, where it names any, and what happened around it. */
function nextCalls(asked: ObserveFilter, first: ErrorGroup | undefined): string[] {
  const cause = causeCall(asked);
  if (first === undefined) return [cause];
  const { sample } = first;
  const trace = callText("trace", { id: sample.id });
  return codePlaceOf(sample) === undefined
    ? [cause, trace]
    : [cause, callText("code", { id: sample.id }), trace];
}

const NAME_CHARS = 120;

function errorRow(group: ErrorGroup, detail: Detail): ErrorRow {
  const shown = (text: string, chars = NAME_CHARS): string => (detail.compact ? clean(text, chars) : text);
  const { sample } = group;
  const code = codePlaceOf(sample);
  const traceId = detail.compact ? shortTraceId(sample.traceId, group.lastSeenNs) : sample.traceId;
  return {
    fingerprint: group.fingerprint,
    count: group.count,
    service: shown(group.service),
    ...(group.type === "" ? {} : { type: shown(group.type) }),
    message: shown(group.message, lineChars(detail)),
    operations: group.operations.map((operation) => shown(operation)),
    ...(code === undefined ? {} : { code: shown(code) }),
    first_seen: isoTime(group.firstSeenNs),
    last_seen: isoTime(group.lastSeenNs),
    traces: group.traces,
    ...(group.propagatedTo.length === 0
      ? {}
      : { propagated_to: group.propagatedTo.map((service) => shown(service)) }),
    sample: { id: sample.id, ...(sample.traceId === "" ? {} : { trace_id: traceId }) },
  };
}

/** ```
 * 48× payment TimeoutError: no answer within <n> ms  [3fa2b1c0]
 *     in POST /charge; at /app/src/payment.js:42; 48 traces; 2026-01-31T10:00:00.000Z to 10:02:03.123; failed with it: cart, web; newest s4k2a1
 * ``` */
function errorLines(group: ErrorGroup, detail: Detail): string[] {
  const what = [clean(group.type, NAME_CHARS), clean(group.message, lineChars(detail))]
    .filter((part) => part !== "")
    .join(": ");
  const code = codePlaceOf(group.sample);
  const facts = [
    ...(group.operations.length > 0
      ? [`in ${group.operations.map((name) => clean(name, NAME_CHARS)).join(", ")}`]
      : []),
    ...(code === undefined ? [] : [`at ${clean(code, NAME_CHARS)}`]),
    ...(group.traces > 0 ? [count(group.traces, "trace")] : []),
    group.count > 1
      ? `${isoTime(group.firstSeenNs)} to ${isoTime(group.lastSeenNs)}`
      : isoTime(group.lastSeenNs),
    ...(group.propagatedTo.length > 0
      ? [`failed with it: ${group.propagatedTo.map((name) => clean(name, 60)).join(", ")}`]
      : []),
    `newest ${group.sample.id}`,
  ];
  return [
    `${group.count}× ${clean(group.service, 60)} ${what === "" ? "failed without a message" : what}`,
    `    ${facts.join("; ")}`,
  ];
}
