import { SEVERITY_ERROR } from "../../model/log.ts";
import { BITS, type PointTable, type RecordTable, type ScopeGroup } from "../../model/scan-table.ts";
import type { CommitResult } from "../../model/sink.ts";
import { STREAMS } from "../../model/stream.ts";
import { HAS_PARENT, KIND_SHIFT, NONE, RECORD_KINDS } from "./columns.ts";
import { OVERFLOW } from "./intern.ts";
import type { Rings } from "./rings.ts";
import { hintsOf, RING, routeOf } from "./routing.ts";
import type { StreamRing } from "./stream.ts";
import { TRACE_FLAGS } from "./trace-index.ts";

const SPAN = RECORD_KINDS.indexOf("span");
const LOG = RECORD_KINDS.indexOf("log");
const METRIC = RECORD_KINDS.indexOf("metric");
/** Records copied in one piece. Bounds what is evicted at once to make room for them. */
const RUN_RECORDS_MAX = 128;
/** Bytes between two records that are copied along: a tag and a length. More would be someone else's. */
const GAP_BYTES_MAX = 16;
const EXPIRED_PER_COMMIT_MAX = 64;
const STATUS_ERROR = 2;
const WORD = 2 ** 32;

/** Told of each stored point while its header and group are held. */
export type PointSeen = (row: number, header: number, group: number, sequence: number) => void;

/**
 * Copies tables into rings. Neighbours in a body that go to one ring are copied in one piece with the few framing
 * bytes between them, because a call per record costs more than the copy (bench/ring.ts).
 */
export class Committer {
  readonly #rings: Rings;
  /** Numbers of the table's groups; of its metric headers and their names. One reference each while committing. */
  #groups = new Uint32Array(64);
  #headers = new Uint32Array(64);
  #headerNames = new Uint32Array(64);
  #dropped = 0;
  #droppedReason = "";

  constructor(rings: Rings) {
    this.#rings = rings;
  }

  commitSpans(table: RecordTable): CommitResult {
    return this.#commit(table, (from) => this.#runOfRecords(table, from, SPAN));
  }

  commitLogs(table: RecordTable): CommitResult {
    return this.#commit(table, (from) => this.#runOfRecords(table, from, LOG));
  }

  commitPoints(table: PointTable, seen: PointSeen): CommitResult {
    const { headers, names } = this.#rings;
    const count = table.metrics.length;
    if (count > this.#headers.length) {
      this.#headers = new Uint32Array(2 * count);
      this.#headerNames = new Uint32Array(2 * count);
    }
    for (let i = 0; i < count; i++) {
      const name = Buffer.from(table.metrics[i]!.name);
      this.#headers[i] = headers.acquire(table.metrics[i]!);
      this.#headerNames[i] = names.acquire(name, 0, name.length);
    }
    const result = this.#commit(table, (from) => this.#runOfPoints(table, from, seen));
    for (let i = 0; i < count; i++) {
      headers.table.release(this.#headers[i]!);
      this.#rings.releaseName(this.#headerNames[i]!);
    }
    return result;
  }

  #commit(table: RecordTable, commitRun: (from: number) => number): CommitResult {
    this.#rings.tick(EXPIRED_PER_COMMIT_MAX);
    this.#dropped = 0;
    this.#droppedReason = "";
    this.#holdGroups(table.groups);
    let row = 0;
    while (row < table.count) row = commitRun(row);
    for (let i = 0; i < table.groups.length; i++) this.#rings.groups.table.release(this.#groups[i]!);
    return {
      stored: table.count - this.#dropped,
      dropped: this.#dropped,
      droppedReason: this.#droppedReason,
    };
  }

  /** Groups are held for the whole commit, so that evicting their last record does not free them under it. */
  #holdGroups(groups: readonly ScopeGroup[]): void {
    const held = this.#rings.groups;
    if (groups.length > this.#groups.length) this.#groups = new Uint32Array(2 * groups.length);
    for (let i = 0; i < groups.length; i++) {
      const number = held.acquire(groups[i]!);
      if (held.table.references[number] === 1) held.hints[number] = hintsOf(held.bytesOf(number));
      this.#groups[i] = number;
    }
  }

