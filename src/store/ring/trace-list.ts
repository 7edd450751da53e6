import { GasolineError } from "../../model/errors.ts";
import { SEVERITY_ERROR } from "../../model/log.ts";
import { BITS } from "../../model/scan-table.ts";
import type { RecordFilter, TracePage, TraceQuery, TraceSummary } from "../telemetry-store.ts";
import { HAS_PARENT, kindOf, NONE, RECORD_KINDS } from "./columns.ts";
import { OVERFLOW } from "./intern.ts";
import { FirstOf } from "./page.ts";
import { absoluteNs, coverageOf, type Source, scanFilter } from "./query.ts";
import { forEachOfTrace } from "./scan.ts";
import { Selector } from "./select.ts";
import type { StreamRing } from "./stream.ts";
import { hexOfWords, traceWords } from "./trace-id.ts";
import { ROW_COST, Turns } from "./turns.ts";

const SPAN = RECORD_KINDS.indexOf("span");
const STATUS_ERROR = 2;

/** A trace's place in the list: its start, then its id as four words. */
interface TracePlace {
  startNs: number;
  w0: number;
  w1: number;
  w2: number;
  w3: number;
}

/** Also what tells a trace from a later one under the same number. */
interface ListedTrace extends TracePlace {
  trace: number;
  born: number;
}

/** Newest start first; ids tell ties apart. */
function compareTraces(a: TracePlace, b: TracePlace): number {
  if (a.startNs !== b.startNs) return a.startNs < b.startNs ? 1 : -1;
  return b.w0 - a.w0 || b.w1 - a.w1 || b.w2 - a.w2 || b.w3 - a.w3;
}

/**
 * A page of traces that have a record which passes the filter. Summaries are made of columns: first the extent of
 * every candidate, then the rest for the page alone.
 */
export async function queryTraces(source: Source, query: TraceQuery): Promise<TracePage> {
  const { rings } = source;
  const { index } = rings;
  const arrivalSeen = rings.arrivals - 1;
  const compare: typeof compareTraces =
    query.order === "oldest" ? (a, b) => compareTraces(b, a) : compareTraces;
  const after = placeOfCursor(query.after, rings.epochNs);
  const first = new FirstOf<ListedTrace>(query.limit, compare);
  const place: ListedTrace = { startNs: 0, w0: 0, w1: 0, w2: 0, w3: 0, trace: 0, born: 0 };
  const isCandidate = await candidates(source, query.filter);
  const durationMinNs = Number(query.durationMinNs ?? 0n);
  const hider = query.hide === undefined ? undefined : new TraceHider(source, query.hide);
  const turns = new Turns(ROW_COST.columns);
  let total = 0;
  let beyond = 0;
  for (let trace = 0; trace < index.numbersUsed; trace++) {
    if (isCandidate(trace) && index.isHeld(trace) && index.born[trace]! <= arrivalSeen) {
      const extent = extentOf(source, trace);
      const passes =
        extent.endNs - extent.startNs >= durationMinNs &&
        (query.errorsOnly !== true || extent.errors > 0) &&
        (extent.errors > 0 || hider?.hides(trace) !== true);
      if (passes) {
        total++;
        place.startNs = extent.startNs;
        place.w0 = index.ids[4 * trace]!;
        place.w1 = index.ids[4 * trace + 1]!;
        place.w2 = index.ids[4 * trace + 2]!;
        place.w3 = index.ids[4 * trace + 3]!;
        place.trace = trace;
        place.born = index.born[trace]!;
        if (after === undefined || compare(place, after) > 0) {
          beyond++;
          if (first.wants(place)) first.offer({ ...place });
        }
      }
      if (turns.spend(extent.records)) await turns.next();
    } else if (turns.spend()) {
      await turns.next();
    }
  }
  const places = first.inOrder();
  const traces = places
    .filter(({ trace, born }) => index.isHeld(trace) && index.born[trace] === born)
    .map(({ trace }) => summaryOf(source, trace));
  return { traces, total, more: beyond > places.length, arrivalSeen, ...coverageOf(rings, query.filter) };
}

function placeOfCursor(after: TraceQuery["after"], epochNs: bigint): TracePlace | undefined {
  if (after === undefined) return undefined;
  const words = traceWords(after.traceId);
  if (words === undefined) {
    throw new GasolineError(
      "bad_parameter",
      `"${after.traceId}" is not a trace id of 32 hex digits, so no page follows it.`,
      "Take the cursor of the page before.",
    );
  }
  const [w0, w1, w2, w3] = words;
  return { startNs: Number(after.startNs - epochNs), w0, w1, w2, w3 };
}

/** Which trace numbers have a record that passes; every number when the filter asks for nothing. */
async function candidates(source: Source, filter: RecordFilter): Promise<(trace: number) => boolean> {
  if (Object.values(filter).every((condition) => condition === undefined)) return () => true;
  const { index } = source.rings;
  let marks = new Uint8Array(index.numbersUsed);
  await scanFilter(source, filter, (ring, slot) => {
    const chain = ring.columns.chain[slot]!;
    if (chain === NONE) return;
    const trace = index.chainTrace[chain]!;
    if (trace >= marks.length) {
      const grown = new Uint8Array(2 * trace);
      grown.set(marks);
      marks = grown;
    }
    marks[trace] = 1;
  });
  return (trace) => marks[trace] === 1;
}

