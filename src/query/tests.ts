import { testRunOf } from "../correlate/test-case.ts";
import type { Position, RecordPage, StoredRecord } from "../store/telemetry-store.ts";
import { codePlaceOf } from "./code-sites.ts";
import { type RankedPosition, rankedCursor, readRankedCursor, sinceCursor } from "./cursor.ts";
import { coverage, emptyDraft, observeEvents, type RenderedRow, withDates } from "./events.ts";
import { type ModeScope, toStoreFilter } from "./filter.ts";
import { quieten, whyAllHidden } from "./noise.ts";
import { type Detail, timeOf } from "./normalize.ts";
import { clockTime, count, formatDuration } from "./render/units.ts";
import { type Body, callText, type Draft, keepRendered, type Question } from "./reply.ts";
import { resolveIds } from "./resolve-ids.ts";
import type { Hidden } from "./shapes.ts";
import { testRow } from "./tests-row.ts";
import { maxNs, readSuiteRuns, type SuiteRun } from "./tests-runs.ts";
import { noneShown, whyEmpty, whyNotFound } from "./why-empty.ts";

const TESTS: ModeScope = {
  kinds: ["span"],
  ignores: ["source"],
  base: { streams: ["tests"], attributes: [{ keys: ["test.case.name"], match: { op: "exists" } }] },
};
/** Results that are read and put in order, the newest: decoding one costs some microseconds. */
const RESULTS_READ_MAX = 5_000;
const RANK = { failed: 0, flaky: 1, rest: 2 } as const;
/** A run of which nothing was told for so long has most likely been killed. */
const SILENT_NS = 600_000_000_000n;

interface RankedResult {
  readonly record: StoredRecord;
  readonly place: RankedPosition;
}

interface Listing {
  readonly question: Question;
  readonly page: RecordPage;
  /** The page, in its order. */
  readonly results: readonly RankedResult[];
  readonly before: boolean;
  readonly after: boolean;
  /** `""` when no run of a suite is held. */
  readonly lastRun: string;
  readonly ignored: readonly string[];
  readonly hidden: Hidden | undefined;
  readonly whyEmpty: string | undefined;
  readonly render: (record: StoredRecord, detail: Detail) => RenderedRow;
}

/**
 * What tests did, a row for each attempt at each: those that failed first, then those that passed after they had failed,
 * then the rest, the newest first within each; and how the last run of the whole suite ended. A result's rank never
 * changes, so that cursors hold while tests run.
 */
export async function observeTests(question: Question): Promise<Draft> {
  const { store, query, context } = question;
  const ids = await resolveIds(store, query.filter);
  if (ids.found !== "yes") return emptyDraft(whyNotFound(ids));
  if (ids.record !== undefined) {
    return observeEvents(question, { ...TESTS, noun: "test result", leadsToTrace: true });
  }
  const { filter: asked, ignored } = toStoreFilter(query.filter, TESTS, ids, store, context.clock);
  const { filter, hidden: countHidden } = quieten(question, asked);
  const page = await store.records({ filter, order: "newest", limit: RESULTS_READ_MAX });
  const all = page.records
    .map((record, i) => ({ record, place: { ...page.positions[i]!, rank: rankOf(record) } }))
    .sort((a, b) => compare(a.place, b.place));
  const hidden = await countHidden(
    page,
    async (each) => (await store.records({ filter: each, order: "newest", limit: 1 })).total,
  );
  const listing: Listing = {
    ...{ question, page, ignored, hidden },
    ...cutPage(all, question),
    lastRun: await lastRunSentence(question),
    whyEmpty:
      all.length > 0 ? undefined : (whyAllHidden(page, hidden) ?? (await whyNone(question, filter, page))),
    render: keepRendered(testRow),
  };
  return {
    rowsMax: listing.results.length,
    build: (rows, detail) => buildListing(listing, rows, detail),
  };
}

function rankOf(record: StoredRecord): number {
  if (record.kind !== "span") return RANK.rest;
  if (testRunOf(record)?.result === "fail") return RANK.failed;
  return record.attributes["gasoline.test.flaky"] === true ? RANK.flaky : RANK.rest;
}

function compare(a: RankedPosition, b: RankedPosition): number {
  return a.rank - b.rank || comparePlaces(b, a);
}

/** The older first. All results stand in one ring. */
function comparePlaces(a: Position, b: Position): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  return a.sequence - b.sequence;
}

function cutPage(
  all: readonly RankedResult[],
  { query, store }: Question,
): Pick<Listing, "results" | "before" | "after"> {
  if (query.beforeCursor !== undefined) {
    const cursor = readRankedCursor(query.beforeCursor, store.epoch, "before_cursor");
    const end = all.filter(({ place }) => compare(place, cursor) < 0).length;
    const start = Math.max(0, end - query.limit);
    return { results: all.slice(start, end), before: start > 0, after: end < all.length };
  }
  let start = query.offset;
  if (query.afterCursor !== undefined) {
    const cursor = readRankedCursor(query.afterCursor, store.epoch, "after_cursor");
    start += all.filter(({ place }) => compare(place, cursor) <= 0).length;
  }
  const end = start + query.limit;
  return { results: all.slice(start, end), before: start > 0, after: end < all.length };
}