  /** Commits rows from `from` on that go to one ring together; returns the first row that is left. */
  #runOfRecords(table: RecordTable, from: number, kind: number): number {
    const rings = this.#rings;
    const ring = rings.all[this.#routeOf(table, from, kind)]!;
    if (table.length[from]! > ring.recordBytesMax) return this.#dropTooLarge(table, from, ring);
    const to = this.#makeRunRoom(table, from, ring, (row) => this.#routeOf(table, row, kind) === ring.number);
    const first = this.#place(table, from, to, ring);
    const { index, names, isSpanName } = rings;
    const { start, end, mask } = ring.columns;
    const columns = ring.columns;
    const { body, ids, times, bits, nameOffset, nameLength } = table;
    let trace = NONE;
    for (let row = from; row < to; row++) {
      const slot = (first + row - from) & mask;
      const t = 4 * row;
      const startNs = (times[t + 1]! - rings.epochHigh) * WORD + (times[t]! - rings.epochLow);
      const hasEnd = (times[t + 2]! | times[t + 3]!) !== 0;
      start[slot] = startNs;
      end[slot] = hasEnd
        ? (times[t + 3]! - rings.epochHigh) * WORD + (times[t + 2]! - rings.epochLow)
        : startNs;
      const name = names.acquire(body, nameOffset[row]!, nameLength[row]!);
      columns.name[slot] = name;
      if (kind === SPAN) isSpanName[name] = 1;
      const i = 8 * row;
      columns.ids[2 * slot] = ids[i + 4]!;
      columns.ids[2 * slot + 1] = ids[i + 5]!;
      const hasParent = (ids[i + 6]! | ids[i + 7]!) !== 0;
      columns.bits[slot] = bits[row]! | (kind << KIND_SHIFT) | (hasParent ? HAS_PARENT : 0);
      if ((ids[i]! | ids[i + 1]! | ids[i + 2]! | ids[i + 3]!) === 0) {
        columns.chain[slot] = NONE;
        continue;
      }
      // Spans of one trace often stand together.
      if (row === from || !isSameTrace(ids, i)) {
        trace = index.open(ids[i]!, ids[i + 1]!, ids[i + 2]!, ids[i + 3]!, columns.arrival[slot]!);
      }
      columns.chain[slot] = index.link(trace, ring.number, slot, columns.next);
      if (kind === SPAN && !hasParent) index.rootKey[trace] = names.hash[name]!;
      if (isError(bits[row]!, kind) && index.errorKey[trace] === 0) {
        index.errorKey[trace] = names.hash[name]! | 1;
        index.flags[trace] = index.flags[trace]! | TRACE_FLAGS.error;
      }
    }
    return to;
  }

