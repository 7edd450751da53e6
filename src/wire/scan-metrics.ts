import type { PointTable } from "../model/scan-table.ts";
import { ByteWriter } from "./byte-writer.ts";
import { fieldEnd, fieldNumber, payloadStart, varintEnd, varintValue, WIRE } from "./cursor.ts";
import { asBuffer, textAt } from "./decode-scalars.ts";
import { growPointTable, resetPointTable } from "./record-table.ts";
import { scanKeyValue } from "./scan-attributes.ts";
import { type SignalScan, scanGroups } from "./scan-groups.ts";
import { writeIds, writeTimes } from "./scan-words.ts";
import { METRIC, METRICS_REQUEST, type Message } from "./schema.ts";
import { validateField } from "./validate-message.ts";

/**
 * Reads an ExportMetricsServiceRequest in one pass. Rows are data points: their time as start with end 0, no ids
 * and no name; the metric they belong to is kept once as a `MetricHeader`. A metric without points makes no
 * header. Throws `malformed_body` or `too_large`, and leaves the table empty then.
 */
export function scanMetrics(body: Uint8Array, table: PointTable, depthMax = 64): void {
  resetPointTable(table);
  // Scratch for all headers of the body: a body of 64 MiB can hold a million metrics.
  const header = new ByteWriter();
  const data = new ByteWriter();
  const metrics: SignalScan<PointTable> = {
    request: METRICS_REQUEST,
    scanRecord: (...record) => scanMetric(...record, header, data),
  };
  try {
    scanGroups(body, table, metrics, depthMax);
    table.body = body;
  } catch (error) {
    resetPointTable(table);
    throw error;
  }
}

/** Field numbers of the data in Metric (a oneof). */
const DATA_FIELDS: ReadonlySet<number> = new Set([5, 7, 9, 10, 11]);

/** Where each kind of data point has its attributes, by the data's field number in Metric. */
const POINT_ATTRIBUTES_FIELD: Readonly<Record<number, number>> = { 5: 7, 7: 7, 9: 9, 10: 1, 11: 7 };

/** Data points are field 1 of every kind of data. */
const POINT_TAG = 0x0a;

function scanMetric(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  table: PointTable,
  depthMax: number,
  header: ByteWriter,
  data: ByteWriter,
): void {
  const dataFrom = dataStart(body, at, end);
  const dataField = dataFrom < end ? fieldNumber(varintValue(body, dataFrom)) : 0;
  const firstRow = table.count;
  let name = "";
  header.clear();
  data.clear();
  for (let p = at; p < end; ) {
    const fieldAt = p;
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
    const field = fieldNumber(tag);
    if (field === dataField && fieldAt >= dataFrom && (tag & 7) === WIRE.length) {
      scanData(body, view, payloadStart(body, valueAt, p), p, dataField, table, data, depthMax);
      continue;
    }
    validateField(body, valueAt, p, tag, METRIC, depthMax);
    if (DATA_FIELDS.has(field)) continue;
    header.raw(body.subarray(fieldAt, p));
    if (field === 1) name = textAt(asBuffer(body), valueAt, p);
  }
  if (table.count === firstRow) return;
  header.bytesField(dataField, data.finish());
  table.metrics.push({ bytes: header.finish().slice(), name, dataField });
}

/**
 * Where the data that counts begins, `end` when there is none. The data is a oneof: the last kind replaces the kinds
 * before it, and data of one kind that comes twice in a row is merged.
 */
function dataStart(body: Uint8Array, at: number, end: number): number {
  let kind = 0;
  let start = end;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    if (fieldNumber(tag) !== kind && DATA_FIELDS.has(fieldNumber(tag))) {
      kind = fieldNumber(tag);
      start = p;
    }
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
  }
  return start;
}

/** Points become rows; the other fields of the data are copied to `rest`. */
function scanData(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  dataField: number,
  table: PointTable,
  rest: ByteWriter,
  depthMax: number,
): void {
  const dataSchema = METRIC.fields[dataField]!.message!;
  const pointSchema = dataSchema.fields[1]!.message!;
  let p = at;
  while (p < end) {
    const fieldAt = p;
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
    if (tag === POINT_TAG) {
      scanPoint(body, view, payloadStart(body, valueAt, p), p, dataField, pointSchema, table, depthMax);
    } else {
      validateField(body, valueAt, p, tag, dataSchema, depthMax);
      rest.raw(body.subarray(fieldAt, p));
    }
  }
}

function scanPoint(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  dataField: number,
  schema: Message,
  table: PointTable,
  depthMax: number,
): void {
  const attributesTag = POINT_ATTRIBUTES_FIELD[dataField]! * 8 + 2;
  let timeAt = -1;
  let marks = 0;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
    if (tag === attributesTag) {
      marks |= scanKeyValue(body, payloadStart(body, valueAt, p), p, 1, depthMax);
    } else {
      validateField(body, valueAt, p, tag, schema, depthMax);
      if (tag === 0x19) timeAt = valueAt; // 3 time_unix_nano, in all kinds of points
    }
  }

  if (table.count === table.offset.length) growPointTable(table);
  const row = table.count++;
  table.offset[row] = at;
  table.length[row] = end - at;
  table.group[row] = table.groups.length;
  table.metric[row] = table.metrics.length;
  writeIds(table.ids, 8 * row, view, -1, -1, -1);
  writeTimes(table.times, 4 * row, view, timeAt, -1);
  table.nameOffset[row] = 0;
  table.nameLength[row] = 0;
  table.bits[row] = marks;
}
