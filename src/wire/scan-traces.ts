import { BITS, type RecordTable } from "../model/scan-table.ts";
import { fixedEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { isException } from "./marks.ts";
import { growRecordTable, resetRecordTable } from "./record-table.ts";
import { scanKeyValue } from "./scan-attributes.ts";
import { type SignalScan, scanGroups } from "./scan-groups.ts";
import { clearId, isZeroId, SPAN_ID_BYTES, TRACE_ID_BYTES, word32, writeId } from "./scan-ids.ts";
import { SPAN, SPAN_EVENT, SPAN_LINK, STATUS, TRACES_REQUEST } from "./schema.ts";
import { skipUnknown } from "./skip-unknown.ts";
import { validateMessage } from "./validate-message.ts";

/**
 * Reads an ExportTraceServiceRequest in one pass: validates it whole and fills `table` with where each span lies,
 * its ids, times, name, kind, status and marks. Nothing else is decoded.
 *
 * A span with a bad id is left out alone and counted in `table.rejected`. `depthMax` bounds nested attribute
 * values. A body that is not a well-formed request throws `malformed_body` (`too_large` past ROWS_MAX records)
 * and leaves the table empty.
 */
export function scanTraces(body: Uint8Array, table: RecordTable, depthMax = 64): void {
  resetRecordTable(table);
  try {
    scanGroups(body, table, TRACES, depthMax);
    table.body = body;
  } catch (error) {
    resetRecordTable(table);
    throw error;
  }
}

const TRACES: SignalScan<RecordTable> = { request: TRACES_REQUEST, scanRecord: scanSpan };

/** Absent fields keep position 0 and length 0. Scalars that repeat keep the last; so do the ids. */
function scanSpan(body: Uint8Array, at: number, end: number, table: RecordTable, depthMax: number): void {
  let traceIdAt = 0;
  let traceIdLength = 0;
  let spanIdAt = 0;
  let spanIdLength = 0;
  let parentIdAt = 0;
  let parentIdLength = 0;
  let nameAt = 0;
  let nameLength = 0;
  let startAt = -1;
  let endAt = -1;
  let kind = 0;
  let status = 0;
  let marks = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    switch (tag) {
      case 0x0a: // 1 trace_id
        traceIdAt = payloadStart(body, valueAt, end);
        traceIdLength = varintValue(body, valueAt);
        p = traceIdAt + traceIdLength;
        break;
      case 0x12: // 2 span_id
        spanIdAt = payloadStart(body, valueAt, end);
        spanIdLength = varintValue(body, valueAt);
        p = spanIdAt + spanIdLength;
        break;
      case 0x22: // 4 parent_span_id
        parentIdAt = payloadStart(body, valueAt, end);
        parentIdLength = varintValue(body, valueAt);
        p = parentIdAt + parentIdLength;
        break;
      case 0x1a: {
        // 3 trace_state
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        break;
      }
      case 0x2a: // 5 name
        nameAt = payloadStart(body, valueAt, end);
        nameLength = varintValue(body, valueAt);
        p = nameAt + nameLength;
        break;
      case 0x30: // 6 kind
        kind = varintValue(body, valueAt);
        p = varintEnd(body, valueAt, end);
        break;
      case 0x39: // 7 start_time_unix_nano
        startAt = valueAt;
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x41: // 8 end_time_unix_nano
        endAt = valueAt;
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x4a: {
        // 9 attributes
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        marks |= scanKeyValue(body, start, p, 1, depthMax);
        break;
      }
      case 0x50: // 10 dropped_attributes_count
      case 0x60: // 12 dropped_events_count
      case 0x70: // 14 dropped_links_count
        p = varintEnd(body, valueAt, end);
        break;
      case 0x5a: {
        // 11 events
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        marks |= scanEvent(body, start, p, depthMax);
        break;
      }
      case 0x6a: {
        // 13 links
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        validateMessage(body, start, p, SPAN_LINK, depthMax);
        break;
      }
      case 0x7a: {
        // 15 status
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        status = scanStatus(body, start, p, status);
        break;
      }
      case 0x85: // 16 flags
        p = fixedEnd(valueAt, 4, end);
        break;
      default:
        p = skipUnknown(body, valueAt, end, tag, SPAN);
    }
  }

  const problem = idProblem(body, traceIdAt, traceIdLength, spanIdAt, spanIdLength, parentIdLength);
  if (problem !== "") {
    if (table.rejected++ === 0) table.rejectedReason = problem;
    return;
  }
  if (table.count === table.offset.length) growRecordTable(table);
  const row = table.count++;
  table.offset[row] = at;
  table.length[row] = end - at;
  table.group[row] = table.groups.length;
  const ids = table.ids;
  writeId(ids, 8 * row, body, traceIdAt, 4);
  writeId(ids, 8 * row + 4, body, spanIdAt, 2);
  if (parentIdLength === 0) clearId(ids, 8 * row + 6, 2);
  else writeId(ids, 8 * row + 6, body, parentIdAt, 2);
  const times = table.times;
  times[4 * row] = startAt < 0 ? 0 : word32(body, startAt);
  times[4 * row + 1] = startAt < 0 ? 0 : word32(body, startAt + 4);
  times[4 * row + 2] = endAt < 0 ? 0 : word32(body, endAt);
  times[4 * row + 3] = endAt < 0 ? 0 : word32(body, endAt + 4);
  table.nameOffset[row] = nameAt;
  table.nameLength[row] = nameLength;
  table.bits[row] = marks | (kind > 5 ? 0 : kind) | ((status > 2 ? 0 : status) << BITS.statusShift);
}