  #runOfPoints(table: PointTable, from: number, seen: PointSeen): number {
    const rings = this.#rings;
    const ring = rings.all[RING.metrics]!;
    if (table.length[from]! > ring.recordBytesMax) return this.#dropTooLarge(table, from, ring);
    const isKnown = (row: number): boolean => this.#headers[table.metric[row]!] !== OVERFLOW;
    if (!isKnown(from)) {
      ring.dropped++;
      return this.#drop(from, `More distinct metrics than are kept (${rings.headers.table.count}).`);
    }
    const to = this.#makeRunRoom(table, from, ring, isKnown);
    const first = this.#place(table, from, to, ring);
    const { columns } = ring;
    const { times } = table;
    for (let row = from; row < to; row++) {
      const sequence = first + row - from;
      const slot = sequence & columns.mask;
      const t = 4 * row;
      const startNs = (times[t + 1]! - rings.epochHigh) * WORD + (times[t]! - rings.epochLow);
      const header = this.#headers[table.metric[row]!]!;
      const name = this.#headerNames[table.metric[row]!]!;
      columns.start[slot] = startNs;
      columns.end[slot] = startNs;
      columns.name[slot] = name;
      columns.metric[slot] = header;
      columns.bits[slot] = table.bits[row]! | (METRIC << KIND_SHIFT);
      columns.ids.fill(0, 2 * slot, 2 * slot + 2);
      columns.chain[slot] = NONE;
      rings.names.retain(name);
      rings.headers.table.retain(header);
      seen(row, header, columns.group[slot]!, sequence);
    }
    return to;
  }

  #routeOf(table: RecordTable, row: number, kind: number): number {
    const hints = this.#rings.groups.hints[this.#groups[table.group[row]!]!]!;
    const { body, bits, nameOffset, nameLength } = table;
    return routeOf(kind === LOG, bits[row]!, hints, body, nameOffset[row]!, nameLength[row]!);
  }

  /** Makes room for the row `from` and as many followers as can be copied with it; returns the row after them. */
  #makeRunRoom(table: RecordTable, from: number, ring: StreamRing, joins: (row: number) => boolean): number {
    const { offset, length } = table;
    const first = offset[from]!;
    const rowsMax = Math.min(table.count, from + Math.min(RUN_RECORDS_MAX, ring.recordsMax));
    this.#rings.makeRoom(ring, 1, length[from]!);
    const bytesMax = ring.bytesOpen;
    let end = first + length[from]!;
    let row = from + 1;
    while (row < rowsMax) {
      const gap = offset[row]! - end;
      const next = offset[row]! + length[row]!;
      if (gap < 0 || gap > GAP_BYTES_MAX || next - first > bytesMax || !joins(row)) break;
      end = next;
      row++;
    }
    // Evicting for the followers can empty the ring and take its slab, so the bytes are asked for again.
    this.#rings.makeRoom(ring, row - from, end - first);
    return row;
  }

  /**
   * Copies a run's bytes in one piece, takes its slots, and sets the columns that all kinds of records share.
   * Returns the first of its sequence numbers.
   */
  #place(table: RecordTable, from: number, to: number, ring: StreamRing): number {
    const rings = this.#rings;
    const last = to - 1;
    const bodyFrom = table.offset[from]!;
    const shift = ring.write(table.body, bodyFrom, table.offset[last]! + table.length[last]!) - bodyFrom;
    const { mask, group, slab, offset, length, arrival, arrivedMs } = ring.columns;
    const first = ring.next;
    const openSlab = ring.slab;
    let bytes = 0;
    for (let row = from; row < to; row++) {
      const slot = (first + row - from) & mask;
      const number = this.#groups[table.group[row]!]!;
      rings.groups.table.retain(number);
      group[slot] = number;
      slab[slot] = openSlab;
      offset[slot] = table.offset[row]! + shift;
      length[slot] = table.length[row]!;
      arrival[slot] = rings.arrivals + row - from;
      arrivedMs[slot] = rings.nowMs;
      bytes += table.length[row]!;
    }
    ring.next = first + to - from;
    ring.bytes += bytes;
    rings.arrivals += to - from;
    return first;
  }

  #dropTooLarge(table: RecordTable, row: number, ring: StreamRing): number {
    ring.dropped++;
    const stream = STREAMS[ring.number]!;
    const reason = `A record of ${table.length[row]} bytes is larger than ${stream} keeps (${ring.recordBytesMax}).`;
    return this.#drop(row, reason);
  }

  #drop(row: number, reason: string): number {
    if (this.#dropped++ === 0) this.#droppedReason = reason;
    return row + 1;
  }
}

/** Whether the row whose words begin at `i` is of the trace of the row before. */
function isSameTrace(ids: Uint32Array, i: number): boolean {
  return (
    ids[i] === ids[i - 8] &&
    ids[i + 1] === ids[i - 7] &&
    ids[i + 2] === ids[i - 6] &&
    ids[i + 3] === ids[i - 5]
  );
}

function isError(bits: number, kind: number): boolean {
  if (kind === SPAN) return ((bits >>> BITS.statusShift) & BITS.statusMask) === STATUS_ERROR;
  return ((bits >>> BITS.severityShift) & BITS.severityMask) >= SEVERITY_ERROR;
}
