import { describe, expect, test } from "vitest";
import { BITS } from "../../src/model/scan-table.ts";
import { createRecordTable, ROWS_MAX } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { buildLog, buildLogsRequest, type LogSpec } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";
import { readLogs } from "./read-table.ts";

const TRACE_ID = "0102030405060708090a0b0c0d0e0f10";

function scanned(logs: readonly LogSpec[]) {
  const table = createRecordTable();
  scanLogs(buildLogsRequest(logs), table);
  return table;
}

const severityOf = (bits: number) => (bits >> BITS.severityShift) & BITS.severityMask;

test("a row carries ids, time, event name, severity and place", () => {
  const log: LogSpec = {
    traceId: TRACE_ID,
    spanId: "1112131415161718",
    timeNs: 0x1122334455667788n,
    observedNs: 5n,
    severity: 17,
    eventName: "click",
    body: "x",
  };
  const table = scanned([log]);
  expect([...table.ids.slice(0, 8)]).toEqual([
    0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10, 0x11121314, 0x15161718, 0, 0,
  ]);
  expect([...table.times.slice(0, 4)]).toEqual([0x55667788, 0x11223344, 0, 0]);
  expect(severityOf(table.bits[0]!)).toBe(17);
  const name = table.body.subarray(table.nameOffset[0]!, table.nameOffset[0]! + table.nameLength[0]!);
  expect(Buffer.from(name).toString()).toBe("click");
  const bytes = table.body.subarray(table.offset[0]!, table.offset[0]! + table.length[0]!);
  expect(bytes).toEqual(buildLog(log));
});

describe("ids that are absent or malformed leave the record unassociated", () => {
  test.each<[string, LogSpec]>([
    ["absent", {}],
    ["empty", { traceId: "", spanId: "" }],
    ["short", { traceId: "0102", spanId: "01" }],
    ["long", { traceId: `${TRACE_ID}00`, spanId: "111213141516171819" }],
    ["all zero", { traceId: "0".repeat(32), spanId: "0".repeat(16) }],
  ])("%s", (_, log) => {
    const table = scanned([log]);
    expect([table.count, table.rejected]).toEqual([1, 0]);
    expect([...table.ids.slice(0, 8)]).toEqual(new Array(8).fill(0));
    expect(readLogs(table.body)[0]).toMatchObject({ traceId: "", spanId: "" });
  });
});

test.each<[string, LogSpec, bigint]>([
  ["its own", { timeNs: 3n, observedNs: 5n }, 3n],
  ["observed, when its own is zero", { timeNs: 0n, observedNs: 5n }, 5n],
  ["zero, when it has none", { timeNs: 0n }, 0n],
])("the time of a record is %s", (_, log, expected) => {
  const table = scanned([log]);
  expect(BigInt(table.times[0]!) | (BigInt(table.times[1]!) << 32n)).toBe(expected);
});

test.each([
  [0, 0],
  [1, 1],
  [24, 24],
  [25, 0],
  [1000, 0],
])("severity number %i reads as %i", (severity, read) => {
  const table = scanned([{ severity }]);
  expect(severityOf(table.bits[0]!)).toBe(read);
  expect(readLogs(table.body)[0]!.severity).toBe(read);
});

test.each<[string, LogSpec, number]>([
  ["browser.click", { eventName: "browser.click" }, BITS.markBrowser],
  ["gasoline.browser.dom", { eventName: "gasoline.browser.dom" }, BITS.markBrowser],
  ["gasoline.git.commit", { eventName: "gasoline.git.commit" }, BITS.markGit],
  ["test.run", { eventName: "test.run" }, BITS.markTest],
  ["exception", { eventName: "exception" }, BITS.markException],
  ["device.crash", { eventName: "device.crash" }, 0],
  ["no event, a browser attribute", { attributes: { "browser.url": "/" } }, BITS.markBrowser],
  ["an exception attribute", { attributes: { "exception.type": "E" } }, BITS.markException],
  ["body keys do not count", { body: { "browser.url": "/" } }, 0],
])("marks: %s", (_, log, marks) => {
  expect(scanned([log]).bits[0]).toBe(marks);
});

test("an empty record is kept", () => {
  const scope = new ProtoWriter().bytes(2, new Uint8Array(0));
  const body = new ProtoWriter().message(1, new ProtoWriter().message(2, scope)).finish();
  expect(readLogs(body)).toMatchObject([{ timeNs: 0n, body: null, eventName: "", severity: 0 }]);
});

test("a body of more records than a table may hold is refused", () => {
  const table = createRecordTable();
  const records = Buffer.alloc(2 * (ROWS_MAX + 1), Uint8Array.of(0x12, 0x00));
  const length = (bytes: Uint8Array) => {
    const prefix = [];
    for (let rest = bytes.length; ; rest >>>= 7) {
      prefix.push(rest < 128 ? rest : (rest & 0x7f) | 0x80);
      if (rest < 128) return Buffer.from(prefix);
    }
  };
  const scope = Buffer.concat([Uint8Array.of(0x12), length(records), records]);
  const body = Buffer.concat([Uint8Array.of(0x0a), length(scope), scope]);
  expect(() => scanLogs(body, table)).toThrow(/more than 1048576 records.*smaller batches/);
  expect(table.count).toBe(0);
  expect(table.offset.length).toBeLessThan(ROWS_MAX);
});
