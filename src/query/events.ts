import type { NormalizedEvent } from "../model/event.ts";
import { STREAMS } from "../model/stream.ts";
import type {
  Position,
  RecordFilter,
  RecordPage,
  RecordQuery,
  StoredRecord,
  StoredSpan,
  TelemetryStore,
} from "../store/telemetry-store.ts";
import { readRecordCursor, recordCursor, sinceCursor } from "./cursor.ts";
import { eventLine } from "./event-line.ts";
import { type ModeScope, toStoreFilter } from "./filter.ts";
import { quieten, whyAllHidden } from "./noise.ts";
import { type Detail, normalize, timeOf } from "./normalize.ts";
import type { FilterKey } from "./parameters.ts";
import { recordDetails } from "./record-details.ts";
import { count, isoTime } from "./render/units.ts";
import { type Body, callText, type Draft, keepRendered, type Question } from "./reply.ts";
import { type ResolvedIds, resolveIds } from "./resolve-ids.ts";
import type { Hidden, ObserveMetadata, Row } from "./shapes.ts";
import { shortTraceId } from "./short-id.ts";
import { noneShown, whyEmpty, whyNotFound } from "./why-empty.ts";

const NO_IGNORES: readonly FilterKey[] = [];

/** A mode that lists records one by one. */
export interface ListMode extends ModeScope {
  /** What is listed, in the singular. */
  readonly noun: string;
  /** Event names of which a record has one, each as the store's `name`; absent: any. None contains another. */
  readonly names?: readonly string[];
  /** What to switch on when nothing of the kind was ever received. */
  readonly source?: string;
  /** The record as a row of this mode; absent: as an event. */
  readonly rowOf?: (record: StoredRecord, detail: Detail, related: Related) => RenderedRow;
  /** Reads what the rows of a page need besides their records. */
  readonly relate?: (question: Question, records: readonly StoredRecord[]) => Promise<Related>;
  /** Leads on to the trace of the newest. */
  readonly leadsToTrace: boolean;
}

export interface RenderedRow {
  readonly row: Row;
  readonly line: string;
}

/** Other spans by the id of the span that they belong to. */
export type Related = ReadonlyMap<string, StoredSpan>;
const NOTHING_RELATED: Related = new Map();

/** Log records. */
export const LOGS: ListMode = { kinds: ["log"], ignores: NO_IGNORES, noun: "log", leadsToTrace: true };
/** Spans (at their start) and logs together. */
export const TIMELINE: ListMode = {
  kinds: ["span", "log"],
  ignores: NO_IGNORES,
  noun: "event",
  leadsToTrace: false,
};

/**
 * Records one by one. The newest come first, but inside one trace or session they are told in the order they
 * happened.
 */
export async function observeEvents(question: Question, mode: ListMode): Promise<Draft> {
  const { store, query, context } = question;
  const ids = await resolveIds(store, query.filter);
  if (ids.found !== "yes") return emptyDraft(whyNotFound(ids));
  if (ids.record !== undefined) return oneRecord(ids.record);

  const { filter: asked, ignored } = toStoreFilter(query.filter, mode, ids, store, context.clock);
  const { filter, hidden: countHidden } = quieten(question, asked);
  const forward: RecordQuery["order"] = isStory(ids, question) ? "oldest" : "newest";
  const back = query.beforeCursor !== undefined;
  const cursor = back
    ? readRecordCursor(query.beforeCursor, store.epoch, "before_cursor")
    : query.afterCursor === undefined
      ? undefined
      : readRecordCursor(query.afterCursor, store.epoch, "after_cursor");
  const page = await pageOf(store, mode.names, {
    filter,
    order: back ? opposite(forward) : forward,
    limit: query.limit,
    offset: query.offset,
    ...(cursor === undefined ? {} : { after: cursor }),
  });
  const hidden = await countHidden(page, async (each) =>
    // None of a mode's several names is a tool call's.
    mode.names === undefined ? (await store.records({ filter: each, order: "newest", limit: 1 })).total : 0,
  );
  const related = (await mode.relate?.(question, page.records)) ?? NOTHING_RELATED;
  const listing: Listing = {
    question,
    page,
    mode,
    forward,
    back,
    ignored,
    hidden,
    whyEmpty:
      page.records.length > 0
        ? undefined
        : (whyAllHidden(page, hidden) ?? (await whyNone(question, mode, filter, page))),
    render: keepRendered((record, detail) =>
      mode.rowOf === undefined
        ? { event: normalize(record, detail), line: eventLine(record, detail) }
        : mode.rowOf(record, detail, related),
    ),
  };
  return { rowsMax: page.records.length, build: (rows, detail) => buildListing(listing, rows, detail) };
}