/** The mark of an event named `exception`, else 0. */
function scanEvent(body: Uint8Array, at: number, end: number, depthMax: number): number {
  let mark = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    switch (tag) {
      case 0x09: // 1 time_unix_nano
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x12: {
        // 2 name
        const start = payloadStart(body, valueAt, end);
        const length = varintValue(body, valueAt);
        p = start + length;
        mark = isException(body, start, length) ? BITS.markException : 0;
        break;
      }
      case 0x1a: {
        // 3 attributes
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        scanKeyValue(body, start, p, 1, depthMax);
        break;
      }
      case 0x20: // 4 dropped_attributes_count
        p = varintEnd(body, valueAt, end);
        break;
      default:
        p = skipUnknown(body, valueAt, end, tag, SPAN_EVENT);
    }
  }
  return mark;
}

/** The status code, or `before` when this Status says none: a Status that comes twice is merged. */
function scanStatus(body: Uint8Array, at: number, end: number, before: number): number {
  let code = before;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag === 0x18) {
      code = varintValue(body, valueAt);
      p = varintEnd(body, valueAt, end);
    } else if (tag === 0x12) {
      const start = payloadStart(body, valueAt, end);
      p = start + varintValue(body, valueAt);
    } else {
      p = skipUnknown(body, valueAt, end, tag, STATUS);
    }
  }
  return code;
}

const ID_REMEDY =
  "Ids are raw bytes in protobuf and hex digits in JSON, never base64; check the exporter that made them.";

/** Why a span is rejected, or "" when its ids are fine. An all-zero parent means a root (W3C trace context). */
function idProblem(
  body: Uint8Array,
  traceIdAt: number,
  traceIdLength: number,
  spanIdAt: number,
  spanIdLength: number,
  parentIdLength: number,
): string {
  if (traceIdLength !== TRACE_ID_BYTES) return wrongLength("trace id", traceIdLength, TRACE_ID_BYTES);
  if (spanIdLength !== SPAN_ID_BYTES) return wrongLength("span id", spanIdLength, SPAN_ID_BYTES);
  if (parentIdLength !== 0 && parentIdLength !== SPAN_ID_BYTES) {
    return wrongLength("parent span id", parentIdLength, SPAN_ID_BYTES);
  }
  if (isZeroId(body, traceIdAt, TRACE_ID_BYTES)) return `A span's trace id is all zero. ${ID_REMEDY}`;
  if (isZeroId(body, spanIdAt, SPAN_ID_BYTES)) return `A span's span id is all zero. ${ID_REMEDY}`;
  return "";
}

function wrongLength(what: string, length: number, expected: number): string {
  return `A span's ${what} is ${length} bytes long, expected ${expected}. ${ID_REMEDY}`;
}
