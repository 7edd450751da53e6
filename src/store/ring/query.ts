import { STREAMS } from "../../model/stream.ts";
import type { Masker } from "../mask.ts";
import type {
  Coverage,
  Position,
  RecordFilter,
  RecordPage,
  RecordQuery,
  StoredRecord,
} from "../telemetry-store.ts";
import { NONE } from "./columns.ts";
import type { LastExclusions } from "./kept-verdicts.ts";
import { comparePlaces, FirstOf, type PagePlace } from "./page.ts";
import { PINNED } from "./pinned.ts";
import { type RecordReader, sequenceOf } from "./read.ts";
import type { Rings } from "./rings.ts";
import { RING } from "./routing.ts";
import { scanRings, scanTrace } from "./scan.ts";
import { ringsAsked, Selector } from "./select.ts";
import type { StreamRing } from "./stream.ts";
import { traceWords } from "./trace-id.ts";
import { ROW_COST, Turns } from "./turns.ts";

/** Times beyond this many ns of the epoch are rounded, and not to be believed. */
const EXACT_NS_MAX = 2 ** 53;

/** What queries read from. */
export interface Source {
  readonly rings: Rings;
  readonly reader: RecordReader;
  readonly masker: Masker;
  readonly exclusions: LastExclusions;
}

/** A page of records: one pass over the columns of the streams asked, then the page alone is decoded. */
export async function queryRecords(source: Source, query: RecordQuery): Promise<RecordPage> {
  const { rings, reader } = source;
  const arrivalSeen = rings.arrivals - 1;
  const compare = comparePlaces(query.order);
  const after = query.after === undefined ? undefined : placeOfPosition(query.after, rings.epochNs);
  const offset = query.offset ?? 0;
  const first = new FirstOf<PagePlace>(offset + query.limit, compare);
  const candidate = { timeNs: 0, ring: 0, sequence: 0 };
  let total = 0;
  let beyond = 0;
  const leftOut = await scanFilter(source, query.filter, (ring, slot) => {
    total++;
    candidate.timeNs = ring.columns.start[slot]!;
    candidate.ring = ring.number;
    if (ring.number === PINNED) Object.assign(candidate, reader.origin(ring, slot));
    else candidate.sequence = sequenceOf(ring, slot);
    if (after !== undefined && compare(candidate, after) <= 0) return;
    beyond++;
    if (first.wants(candidate)) first.offer({ ...candidate });
  });
  const places = first.inOrder().slice(offset);
  const records: StoredRecord[] = [];
  const positions: Position[] = [];
  const turns = new Turns(ROW_COST.decoded);
  for (const place of places) {
    const record = readPlace(source, place);
    if (record === undefined) continue;
    records.push(record);
    positions.push(positionOf(place, rings.epochNs));
    if (turns.spend()) await turns.next();
  }
  return {
    records,
    positions,
    total,
    leftOut,
    more: beyond > offset + places.length,
    arrivalSeen,
    ...coverageOf(rings, query.filter),
  };
}

/**
 * Visits every record that a filter lets through; only the trace's own when it names one. Returns how many more there
 * are that `not` leaves out.
 */
export async function scanFilter(
  { rings, reader, masker, exclusions }: Source,
  filter: RecordFilter,
  visit: (ring: StreamRing, slot: number) => void,
): Promise<number> {
  const selector = new Selector(rings, reader, masker, filter, exclusions);
  if (filter.traceId === undefined) {
    await scanRings(rings, selector, visit);
  } else {
    const words = traceWords(filter.traceId);
    const trace = words === undefined ? NONE : rings.index.find(...words);
    if (trace !== NONE) scanTrace(rings, selector, trace, visit);
  }
  return selector.leftOut;
}

/** The record first stored at a place, wherever it is now; undefined when it is gone. */
export function readPlace({ rings, reader }: Source, place: PagePlace): StoredRecord | undefined {
  const ring = rings.all[place.ring];
  if (ring === undefined || place.sequence >= ring.next) return undefined;
  if (place.sequence >= ring.oldest) return reader.read(ring, place.sequence & ring.columns.mask);
  const pinned = rings.pinned.find(place.ring, place.sequence);
  if (pinned === undefined) return undefined;
  return reader.read(rings.pinned.ring, pinned & rings.pinned.ring.columns.mask);
}

/** What is still held, and what is missing from the window, of the streams a filter asks of. */
export function coverageOf(rings: Rings, filter: RecordFilter): Coverage {
  const ofTrace = filter.traceId === undefined ? undefined : (traceWords(filter.traceId) ?? [0, 0, 0, 0]);
  let horizon = Number.POSITIVE_INFINITY;
  let lost = ofTrace === undefined ? 0 : rings.index.lostOf(...ofTrace);
  const sinceNs =
    filter.sinceNs === undefined ? Number.NEGATIVE_INFINITY : Number(filter.sinceNs - rings.epochNs);
  const untilNs =
    filter.untilNs === undefined ? Number.POSITIVE_INFINITY : Number(filter.untilNs - rings.epochNs);
  for (const number of ringsAsked(filter)) {
    const ring = rings.all[number]!;
    if (ofTrace === undefined) lost += ring.losses.between(sinceNs, untilNs);
    if (ring.oldest < ring.next) horizon = Math.min(horizon, plausibleTimeNs(ring, ring.oldest));
  }
  return {
    horizonNs: horizon === Number.POSITIVE_INFINITY ? null : absoluteNs(horizon, rings.epochNs),
    lost,
  };
}

/** A held record's time, or its arrival where the sender's clock cannot be right. Relative to the epoch. */
export function plausibleTimeNs(ring: StreamRing, sequence: number): number {
  const slot = sequence & ring.columns.mask;
  const time = ring.columns.start[slot]!;
  return Math.abs(time) <= EXACT_NS_MAX ? time : ring.columns.arrivedMs[slot]! * 1_000_000;
}

/** Unix ns of a time column's value: exact within 104 days of the epoch. */
export function absoluteNs(relativeNs: number, epochNs: bigint): bigint {
  return BigInt(relativeNs) + epochNs;
}

function placeOfPosition(position: Position, epochNs: bigint): PagePlace {
  return {
    timeNs: Number(position.timeNs - epochNs),
    ring: RING[position.stream],
    sequence: position.sequence,
  };
}

function positionOf(place: PagePlace, epochNs: bigint): Position {
  return {
    timeNs: absoluteNs(place.timeNs, epochNs),
    stream: STREAMS[place.ring]!,
    sequence: place.sequence,
  };
}