/** Pages of several names, merged: the same position continues all of them. */
async function pageOf(
  store: TelemetryStore,
  names: readonly string[] | undefined,
  query: RecordQuery,
): Promise<RecordPage> {
  const [first, ...more] = names ?? [];
  if (first === undefined) return store.records(query);
  const { offset = 0, limit } = query;
  const pages = [];
  for (const name of [first, ...more]) {
    const { offset: _all, ...rest } = query;
    pages.push(await store.records({ ...rest, filter: { ...query.filter, name }, limit: limit + offset }));
  }
  const sign = query.order === "oldest" ? 1 : -1;
  const rows = pages
    .flatMap(({ records, positions }) => records.map((record, i) => ({ record, position: positions[i]! })))
    .sort((a, b) => sign * comparePositions(a.position, b.position));
  const shown = rows.slice(offset, offset + limit);
  return {
    ...pages[0]!,
    records: shown.map(({ record }) => record),
    positions: shown.map(({ position }) => position),
    total: pages.reduce((sum, { total }) => sum + total, 0),
    leftOut: pages.reduce((sum, { leftOut }) => sum + leftOut, 0),
    more: rows.length > offset + limit || pages.some(({ more: isMore }) => isMore),
    arrivalSeen: Math.min(...pages.map(({ arrivalSeen }) => arrivalSeen)),
  };
}

function comparePositions(a: Position, b: Position): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  return STREAMS.indexOf(a.stream) - STREAMS.indexOf(b.stream) || a.sequence - b.sequence;
}

/** What to switch on, when nothing of the kind is held at all; else what excludes everything. */
async function whyNone(
  question: Question,
  mode: ListMode,
  filter: RecordFilter,
  page: RecordPage,
): Promise<string> {
  const { store } = question;
  const isUnknown = store.stats().streams.every(({ accepted }) => accepted === 0);
  if (mode.source !== undefined && !isUnknown) {
    const all: RecordFilter = {
      ...(mode.kinds === undefined ? {} : { kinds: mode.kinds }),
      ...mode.base,
    };
    const any = await pageOf(store, mode.names, { filter: all, order: "newest", limit: 1 });
    if (any.total === 0) return `No ${plural(mode.noun)} are held. ${mode.source}`;
  }
  return whyEmpty(question, filter, mode, page);
}

function plural(noun: string): string {
  return count(2, noun).slice(2);
}

/** Inside one trace or session a reader follows what happened; elsewhere the newest matters most. */
function isStory(ids: ResolvedIds & { found: "yes" }, { query }: Question): boolean {
  return ids.traceId !== undefined || query.filter.session_id !== undefined;
}

function opposite(order: RecordQuery["order"]): RecordQuery["order"] {
  return order === "newest" ? "oldest" : "newest";
}

interface Listing {
  readonly question: Question;
  readonly page: RecordPage;
  readonly mode: ListMode;
  readonly forward: RecordQuery["order"];
  /** The page was read backwards, from `before_cursor`. */
  readonly back: boolean;
  readonly ignored: readonly string[];
  readonly hidden: Hidden | undefined;
  readonly whyEmpty: string | undefined;
  readonly render: (record: StoredRecord, detail: Detail) => Rendered;
}

type Rendered = { readonly event: NormalizedEvent; readonly line: string } | RenderedRow;

function buildListing(listing: Listing, rows: number, detail: Detail): Body {
  const { page, mode, forward, back } = listing;
  // A page read backwards is turned round, after cutting: its rows nearest to the cursor stay.
  const records = page.records.slice(0, rows);
  if (back) records.reverse();
  const { noun } = mode;
  const order = forward === "newest" ? "newest first" : "oldest first";
  const summary =
    page.records.length === 0
      ? noneShown(noun, page.total)
      : `${records.length} of ${count(page.total, noun)}, ${order}.`;
  return {
    summary,
    ...shownAs(
      mode,
      records.map((record) => listing.render(record, detail)),
    ),
    lines: withDates(records, (record) => listing.render(record, detail).line),
    metadata: listingMetadata(listing, rows),
  };
}