interface Extent {
  /** Of the spans, else of the logs. Relative to the epoch. */
  readonly startNs: number;
  readonly endNs: number;
  readonly spans: number;
  readonly records: number;
  readonly errors: number;
}

function extentOf({ rings }: Source, trace: number): Extent {
  let spanStart = Number.POSITIVE_INFINITY;
  let spanEnd = Number.NEGATIVE_INFINITY;
  let logStart = Number.POSITIVE_INFINITY;
  let logEnd = Number.NEGATIVE_INFINITY;
  let spans = 0;
  let records = 0;
  let errors = 0;
  forEachOfTrace(rings, trace, ({ columns }, slot) => {
    const start = columns.start[slot]!;
    // The sender's times: an end before the start is no end.
    const end = Math.max(start, columns.end[slot]!);
    const bits = columns.bits[slot]!;
    records++;
    if (kindOf(bits) === SPAN) {
      spans++;
      if (start < spanStart) spanStart = start;
      if (end > spanEnd) spanEnd = end;
      if (((bits >>> BITS.statusShift) & BITS.statusMask) === STATUS_ERROR) errors++;
    } else {
      if (start < logStart) logStart = start;
      if (end > logEnd) logEnd = end;
      if (((bits >>> BITS.severityShift) & BITS.severityMask) >= SEVERITY_ERROR) errors++;
    }
  });
  const [startNs, endNs] = spans > 0 ? [spanStart, spanEnd] : [logStart, logEnd];
  return { startNs, endNs, spans, records, errors };
}

function summaryOf(source: Source, trace: number): TraceSummary {
  const { rings, reader } = source;
  const { index } = rings;
  const extent = extentOf(source, trace);
  const groups = new Set<number>();
  forEachOfTrace(rings, trace, ({ columns }, slot) => groups.add(columns.group[slot]!));
  const { ring, slot, rank } = firstOf(source, trace);
  return {
    traceId: hexOfWords(index.ids, 4 * trace, 4),
    startNs: absoluteNs(extent.startNs, rings.epochNs),
    endNs: absoluteNs(extent.endNs, rings.epochNs),
    spans: extent.spans,
    logs: extent.records - extent.spans,
    errors: extent.errors,
    services: [...new Set([...groups].map((group) => reader.group(group).resource.service))].sort(),
    rootName: nameOf(source, ring, slot),
    rootService: reader.group(ring.columns.group[slot]!).resource.service,
    rootHeld: rank === 0,
    lost: index.lost[trace]!,
  };
}

interface FirstRecord {
  readonly ring: StreamRing;
  readonly slot: number;
  readonly rank: number;
  readonly start: number;
}

/** The root span, else the earliest span, else the earliest log. */
function firstOf({ rings }: Source, trace: number): FirstRecord {
  let first: FirstRecord | undefined;
  forEachOfTrace(rings, trace, (ring, slot) => {
    const rank = rankAsRoot(ring, slot);
    const start = ring.columns.start[slot]!;
    if (first === undefined || rank < first.rank || (rank === first.rank && start < first.start)) {
      first = { ring, slot, rank, start };
    }
  });
  return first!;
}

/** Tells which traces a query leaves out. */
class TraceHider {
  readonly #source: Source;
  readonly #first: readonly Selector[];
  readonly #unless: readonly Selector[];

  constructor(source: Source, { first, unless }: NonNullable<TraceQuery["hide"]>) {
    const select = (filter: RecordFilter) => new Selector(source.rings, source.reader, source.masker, filter);
    this.#source = source;
    this.#first = first.map(select);
    this.#unless = unless.map(select);
  }

  /** Whether a trace without an error is left out. */
  hides(trace: number): boolean {
    if (this.#first.length === 0) return false;
    const { ring, slot } = firstOf(this.#source, trace);
    if (!isPicked(this.#first, ring, slot)) return false;
    let isKept = false;
    forEachOfTrace(this.#source.rings, trace, (each, at) => {
      isKept ||= isPicked(this.#unless, each, at);
    });
    return !isKept;
  }
}

function isPicked(selectors: readonly Selector[], ring: StreamRing, slot: number): boolean {
  return selectors.some((selector) => {
    // Turns may have ended since it was last asked; it looks no further when nothing was freed.
    selector.begin();
    return selector.rings.includes(ring.number) && selector.matches(ring, slot);
  });
}

/** 0 for a span without a parent, 1 for another span, 2 for a log. */
function rankAsRoot({ columns }: StreamRing, slot: number): number {
  const bits = columns.bits[slot]!;
  if (kindOf(bits) !== SPAN) return 2;
  return (bits & HAS_PARENT) === 0 ? 0 : 1;
}

/** Name of a span, event name of a log; masked. */
function nameOf({ reader }: Source, ring: StreamRing, slot: number): string {
  const name = ring.columns.name[slot]!;
  if (name !== OVERFLOW) return reader.name(name);
  const record = reader.read(ring, slot);
  return record.kind === "log" ? record.eventName : record.name;
}
