import { BITS, type RecordTable } from "../model/scan-table.ts";
import { fieldEnd, fixedEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { markOfEventName } from "./marks.ts";
import { growRecordTable, resetRecordTable } from "./record-table.ts";
import { scanAnyValue, scanKeyValue } from "./scan-attributes.ts";
import { type SignalScan, scanGroups } from "./scan-groups.ts";
import { SPAN_ID_BYTES, TRACE_ID_BYTES, writeIds, writeTimes } from "./scan-words.ts";
import { LOG_RECORD, LOGS_REQUEST } from "./schema.ts";
import { validateField } from "./validate-message.ts";

/** Severity numbers end at 24 (FATAL4); unknown ones count as unset. */
const SEVERITY_MAX = 24;

/**
 * Reads an ExportLogsServiceRequest in one pass, as `scanTraces` does for spans. A record's time is its
 * time_unix_nano, else its observed time, as start with end 0. Ids that are absent or malformed are zero: every
 * record is kept. Throws `malformed_body` or `too_large`, and leaves the table empty then.
 */
export function scanLogs(body: Uint8Array, table: RecordTable, depthMax = 64): void {
  resetRecordTable(table);
  try {
    scanGroups(body, table, LOGS, depthMax);
    table.body = body;
  } catch (error) {
    resetRecordTable(table);
    throw error;
  }
}

const LOGS: SignalScan<RecordTable> = { request: LOGS_REQUEST, scanRecord: scanLog };

function scanLog(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  table: RecordTable,
  depthMax: number,
): void {
  let traceIdAt = -1;
  let spanIdAt = -1;
  let nameAt = 0;
  let nameLength = 0;
  let timeAt = -1;
  let observedAt = -1;
  let severity = 0;
  let marks = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    switch (tag) {
      case 0x09: // 1 time_unix_nano
        timeAt = valueAt;
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x10: // 2 severity_number
        severity = varintValue(body, valueAt);
        p = varintEnd(body, valueAt, end);
        break;
      case 0x2a: {
        // 5 body
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        scanAnyValue(body, start, p, 1, depthMax);
        break;
      }
      case 0x32: {
        // 6 attributes
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        marks |= scanKeyValue(body, start, p, 1, depthMax);
        break;
      }
      case 0x4a: {
        // 9 trace_id
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        traceIdAt = p - start === TRACE_ID_BYTES ? start : -1;
        break;
      }
      case 0x52: {
        // 10 span_id
        const start = payloadStart(body, valueAt, end);
        p = start + varintValue(body, valueAt);
        spanIdAt = p - start === SPAN_ID_BYTES ? start : -1;
        break;
      }
      case 0x59: // 11 observed_time_unix_nano
        observedAt = valueAt;
        p = fixedEnd(valueAt, 8, end);
        break;
      case 0x62: // 12 event_name
        nameAt = payloadStart(body, valueAt, end);
        nameLength = varintValue(body, valueAt);
        p = nameAt + nameLength;
        break;
      default: // 3 severity_text, 7 dropped_attributes_count, 8 flags, unknown fields
        p = fieldEnd(body, valueAt, end, tag);
        validateField(body, valueAt, p, tag, LOG_RECORD, depthMax);
    }
  }

  if (table.count === table.offset.length) growRecordTable(table);
  const row = table.count++;
  table.offset[row] = at;
  table.length[row] = end - at;
  table.group[row] = table.groups.length;
  writeIds(table.ids, 8 * row, view, traceIdAt, spanIdAt, -1);
  writeTimes(table.times, 4 * row, view, isZeroTime(view, timeAt) ? observedAt : timeAt, -1);
  table.nameOffset[row] = nameAt;
  table.nameLength[row] = nameLength;
  table.bits[row] =
    marks |
    markOfEventName(body, nameAt, nameLength) |
    ((severity > SEVERITY_MAX ? 0 : severity) << BITS.severityShift);
}

function isZeroTime(view: DataView, at: number): boolean {
  return at < 0 || (view.getUint32(at) === 0 && view.getUint32(at + 4) === 0);
}