function shownAs(mode: ListMode, rendered: readonly Rendered[]): Pick<Body, "events" | "rows"> {
  const events = rendered.flatMap((each) => ("event" in each ? [each.event] : []));
  const rows = rendered.flatMap((each) => ("row" in each ? [each.row] : []));
  return mode.rowOf === undefined ? { events } : { rows };
}

function listingMetadata(listing: Listing, rows: number): Body["metadata"] {
  const { page, back, question, mode } = listing;
  const { store, query } = question;
  const shown = Math.min(rows, page.records.length);
  const cut = shown < page.records.length;
  const ends = [page.positions[0], page.positions[shown - 1]] as const;
  const [first, last] = back ? [ends[1], ends[0]] : ends;
  const isFirstPage = !back && query.afterCursor === undefined && query.offset === 0;
  const hasNext = shown > 0 && (back || page.more || cut);
  const hasPrev = shown > 0 && (back ? page.more || cut : !isFirstPage);
  const traced = page.records.find((record) => record.kind !== "metric" && record.traceId !== "");
  return {
    total_count: page.total,
    shown,
    order: listing.forward === "newest" ? "newest_first" : "oldest_first",
    ...(hasNext && last !== undefined ? { cursor_next: recordCursor(store.epoch, last) } : {}),
    ...(hasPrev && first !== undefined ? { cursor_prev: recordCursor(store.epoch, first) } : {}),
    cursor_since: sinceCursor(store.epoch, page.arrivalSeen),
    ...coverage(page),
    ...(listing.whyEmpty === undefined ? {} : { why_empty: listing.whyEmpty }),
    ...(listing.hidden === undefined ? {} : { hidden: listing.hidden }),
    ...(listing.ignored.length > 0 ? { ignored: listing.ignored } : {}),
    ...(cut
      ? {
          left_out: `${page.records.length - shown} of the ${page.records.length} asked for, to keep the reply short.`,
        }
      : {}),
    ...(shown > 0 && mode.leadsToTrace && traced !== undefined && query.filter.trace_id === undefined
      ? { next: [traceCall(traced)] }
      : {}),
  };
}

function traceCall(record: StoredRecord): string {
  if (record.kind === "metric") return "";
  return callText("trace", { trace_id: shortTraceId(record.traceId, timeOf(record)) });
}

/** The part of the metadata that says what the store still has. */
export function coverage(page: {
  readonly horizonNs: bigint | null;
  readonly lost: number;
}): Pick<ObserveMetadata, "horizon" | "lost"> {
  return {
    horizon: page.horizonNs === null ? null : isoTime(page.horizonNs),
    ...(page.lost > 0 ? { lost: page.lost } : {}),
  };
}

/** One line a record, and one with the date (UTC) wherever it changes. */
export function withDates(
  records: readonly StoredRecord[],
  lineOf: (record: StoredRecord) => string,
): string[] {
  const lines: string[] = [];
  let date = "";
  for (const record of records) {
    const day = isoTime(timeOf(record)).slice(0, 10);
    if (day !== date) lines.push(`${day} UTC`);
    date = day;
    lines.push(lineOf(record));
  }
  return lines;
}

/** One record by its id, with all its attributes. */
function oneRecord(record: StoredRecord): Draft {
  const build = (rows: number, detail: Detail): Body => {
    const summary = `Record ${record.id}, a ${record.kind}.`;
    const metadata = {
      total_count: 1,
      shown: rows,
      horizon: null,
      ...(record.kind === "metric" || record.traceId === "" ? {} : { next: [traceCall(record)] }),
    };
    if (rows === 0) return { summary, events: [], lines: [], metadata };
    const { lines, attributes, resource } = recordDetails(record, detail);
    const event = normalize(record, detail);
    return {
      summary,
      events: [{ ...event, metadata: { ...event.metadata, attributes, resource } }],
      lines: [...withDates([record], () => eventLine(record, detail)), ...lines],
      metadata,
    };
  };
  return { rowsMax: 1, build };
}

/** A reply that shows nothing and says why. */
export function emptyDraft(why: string): Draft {
  return {
    rowsMax: 0,
    build: () => ({
      summary: "Nothing to show.",
      events: [],
      lines: [],
      metadata: { total_count: 0, shown: 0, horizon: null, why_empty: why },
    }),
  };
}
