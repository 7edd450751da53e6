import { expect, test } from "vitest";
import {
  createPointTable,
  createRecordTable,
  growPointTable,
  growRecordTable,
  resetPointTable,
  resetRecordTable,
} from "../../src/wire/record-table.ts";

const COLUMNS = [
  "offset",
  "length",
  "group",
  "ids",
  "times",
  "nameOffset",
  "nameLength",
  "bits",
  "metric",
] as const;

test("growing doubles every column and keeps what it holds", () => {
  const table = createPointTable();
  const before = COLUMNS.map((name, i) => {
    table[name].forEach((_, row, column) => {
      column[row] = 1000 * i + row;
    });
    return [...table[name]];
  });
  growPointTable(table);
  COLUMNS.forEach((name, i) => {
    expect([name, table[name].length]).toEqual([name, 2 * before[i]!.length]);
    expect([...table[name].slice(0, before[i]!.length)]).toEqual(before[i]);
  });
});

test("a reset forgets the body and all rows, and keeps the columns", () => {
  const table = createRecordTable();
  const { offset } = table;
  table.body = new Uint8Array(5);
  table.count = 3;
  table.rejected = 1;
  table.rejectedReason = "x";
  const nothing = new Uint8Array(0);
  table.groups.push({
    resource: nothing,
    scope: nothing,
    resourceSchemaUrl: nothing,
    scopeSchemaUrl: nothing,
  });
  resetRecordTable(table);
  expect(table).toMatchObject({ body: nothing, count: 0, groups: [], rejected: 0, rejectedReason: "" });
  expect(table.offset).toBe(offset);
});

test("a table that an outsized body made grow gives its memory back", () => {
  const table = createPointTable();
  const rowsAtFirst = table.offset.length;
  while (table.offset.length <= 131_072) growPointTable(table);
  resetPointTable(table);
  expect([table.offset.length, table.ids.length, table.metric.length]).toEqual([
    rowsAtFirst,
    8 * rowsAtFirst,
    rowsAtFirst,
  ]);
});

test("a table ends at 1,048,576 rows", () => {
  const table = createRecordTable();
  while (table.offset.length < 1_048_576) growRecordTable(table);
  expect(() => growRecordTable(table)).toThrow(/more than 1048576 records/);
});