async function whyNone(
  question: Question,
  filter: Parameters<typeof whyEmpty>[1],
  page: RecordPage,
): Promise<string> {
  const { store } = question;
  const isUnknown = store.stats().streams.every(({ accepted }) => accepted === 0);
  const any = await store.records({ filter: { kinds: ["span"], ...TESTS.base }, order: "newest", limit: 1 });
  if (any.total > 0 || isUnknown) return whyEmpty(question, filter, TESTS, page);
  return "No test runs are held. Run the tests through `gasoline test -- CMD`, or with one of gasoline's reporters.";
}

function buildListing(listing: Listing, rows: number, detail: Detail): Body {
  const { question, page, results } = listing;
  const { store, query } = question;
  const back = query.beforeCursor !== undefined;
  const cut = results.length - rows;
  // A page read backwards is cut at its far end: its rows nearest to the cursor stay.
  const shown = back ? results.slice(cut) : results.slice(0, rows);
  const rendered = shown.map(({ record }) => listing.render(record, detail));
  const [first, last] = [shown[0], shown.at(-1)];
  const hasNext = listing.after || (!back && cut > 0);
  const hasPrev = listing.before || (back && cut > 0);
  const unread = page.total - page.records.length;
  const told = [
    listing.lastRun,
    results.length === 0
      ? noneShown("test result", page.total)
      : `${shown.length} of ${count(page.total, "test result")}, failing first, then flaky, the newest first${unread > 0 ? `; in order among the newest ${page.records.length}` : ""}.`,
  ];
  return {
    summary: told.filter((part) => part !== "").join(" "),
    rows: rendered.map(({ row }) => row),
    lines: withDates(
      shown.map(({ record }) => record),
      (record) => listing.render(record, detail).line,
    ),
    metadata: {
      total_count: page.total,
      shown: shown.length,
      ...(hasNext && last !== undefined ? { cursor_next: rankedCursor(store.epoch, last.place) } : {}),
      ...(hasPrev && first !== undefined ? { cursor_prev: rankedCursor(store.epoch, first.place) } : {}),
      cursor_since: sinceCursor(store.epoch, page.arrivalSeen),
      ...coverage(page),
      ...(listing.whyEmpty === undefined ? {} : { why_empty: listing.whyEmpty }),
      ...(listing.hidden === undefined ? {} : { hidden: listing.hidden }),
      ...(listing.ignored.length > 0 ? { ignored: listing.ignored } : {}),
      ...(cut > 0 ? { left_out: `${cut} of the ${results.length} asked for, to keep the reply short.` } : {}),
      ...(first === undefined ? {} : { next: nextCalls(first) }),
    },
  };
}

/** What happened in it; for a failure also its code and what changed since the tests last passed. */
function nextCalls({ record, place }: RankedResult): string[] {
  const trace = callText("trace", { id: record.id });
  if (place.rank !== RANK.failed) return [trace];
  const code = record.kind === "span" && codePlaceOf(record) !== undefined;
  return [trace, ...(code ? [callText("code", { id: record.id })] : []), callText("git", {})];
}

/** `Last run: 12 passed, 1 failed, 1 flaky at 3f2a1b9c with uncommitted changes (failed in 4.2s, began 12:03:11, s4k2).` */
async function lastRunSentence({ store, query, context }: Question): Promise<string> {
  const [run, ...earlier] = await readSuiteRuns(store, query.filter.service);
  if (run === undefined) return "";
  const previous = earlier.find(({ service }) => service === run.service);
  const known = run.revision !== undefined && /^[0-9a-f]{7,64}$/.test(run.revision);
  const at = `${known ? ` at ${run.revision.slice(0, 8)}` : ""}${run.diffHash === "" ? "" : " with uncommitted changes"}`;
  const began = `began ${clockTime(run.startNs)}, ${run.id}`;
  const before =
    previous?.status === "unfinished" ? ` The run before it did not finish (${previous.id}).` : "";
  if (run.endNs > 0n) {
    const how = HOW[run.status] ?? "failed";
    return `Last run: ${countsOf(run)}${at} (${how} in ${formatDuration(run.endNs - run.startNs)}, ${began}).${before}`;
  }
  const filter = { streams: ["tests"], service: run.service } as const;
  const { records } = await store.records({ filter, order: "newest", limit: 1 });
  const heardNs = records.reduce((ns, record) => maxNs(ns, timeOf(record)), run.startNs);
  const silent = BigInt(context.clock.nowMs()) * 1_000_000n - heardNs > SILENT_NS;
  const open = silent ? "did not finish, nothing was told of it for ten minutes" : "no end told yet";
  return `Last run${at}: ${open} (${began}).${before}`;
}

const HOW: Partial<Record<SuiteRun["status"], string>> = {
  success: "passed",
  aborted: "stopped before its end",
};

function countsOf({ passed, failed, flaky, skipped }: SuiteRun): string {
  return `${passed} passed, ${failed} failed, ${flaky} flaky${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
