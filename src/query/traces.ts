import { SEVERITY_ERROR } from "../model/log.ts";
import { nsToMs } from "../model/time.ts";
import type { RecordFilter, TracePage, TraceSummary } from "../store/telemetry-store.ts";
import { readTraceCursor, sinceCursor, traceCursor } from "./cursor.ts";
import { coverage, emptyDraft } from "./events.ts";
import { type ModeScope, toStoreFilter } from "./filter.ts";
import { NEVER_HIDDEN, noiseRules, whyAllHidden } from "./noise.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { clockTime, count, formatDuration, isoTime } from "./render/units.ts";
import { type Body, callText, type Draft, keepRendered, type Question } from "./reply.ts";
import { resolveIds } from "./resolve-ids.ts";
import type { Hidden, Row } from "./shapes.ts";
import { shortTraceId } from "./short-id.ts";
import { noneShown, whyEmpty, whyNotFound } from "./why-empty.ts";

const TRACES: ModeScope = { ignores: ["id"] };

/** One trace in a listing. Times are ISO 8601; durations in ms. */
interface TraceRow extends Row {
  readonly trace_id: string;
  readonly start: string;
  readonly duration_ms: number;
  readonly root: string;
  readonly root_service: string;
  readonly services: readonly string[];
  readonly spans: number;
  readonly logs: number;
  readonly errors: number;
  /** Present when the root span is not held: `root` is then the earliest span that is. */
  readonly root_missing?: true;
  /** Records of this trace that were evicted or expired. */
  readonly lost?: number;
}

/** Traces that hold a matching record, the newest start first. */
export async function observeTraces(question: Question): Promise<Draft> {
  const { store, query, context } = question;
  const { id: _id, ...asked } = query.filter;
  const ids = await resolveIds(store, asked);
  if (ids.found !== "yes") return emptyDraft(whyNotFound(ids));
  const { filter, ignored } = toStoreFilter(query.filter, TRACES, ids, store, context.clock);
  const cursor = query.beforeCursor ?? query.afterCursor;
  const parameter = query.beforeCursor === undefined ? "after_cursor" : "before_cursor";
  const noise = noiseRules(question);
  const page = await store.traces({
    ...errorsOnlyOr(filter),
    hide: { first: noise, unless: NEVER_HIDDEN },
    limit: query.limit,
    ...(cursor === undefined ? {} : { after: readTraceCursor(cursor, store.epoch, parameter) }),
    ...(query.beforeCursor === undefined ? {} : { order: "oldest" }),
  });
  const hidden = await hiddenTraces(question, filter, noise, page);
  const why =
    page.traces.length > 0
      ? undefined
      : (whyAllHidden(page, hidden) ?? (await whyEmpty(question, filter, TRACES, page)));
  const listing: Listing = {
    question,
    page,
    ignored,
    hidden,
    why,
    render: keepRendered((trace, detail) => ({ row: traceRow(trace, detail), line: traceLine(trace) })),
  };
  return { rowsMax: page.traces.length, build: (rows, detail) => buildListing(listing, rows, detail) };
}

/** Traces that noise rules leave out. */
async function hiddenTraces(
  { store }: Question,
  filter: RecordFilter,
  noise: readonly RecordFilter[],
  page: TracePage,
): Promise<Hidden | undefined> {
  if (noise.length === 0) return undefined;
  const { total } = await store.traces({ ...errorsOnlyOr(filter), limit: 1 });
  return total > page.total ? { by_noise_rules: total - page.total } : undefined;
}

/** A filter by errors alone is answered from the traces' own counts, without looking at records. */
function errorsOnlyOr(filter: RecordFilter): { filter: RecordFilter; errorsOnly?: true } {
  const { severityMin, ...rest } = filter;
  const others = Object.keys(rest).filter((key) => !["sinceNs", "untilNs", "afterArrival"].includes(key));
  return severityMin === SEVERITY_ERROR && others.length === 0
    ? { filter: rest, errorsOnly: true }
    : { filter };
}

interface Listing {
  readonly question: Question;
  readonly page: TracePage;
  readonly ignored: readonly string[];
  readonly hidden: Hidden | undefined;
  readonly why: string | undefined;
  readonly render: (trace: TraceSummary, detail: Detail) => { readonly row: TraceRow; readonly line: string };
}

