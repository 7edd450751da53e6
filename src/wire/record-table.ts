import { GasolineError } from "../model/errors.ts";
import type { PointTable, RecordTable } from "../model/scan-table.ts";

const ROWS_AT_FIRST = 1024;
/** A table that grew past this gives its memory back before the next body (76 bytes a row). */
const ROWS_KEPT_MAX = 131_072;
/** Records of one body. A record can be two bytes long, its row is 76: the table needs a bound of its own. */
export const ROWS_MAX = 1_048_576;

const EMPTY = new Uint8Array(0);

/** An empty table for spans or log records. */
export function createRecordTable(): RecordTable {
  return {
    body: EMPTY,
    count: 0,
    ...recordColumns(ROWS_AT_FIRST),
    groups: [],
    rejected: 0,
    rejectedReason: "",
  };
}

/** An empty table for metric data points. */
export function createPointTable(): PointTable {
  return { ...createRecordTable(), metric: new Uint32Array(ROWS_AT_FIRST), metrics: [] };
}

/** Forgets all rows and the body. Columns keep their size, unless an outsized body made them grow. */
export function resetRecordTable(table: RecordTable): void {
  table.body = EMPTY;
  table.count = 0;
  table.groups.length = 0;
  table.rejected = 0;
  table.rejectedReason = "";
  if (table.offset.length > ROWS_KEPT_MAX) Object.assign(table, recordColumns(ROWS_AT_FIRST));
}

/** `resetRecordTable` for data points. */
export function resetPointTable(table: PointTable): void {
  resetRecordTable(table);
  table.metrics.length = 0;
  if (table.metric.length !== table.offset.length) table.metric = new Uint32Array(table.offset.length);
}

/** Doubles the rows a table can hold. Throws `too_large` at `ROWS_MAX`. */
export function growRecordTable(table: RecordTable): void {
  const rows = table.offset.length * 2;
  if (rows > ROWS_MAX) {
    throw new GasolineError(
      "too_large",
      `The body holds more than ${ROWS_MAX} records.`,
      "Send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE and its like).",
    );
  }
  const grown = recordColumns(rows);
  grown.offset.set(table.offset);
  grown.length.set(table.length);
  grown.group.set(table.group);
  grown.ids.set(table.ids);
  grown.times.set(table.times);
  grown.nameOffset.set(table.nameOffset);
  grown.nameLength.set(table.nameLength);
  grown.bits.set(table.bits);
  Object.assign(table, grown);
}

/** `growRecordTable` for data points. */
export function growPointTable(table: PointTable): void {
  growRecordTable(table);
  const metric = new Uint32Array(table.offset.length);
  metric.set(table.metric);
  table.metric = metric;
}

function recordColumns(rows: number) {
  return {
    offset: new Uint32Array(rows),
    length: new Uint32Array(rows),
    group: new Uint32Array(rows),
    ids: new Uint32Array(8 * rows),
    times: new Uint32Array(4 * rows),
    nameOffset: new Uint32Array(rows),
    nameLength: new Uint32Array(rows),
    bits: new Uint32Array(rows),
  };
}
