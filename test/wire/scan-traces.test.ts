import { describe, expect, test } from "vitest";
import { BITS } from "../../src/model/scan-table.ts";
import { decodeResource, decodeScope } from "../../src/wire/decode-resource.ts";
import { decodeSpan } from "../../src/wire/decode-span.ts";
import { createRecordTable } from "../../src/wire/record-table.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildTracesRequest, type SpanSpec } from "../support/otlp-build.ts";

const TRACE_ID = "0102030405060708090a0b0c0d0e0f10";

function scanned(spans: readonly SpanSpec[]) {
  const table = createRecordTable();
  scanTraces(buildTracesRequest(spans), table);
  return table;
}

describe("a scanned span", () => {
  test("carries ids, times, name, kind, status and marks", () => {
    const table = scanned([
      {
        traceId: TRACE_ID,
        spanId: "1112131415161718",
        parentSpanId: "2122232425262728",
        name: "GET /",
        kind: "server",
        startNs: 0x1122334455667788n,
        endNs: 0xffffffffffffffffn,
        status: { code: "error", message: "no" },
        attributes: { "browser.url": "x" },
        events: [{ name: "exception" }],
      },
    ]);
    expect(table.count).toBe(1);
    expect([...table.ids.slice(0, 8)]).toEqual([
      0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10, 0x11121314, 0x15161718, 0x21222324, 0x25262728,
    ]);
    expect([...table.times.slice(0, 4)]).toEqual([0x55667788, 0x11223344, 0xffffffff, 0xffffffff]);
    const name = table.body.subarray(table.nameOffset[0]!, table.nameOffset[0]! + table.nameLength[0]!);
    expect(Buffer.from(name).toString()).toBe("GET /");
    expect(table.bits[0]).toBe(2 | (2 << BITS.statusShift) | BITS.markBrowser | BITS.markException);
  });

  test("decodes to what was sent", () => {
    const table = scanned([
      {
        traceId: TRACE_ID,
        name: "a",
        attributes: { n: 1, s: "x", d: 1.5, big: 2n ** 62n, l: [1, "b"], m: { x: null } },
      },
    ]);
    const group = table.groups[table.group[0]!]!;
    const bytes = table.body.subarray(table.offset[0]!, table.offset[0]! + table.length[0]!);
    const span = decodeSpan(
      bytes,
      decodeResource(group.resource, group.resourceSchemaUrl),
      decodeScope(group.scope, group.scopeSchemaUrl),
    );
    expect(span.resource.service).toBe("shop");
    expect(span.scope.name).toBe("test-scope");
    expect({ ...span.attributes }).toEqual({
      n: 1,
      s: "x",
      d: 1.5,
      big: 2n ** 62n,
      l: [1, "b"],
      m: { x: null },
    });
    expect(span.traceId).toBe(TRACE_ID);
  });
});

test("a span with a bad id is rejected alone", () => {
  const table = scanned([{ traceId: "01" }, {}, { spanId: "0000000000000000" }]);
  expect([table.count, table.rejected]).toEqual([1, 2]);
  expect(table.rejectedReason).toContain("trace id is 1 bytes long, expected 16");
});
