import { describe, expect, test } from "vitest";
import { BITS } from "../../src/model/scan-table.ts";
import { createRecordTable, ROWS_MAX } from "../../src/wire/record-table.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { anyValue, buildSpan, buildTracesRequest, type SpanSpec } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";
import { readSpans } from "./read-table.ts";

const TRACE_ID = "0102030405060708090a0b0c0d0e0f10";

function scanned(spans: readonly SpanSpec[]) {
  const table = createRecordTable();
  scanTraces(buildTracesRequest(spans), table);
  return table;
}

const request = (...scopeEntries: ProtoWriter[]) =>
  scopeEntries.reduce((entry, scope) => entry.message(2, scope), new ProtoWriter());
const body = (...resourceEntries: ProtoWriter[]) =>
  resourceEntries.reduce((all, entry) => all.message(1, entry), new ProtoWriter()).finish();
const resource = (service: string) =>
  new ProtoWriter().message(1, new ProtoWriter().text(1, "service.name").message(2, anyValue(service)));

test("a row carries ids, times, name, kind, status and place", () => {
  const span: SpanSpec = {
    traceId: TRACE_ID,
    spanId: "1112131415161718",
    parentSpanId: "2122232425262728",
    name: "GET /",
    kind: "server",
    startNs: 0x1122334455667788n,
    endNs: 0xffffffffffffffffn,
    status: { code: "error", message: "no" },
  };
  const table = scanned([span]);
  expect(table.count).toBe(1);
  expect([...table.ids.slice(0, 8)]).toEqual([
    0x01020304, 0x05060708, 0x090a0b0c, 0x0d0e0f10, 0x11121314, 0x15161718, 0x21222324, 0x25262728,
  ]);
  expect([...table.times.slice(0, 4)]).toEqual([0x55667788, 0x11223344, 0xffffffff, 0xffffffff]);
  const at = (offset: number, length: number) => table.body.subarray(offset, offset + length);
  expect(Buffer.from(at(table.nameOffset[0]!, table.nameLength[0]!)).toString()).toBe("GET /");
  expect(at(table.offset[0]!, table.length[0]!)).toEqual(buildSpan(span));
  expect(table.bits[0]).toBe(2 | (2 << BITS.statusShift));
});

describe("an id that is wrong rejects its span alone", () => {
  test.each<[string, SpanSpec, string]>([
    ["a short trace id", { traceId: "01" }, "trace id is 1 bytes long, expected 16"],
    ["no trace id", { traceId: "" }, "trace id is 0 bytes long"],
    ["a long trace id", { traceId: `${TRACE_ID}00` }, "trace id is 17 bytes long"],
    ["a zero trace id", { traceId: "0".repeat(32) }, "trace id is all zero"],
    ["a short span id", { spanId: "01020304050607" }, "span id is 7 bytes long, expected 8"],
    ["a zero span id", { spanId: "0".repeat(16) }, "span id is all zero"],
    ["a short parent", { parentSpanId: "01" }, "parent span id is 1 bytes long, expected 8"],
  ])("%s", (_, bad, reason) => {
    const table = scanned([{ name: "a" }, bad, { name: "b" }, { traceId: "" }]);
    expect([table.count, table.rejected]).toEqual([2, 2]);
    expect(table.rejectedReason).toContain(reason);
    expect(table.rejectedReason).toMatch(/check the exporter/);
  });

  test("a span without any field", () => {
    const table = createRecordTable();
    scanTraces(body(request(new ProtoWriter().bytes(2, new Uint8Array(0)))), table);
    expect([table.count, table.rejected, table.groups.length]).toEqual([0, 1, 0]);
  });
});

test.each([
  ["absent", undefined],
  ["empty", ""],
  ["all zero", "0000000000000000"],
])("a parent that is %s means a root", (_, parentSpanId) => {
  const table = scanned([parentSpanId === undefined ? {} : { parentSpanId }]);
  expect([table.count, table.ids[6], table.ids[7]]).toEqual([1, 0, 0]);
  expect(readSpans(table.body)[0]!.parentSpanId).toBe("");
});

test("a row reused by a later body keeps nothing of the earlier one", () => {
  const table = createRecordTable();
  const full = { parentSpanId: "2122232425262728", name: "full", status: { code: "error" as const } };
  scanTraces(buildTracesRequest([full]), table);
  const bare = new ProtoWriter().hex(1, TRACE_ID).hex(2, "0000000000000001").finish();
  scanTraces(body(request(new ProtoWriter().bytes(2, bare))), table);
  const { ids, times, nameLength, bits } = table;
  expect([...ids.slice(6, 8), ...times.slice(0, 4), nameLength[0], bits[0]]).toEqual(new Array(8).fill(0));
});

