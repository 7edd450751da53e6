import { BITS, type RecordTable } from "../model/scan-table.ts";
import { fieldEnd, fixedEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { growRecordTable, resetRecordTable } from "./record-table.ts";
import { scanKeyValue } from "./scan-attributes.ts";
import { type SignalScan, scanGroups } from "./scan-groups.ts";
import { scanEvent, scanStatus } from "./scan-span-parts.ts";
import { writeIds, writeTimes } from "./scan-words.ts";
import { SPAN, TRACES_REQUEST } from "./schema.ts";
import { idLengthProblem, zeroIdProblem } from "./span-ids.ts";
import { validateField } from "./validate-message.ts";

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
function scanSpan(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  table: RecordTable,
  depthMax: number,
): void {
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
    let tag = body[p]!;
    let valueAt = p + 1;
    if (tag === 0x4a && valueAt < end) {
      // 9 attributes, most of all fields: a short one takes no calls but one
      const length = body[valueAt]!;
      if (length < 0x80 && length < end - valueAt) {
        p = valueAt + 1 + length;
        marks |= scanKeyValue(body, valueAt + 1, p, 1, depthMax);
        continue;
      }
    }
    if (tag >= 0x80) {
      tag = varintValue(body, p);
      valueAt = varintEnd(body, p, end);
    }
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
      case 0x5a: {
        // 11 events
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        marks |= scanEvent(body, start, p, depthMax);
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
      default: // 3 trace_state, 10, 12 and 14 dropped counts, 13 links, unknown fields
        p = fieldEnd(body, valueAt, end, tag);
        validateField(body, valueAt, p, tag, SPAN, depthMax);
    }
  }

  const row = table.count;
  const lengthProblem = idLengthProblem(traceIdLength, spanIdLength, parentIdLength);
  if (lengthProblem !== "") {
    reject(table, lengthProblem);
    return;
  }
  if (row === table.offset.length) growRecordTable(table);
  writeIds(table.ids, 8 * row, view, traceIdAt, spanIdAt, parentIdLength === 0 ? -1 : parentIdAt);
  const zeroProblem = zeroIdProblem(table.ids, 8 * row);
  if (zeroProblem !== "") {
    reject(table, zeroProblem);
    return;
  }
  writeTimes(table.times, 4 * row, view, startAt, endAt);
  table.offset[row] = at;
  table.length[row] = end - at;
  table.group[row] = table.groups.length;
  table.nameOffset[row] = nameAt;
  table.nameLength[row] = nameLength;
  table.bits[row] = marks | (kind > 5 ? 0 : kind) | ((status > 2 ? 0 : status) << BITS.statusShift);
  table.count = row + 1;
}

function reject(table: RecordTable, reason: string): void {
  if (table.rejected === 0) table.rejectedReason = reason;
  table.rejected++;
}