function buildListing(listing: Listing, rows: number, detail: Detail): Body {
  const { page, ignored, hidden, why } = listing;
  const { store, query } = listing.question;
  const back = query.beforeCursor !== undefined;
  const traces = page.traces.slice(0, rows);
  if (back) traces.reverse();
  const cut = rows < page.traces.length;
  const [first, last] = [traces[0], traces.at(-1)];
  const hasNext = back || page.more || cut;
  const hasPrev = back ? page.more || cut : query.afterCursor !== undefined;
  const failed = traces.find((trace) => trace.errors > 0) ?? first;
  return {
    summary:
      page.traces.length === 0
        ? noneShown("trace", page.total)
        : `${traces.length} of ${count(page.total, "trace")}, newest first; ${traces.filter((trace) => trace.errors > 0).length} of them with errors.`,
    rows: traces.map((trace) => listing.render(trace, detail).row),
    lines: withDates(traces, (trace) => listing.render(trace, detail).line),
    metadata: {
      total_count: page.total,
      shown: traces.length,
      order: "newest_first",
      ...(hasNext && last !== undefined ? { cursor_next: traceCursor(store.epoch, last) } : {}),
      ...(hasPrev && first !== undefined ? { cursor_prev: traceCursor(store.epoch, first) } : {}),
      cursor_since: sinceCursor(store.epoch, page.arrivalSeen),
      ...coverage(page),
      ...(why === undefined ? {} : { why_empty: why }),
      ...(hidden === undefined ? {} : { hidden }),
      ...(ignored.length > 0 ? { ignored } : {}),
      ...(cut
        ? {
            left_out: `${page.traces.length - rows} of the ${page.traces.length} asked for, to keep the reply short.`,
          }
        : {}),
      ...(failed === undefined
        ? {}
        : { next: [callText("trace", { trace_id: shortTraceId(failed.traceId, failed.startNs) })] }),
    },
  };
}

const NAME_CHARS = 120;
const SERVICES_SHOWN = 8;

function traceRow(trace: TraceSummary, detail: Detail): TraceRow {
  const shown = (text: string): string => (detail.compact ? clean(text, NAME_CHARS) : text);
  const services = detail.compact ? trace.services.slice(0, SERVICES_SHOWN) : trace.services;
  return {
    trace_id: detail.compact ? shortTraceId(trace.traceId, trace.startNs) : trace.traceId,
    start: isoTime(trace.startNs),
    duration_ms: nsToMs(lengthNs(trace)),
    root: shown(trace.rootName),
    root_service: shown(trace.rootService),
    services: services.map(shown),
    spans: trace.spans,
    logs: trace.logs,
    errors: trace.errors,
    ...(trace.rootHeld ? {} : { root_missing: true }),
    ...(trace.lost > 0 ? { lost: trace.lost } : {}),
  };
}

function lengthNs(trace: TraceSummary): bigint {
  return trace.endNs > trace.startNs ? trace.endNs - trace.startNs : 0n;
}

function withDates(traces: readonly TraceSummary[], lineOf: (trace: TraceSummary) => string): string[] {
  const lines: string[] = [];
  let date = "";
  for (const trace of traces) {
    const day = isoTime(trace.startNs).slice(0, 10);
    if (day !== date) lines.push(`${day} UTC`);
    date = day;
    lines.push(lineOf(trace));
  }
  return lines;
}

/** `3fa2b1c0 10:02:03.123 1.25s 2 errors  POST /checkout (web)  12 spans 4 logs  web, cart, payment` */
function traceLine(trace: TraceSummary): string {
  const services = trace.services.slice(0, SERVICES_SHOWN).map((service) => clean(service, 60));
  if (trace.services.length > SERVICES_SHOWN) services.push(`+${trace.services.length - SERVICES_SHOWN}`);
  const parts = [
    `${shortTraceId(trace.traceId, trace.startNs)} ${clockTime(trace.startNs)} ${formatDuration(lengthNs(trace))}`,
    trace.errors > 0 ? count(trace.errors, "error").toUpperCase() : "ok",
    `${clean(trace.rootName, NAME_CHARS)} (${clean(trace.rootService, 60)}${trace.rootHeld ? "" : ", root not held"})`,
    `${count(trace.spans, "span")} ${count(trace.logs, "log")}${trace.lost > 0 ? ` ${trace.lost} lost` : ""}`,
  ];
  if (services.length > 1) parts.push(services.join(", "));
  return parts.join("  ");
}