describe("marks", () => {
  test.each<[string, SpanSpec, number]>([
    ["browser.*", { attributes: { "browser.url": "x" } }, BITS.markBrowser],
    ["test.*", { attributes: { "test.name": 1 } }, BITS.markTest],
    ["gasoline.git*", { attributes: { "gasoline.git.commit": true } }, BITS.markGit],
    ["exception.*", { attributes: { "exception.message": "x" } }, BITS.markException],
    ["error.type", { attributes: { "error.type": "x" } }, BITS.markException],
    ["an exception event", { events: [{ name: "exception" }] }, BITS.markException],
    ["several at once", { attributes: { "test.a": 1, "browser.b": 1 } }, BITS.markTest | BITS.markBrowser],
    ["a long value", { attributes: { "browser.html": "x".repeat(500) } }, BITS.markBrowser],
    ["a long key", { attributes: { [`browser.${"x".repeat(191)}\x12`]: "y".repeat(15) } }, BITS.markBrowser],
    ["a key without a value", { attributes: { "browser.url": null } }, BITS.markBrowser],
    ["not: a longer word", { attributes: { browsers: 1, tested: 1, "error.types": 1, exceptional: 1 } }, 0],
    [
      "not: a prefix that is cut short",
      { attributes: { brow: 1, test: 1, "error.typ": 1, "gasoline.gi": 1 } },
      0,
    ],
    ["not: another event", { events: [{ name: "exceptions" }, { name: "" }] }, 0],
    ["not: an event's attribute", { events: [{ attributes: { "browser.url": 1 } }] }, 0],
    ["not: a nested key", { attributes: { map: { "browser.url": 1 } } }, 0],
  ])("%s", (_, span, marks) => {
    expect(scanned([span]).bits[0]).toBe(marks | 1); // kind internal
  });
});

describe("enums and times are the sender's", () => {
  const bare = () => new ProtoWriter().hex(1, TRACE_ID).hex(2, "0000000000000001");
  test.each([
    ["an unknown kind", bare().varint(6, 6)],
    ["a negative kind", bare().varint(6, -1n)],
    ["an unknown status", bare().message(15, new ProtoWriter().varint(3, 3))],
  ])("%s reads as unset", (_, span) => {
    const request_ = body(request(new ProtoWriter().message(2, span)));
    const table = createRecordTable();
    scanTraces(request_, table);
    expect(table.bits[0]).toBe(0);
    expect(readSpans(request_)[0]).toMatchObject({ spanKind: "unspecified", statusCode: "unset" });
  });

  test.each([
    ["end before start", 20n, 10n],
    ["zero", 0n, 0n],
    ["the far future", 2n ** 64n - 1n, 2n ** 64n - 1n],
    ["above 2^53", 2n ** 53n + 1n, 2n ** 53n + 3n],
  ])("%s is kept as it is", (_, startNs, endNs) => {
    expect(readSpans(buildTracesRequest([{ startNs, endNs }]))[0]).toMatchObject({ startNs, endNs });
  });
});

