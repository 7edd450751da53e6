import type { LogRecord } from "../../src/model/log.ts";
import type { MetricPoint } from "../../src/model/metric.ts";
import type { PointTable, RecordTable } from "../../src/model/scan-table.ts";
import type { Span } from "../../src/model/span.ts";
import { decodeLog } from "../../src/wire/decode-log.ts";
import { decodePoint } from "../../src/wire/decode-metric.ts";
import { decodeResource, decodeScope } from "../../src/wire/decode-resource.ts";
import { decodeSpan } from "../../src/wire/decode-span.ts";
import { createPointTable, createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";

/** Scans a body and decodes every row, as receiver and store do together. */

export function readSpans(body: Uint8Array): Span[] {
  const table = createRecordTable();
  scanTraces(body, table);
  return rowsOf(table, (bytes, row) => decodeSpan(bytes, ...senderOf(table, row)));
}

export function readLogs(body: Uint8Array): LogRecord[] {
  const table = createRecordTable();
  scanLogs(body, table);
  return rowsOf(table, (bytes, row) => decodeLog(bytes, ...senderOf(table, row)));
}

export function readPoints(body: Uint8Array): MetricPoint[] {
  const table = createPointTable();
  scanMetrics(body, table);
  return pointsOf(table);
}

function pointsOf(table: PointTable): MetricPoint[] {
  return rowsOf(table, (bytes, row) =>
    decodePoint(table.metrics[table.metric[row]!]!, bytes, ...senderOf(table, row)),
  );
}

/** Bytes of one row's record. */
export function bytesOf(table: RecordTable, row: number): Uint8Array {
  return table.body.subarray(table.offset[row]!, table.offset[row]! + table.length[row]!);
}

function rowsOf<T>(table: RecordTable, read: (bytes: Uint8Array, row: number) => T): T[] {
  return Array.from({ length: table.count }, (_, row) => read(bytesOf(table, row), row));
}

function senderOf(table: RecordTable, row: number) {
  const group = table.groups[table.group[row]!]!;
  return [
    decodeResource(group.resource, group.resourceSchemaUrl),
    decodeScope(group.scope, group.scopeSchemaUrl),
  ] as const;
}
