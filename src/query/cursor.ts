import { GasolineError } from "../model/errors.ts";
import { STREAMS } from "../model/stream.ts";
import type { Position } from "../store/telemetry-store.ts";

/*
 * Cursors as text. Each names its kind, the store's epoch and a place; numbers are in base 36.
 *
 *   p.EPOCH.TIME.RING.SEQUENCE   a page of records ends here            after_cursor, before_cursor
 *   t.EPOCH.START.TRACE          a page of traces ends here             after_cursor, before_cursor
 *   r.EPOCH.RANK.TIME.RING.SEQUENCE   a page of test results ends here
 *   e.EPOCH.LASTSEEN.PRINT       a page of error groups ends here       after_cursor, before_cursor
 *   n.EPOCH.ARRIVAL              everything up to here has been seen    filter.since
 *
 * A place need not be held any more: pages are cut by comparing with it, so a cursor outlives the eviction of
 * the record it was made from.
 */

/** Where a page of traces ends. */
export interface TracePosition {
  readonly startNs: bigint;
  readonly traceId: string;
}

/** Where a page of error groups ends. */
export interface ErrorPosition {
  readonly lastSeenNs: bigint;
  readonly fingerprint: string;
}

/** Where a page of ranked records ends: those of rank 0 stand first. */
export interface RankedPosition extends Position {
  readonly rank: number;
}

const RADIX = 36;

export function recordCursor(epoch: string, position: Position): string {
  const ring = STREAMS.indexOf(position.stream);
  return join("p", epoch, [position.timeNs, ring, position.sequence]);
}

export function rankedCursor(epoch: string, position: RankedPosition): string {
  const ring = STREAMS.indexOf(position.stream);
  return join("r", epoch, [position.rank, position.timeNs, ring, position.sequence]);
}

export function traceCursor(epoch: string, position: TracePosition): string {
  return `t.${epoch}.${position.startNs.toString(RADIX)}.${position.traceId}`;
}

export function errorCursor(epoch: string, position: ErrorPosition): string {
  return `e.${epoch}.${position.lastSeenNs.toString(RADIX)}.${position.fingerprint}`;
}

/** `arrival` is -1 when nothing has arrived yet. */
export function sinceCursor(epoch: string, arrival: number): string {
  return join("n", epoch, [arrival + 1]);
}

function join(kind: string, epoch: string, numbers: readonly (number | bigint)[]): string {
  return [kind, epoch, ...numbers.map((number) => number.toString(RADIX))].join(".");
}

/** True when a value of `filter.since` is a cursor, not a time. */
export function isSinceCursor(value: string | number): value is string {
  return typeof value === "string" && /^n\./.test(value);
}

/** Each reader throws GasolineError `bad_parameter` on text that is no cursor of its kind, and `before_restart`
 * on one that another run of the daemon made. */
export function readRecordCursor(cursor: string, epoch: string, parameter: string): Position {
  return positionOf(fields(cursor, "p", 3, epoch, parameter), cursor, parameter);
}

export function readRankedCursor(cursor: string, epoch: string, parameter: string): RankedPosition {
  const [rank, ...place] = fields(cursor, "r", 4, epoch, parameter);
  return { rank: Number(numberOf(rank!, cursor, parameter)), ...positionOf(place, cursor, parameter) };
}

function positionOf([time, ring, sequence]: readonly string[], cursor: string, parameter: string): Position {
  const stream = STREAMS[Number(numberOf(ring!, cursor, parameter))];
  if (stream === undefined) throw unreadable(cursor, parameter);
  return {
    timeNs: numberOf(time!, cursor, parameter),
    stream,
    sequence: Number(numberOf(sequence!, cursor, parameter)),
  };
}

export function readTraceCursor(cursor: string, epoch: string, parameter: string): TracePosition {
  const [start, traceId] = fields(cursor, "t", 2, epoch, parameter);
  if (!/^[0-9a-f]{32}$/.test(traceId!)) throw unreadable(cursor, parameter);
  return { startNs: numberOf(start!, cursor, parameter), traceId: traceId! };
}

export function readErrorCursor(cursor: string, epoch: string, parameter: string): ErrorPosition {
  const [lastSeen, fingerprint] = fields(cursor, "e", 2, epoch, parameter);
  if (!/^[0-9a-f]{8}$/.test(fingerprint!)) throw unreadable(cursor, parameter);
  return { lastSeenNs: numberOf(lastSeen!, cursor, parameter), fingerprint: fingerprint! };
}

export function readSinceCursor(cursor: string, epoch: string): number {
  const [arrival] = fields(cursor, "n", 1, epoch, "filter.since");
  return Number(numberOf(arrival!, cursor, "filter.since")) - 1;
}

const KIND_HELP: Readonly<Record<string, string>> = {
  p: "It belongs to a listing of records (logs, timeline).",
  t: "It belongs to a listing of traces.",
  r: "It belongs to a listing of tests.",
  e: "It belongs to a listing of errors.",
  n: "It is a cursor_since: pass it as filter.since.",
};

function fields(cursor: string, kind: string, count: number, epoch: string, parameter: string): string[] {
  const [given, from, ...rest] = cursor.split(".");
  if (given === undefined || from === undefined || !Object.hasOwn(KIND_HELP, given))
    throw unreadable(cursor, parameter);
  if (given !== kind) {
    throw new GasolineError(
      "bad_parameter",
      `${parameter} ${quote(cursor)} is not a cursor of this listing. ${KIND_HELP[given]}`,
      "Take the cursor from a reply to the same question.",
    );
  }
  if (rest.length !== count) throw unreadable(cursor, parameter);
  if (from !== epoch) {
    throw new GasolineError(
      "before_restart",
      `${parameter} ${quote(cursor)} is from before the restart of the daemon, whose records are gone.`,
      "Ask again without it.",
    );
  }
  return rest;
}

/** Base 36 digits of at most 64 bits. */
function numberOf(digits: string, cursor: string, parameter: string): bigint {
  if (!/^[0-9a-z]{1,13}$/.test(digits)) throw unreadable(cursor, parameter);
  let value = 0n;
  for (const digit of digits) value = value * BigInt(RADIX) + BigInt(Number.parseInt(digit, RADIX));
  return value;
}

function unreadable(cursor: string, parameter: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `${parameter} ${quote(cursor)} is not a cursor; expected one that a reply gave.`,
    "Cursors stand in a reply's metadata as cursor_next, cursor_prev and cursor_since.",
  );
}

function quote(cursor: string): string {
  return JSON.stringify(cursor.length > 60 ? `${cursor.slice(0, 60)}…` : cursor);
}