describe("fields in any order, and more than once", () => {
  test("a resource after its scope entries, a scope and schema URLs after its spans", () => {
    const scope = new ProtoWriter()
      .bytes(2, buildSpan({ name: "a" }))
      .text(3, "https://scope")
      .message(1, new ProtoWriter().text(1, "late-scope"));
    const [span] = readSpans(body(request(scope).text(3, "https://resource").message(1, resource("late"))));
    expect(span).toMatchObject({
      resource: { service: "late", schemaUrl: "https://resource" },
      scope: { name: "late-scope", schemaUrl: "https://scope" },
    });
  });

  test("a resource that comes twice is merged", () => {
    const extra = new ProtoWriter().message(1, new ProtoWriter().text(1, "b").message(2, anyValue(2)));
    const scope = new ProtoWriter().bytes(2, buildSpan({}));
    const [span] = readSpans(body(request(scope).message(1, resource("a")).message(1, extra)));
    expect({ ...span!.resource.attributes }).toEqual({ "service.name": "a", b: 2 });
  });

  test("a scalar that comes twice keeps the last, a message is merged", () => {
    const span = new ProtoWriter()
      .message(15, new ProtoWriter().text(2, "first").varint(3, 2))
      .text(5, "first")
      .fixed64(7, 1)
      .hex(1, "ff".repeat(16))
      .raw(buildSpan({ traceId: TRACE_ID, name: "last", startNs: 7n }))
      .message(15, new ProtoWriter().text(2, "last"));
    const request_ = body(request(new ProtoWriter().message(2, span)));
    expect(readSpans(request_)[0]).toMatchObject({
      traceId: TRACE_ID,
      name: "last",
      startNs: 7n,
      statusMessage: "last",
      statusCode: "error",
    });
    const table = createRecordTable();
    scanTraces(request_, table);
    expect([table.ids[0], table.times[0], table.nameLength[0]]).toEqual([0x01020304, 7, 4]);
    expect((table.bits[0]! >> BITS.statusShift) & BITS.statusMask).toBe(2);
  });

  test("an attribute's value before its key, and lists that come twice", () => {
    const values = (...texts: string[]) =>
      texts.reduce((list, text) => list.message(1, anyValue(text)), new ProtoWriter());
    const span = new ProtoWriter()
      .raw(buildSpan({}))
      .message(9, new ProtoWriter().message(2, anyValue("v")).text(1, "browser.x"))
      .message(
        9,
        new ProtoWriter()
          .text(1, "list")
          .message(2, new ProtoWriter().message(5, values("a")).message(5, values("b"))),
      );
    const request_ = body(request(new ProtoWriter().message(2, span)));
    expect({ ...readSpans(request_)[0]!.attributes }).toEqual({ "browser.x": "v", list: ["a", "b"] });
    const table = createRecordTable();
    scanTraces(request_, table);
    expect(table.bits[0]! & BITS.markBrowser).not.toBe(0);
  });

  test("a key that comes twice keeps its last value", () => {
    const span = new ProtoWriter()
      .raw(buildSpan({ attributes: { k: 1 } }))
      .message(9, new ProtoWriter().text(1, "k").message(2, anyValue(2)));
    expect({ ...readSpans(body(request(new ProtoWriter().message(2, span))))[0]!.attributes }).toEqual({
      k: 2,
    });
  });
});

describe("groups", () => {
  test("one for each resource and scope entry that has spans", () => {
    const span = (name: string) => buildSpan({ name });
    const entry = (service: string, ...scopes: ProtoWriter[]) =>
      request(...scopes).message(1, resource(service));
    const scope = (name: string, ...names: string[]) =>
      names.reduce(
        (all, each) => all.bytes(2, span(each)),
        new ProtoWriter().message(1, new ProtoWriter().text(1, name)),
      );
    const table = createRecordTable();
    const sent = body(
      entry("a", scope("a1", "1", "2"), scope("empty"), scope("a2", "3")),
      entry("none"),
      entry("b", scope("b1", "4")),
    );
    scanTraces(sent, table);
    expect([...table.group.slice(0, table.count)]).toEqual([0, 0, 1, 2]);
    expect(table.groups.length).toBe(3);
    expect(readSpans(sent).map((each) => [each.name, each.resource.service, each.scope.name])).toEqual([
      ["1", "a", "a1"],
      ["2", "a", "a1"],
      ["3", "a", "a2"],
      ["4", "b", "b1"],
    ]);
  });

  test("without resource or scope they are empty", () => {
    const [span] = readSpans(body(request(new ProtoWriter().bytes(2, buildSpan({})))));
    expect(span).toMatchObject({
      resource: { service: "unknown_service" },
      scope: { name: "", version: "" },
    });
  });
});

test("invalid UTF-8 is read with replacement characters", () => {
  const span = new ProtoWriter()
    .raw(buildSpan({}))
    .bytes(5, Uint8Array.of(0x61, 0xff, 0x62))
    .message(9, new ProtoWriter().bytes(1, Uint8Array.of(0xc3)).message(2, anyValue("x")));
  const [read] = readSpans(body(request(new ProtoWriter().message(2, span))));
  expect(read!.name).toBe("a\ufffdb");
  expect({ ...read!.attributes }).toEqual({ "\ufffd": "x" });
});

test("the table grows over its first size, and refuses bodies of too many records", () => {
  const table = createRecordTable();
  const bare = new ProtoWriter().hex(1, TRACE_ID).hex(2, "0000000000000001").finish();
  const scopeOf = (spans: number) => {
    const one = Buffer.from([0x12, bare.length, ...bare]);
    return new ProtoWriter().raw(Buffer.alloc(one.length * spans, one));
  };
  scanTraces(body(request(scopeOf(3000))), table);
  expect([table.count, table.ids[8 * 2999 + 5], table.length[2999]]).toEqual([3000, 1, bare.length]);
  expect(ROWS_MAX).toBeGreaterThanOrEqual(1_000_000);
});
