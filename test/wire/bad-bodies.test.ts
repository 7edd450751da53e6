import { describe, expect, test } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import type { RecordTable } from "../../src/model/scan-table.ts";
import { createPointTable, createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { countProfiles } from "../../src/wire/scan-profiles.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildLogsRequest, buildMetricsRequest, buildTracesRequest } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";

const ATTRIBUTES = {
  text: "a",
  list: [1, "b", { deep: true }],
  bytes: Uint8Array.of(1),
  long: "x".repeat(200),
};
const TRACE_ID = "0102030405060708090a0b0c0d0e0f10";

const SIGNALS: readonly [string, () => Uint8Array, (body: Uint8Array) => RecordTable][] = [
  [
    "traces",
    () =>
      buildTracesRequest([
        {
          parentSpanId: "00000000000000ff",
          traceState: "a=b",
          attributes: ATTRIBUTES,
          events: [{ name: "exception", attributes: ATTRIBUTES }],
          links: [{ traceId: TRACE_ID, spanId: "00000000000000ff", attributes: ATTRIBUTES }],
          status: { code: "error", message: "no" },
          flags: 257,
        },
        { name: "second" },
      ]),
    (body) => scanned(createRecordTable(), (table) => scanTraces(body, table)),
  ],
  [
    "logs",
    () =>
      buildLogsRequest([
        { traceId: TRACE_ID, body: ATTRIBUTES, attributes: ATTRIBUTES, eventName: "e", flags: 1 },
      ]),
    (body) => scanned(createRecordTable(), (table) => scanLogs(body, table)),
  ],
  [
    "metrics",
    () =>
      buildMetricsRequest([
        { name: "a", unit: "s", gauge: [{ value: 1, attributes: ATTRIBUTES, exemplars: [{ value: 2 }] }] },
        { name: "b", histogram: { points: [{ count: 3, bounds: [1, 2], counts: [1, 1, 1], sum: 2 }] } },
      ]),
    (body) => scanned(createPointTable(), (table) => scanMetrics(body, table)),
  ],
];

function scanned<Table extends RecordTable>(table: Table, scan: (table: Table) => void): Table {
  scan(table);
  return table;
}

describe.each(SIGNALS)("%s", (_, build, scan) => {
  test("an empty body is an empty request", () => {
    expect(scan(new Uint8Array(0)).count).toBe(0);
  });

  test("cut off at any byte, it throws malformed_body, or is a shorter request", () => {
    const body = build();
    const whole = scan(body).count;
    let refused = 0;
    for (let length = 1; length < body.length; length++) {
      // A copy, so that reading past the end finds nothing.
      const cut = body.slice(0, length);
      try {
        expect(scan(cut).count).toBeLessThan(whole);
      } catch (error) {
        expect(error).toBeInstanceOf(GasolineError);
        expect((error as GasolineError).code).toBe("malformed_body");
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(body.length * 0.9);
  });

  test("a cut inside a larger buffer is found too", () => {
    const body = build();
    const view = Buffer.concat([Buffer.alloc(3), body, Buffer.alloc(64)]).subarray(3, 3 + body.length - 5);
    expect(() => scan(view)).toThrow(/Malformed protobuf at byte \d+/);
  });

  test("a valid request inside a larger buffer is read at its place", () => {
    const body = build();
    const view = Buffer.concat([Buffer.alloc(3, 0xff), body, Buffer.alloc(64, 0xff)]).subarray(
      3,
      3 + body.length,
    );
    expect(scan(view).count).toBe(scan(body).count);
  });

  test("unknown fields and groups are skipped at every level", () => {
    const unknown = new ProtoWriter().varint(200, 1).text(201, "x").fixed32(202, 1).fixed64(203, 1);
    unknown.raw(0xe3, 0x0c, 0x08, 0x01, 0xe4, 0x0c); // group 204 with a varint
    const extra = unknown.finish();
    const body = scan(build());
    expect(scan(withExtraFields(build(), extra)).count).toBe(body.count);
  });
});

/** Appends `extra` to the request, each resource entry, each scope entry, and each record. */
function withExtraFields(body: Uint8Array, extra: Uint8Array, level = 0): Uint8Array {
  if (level === 3) return Buffer.concat([body, extra]);
  const writer = new ProtoWriter();
  for (const [field, payload] of lengthFields(body)) {
    const opens = field === (level === 0 ? 1 : 2);
    writer.bytes(field, opens ? withExtraFields(payload, extra, level + 1) : payload);
  }
  return writer.raw(extra).finish();
}

/** Fields of a message whose fields are all length-delimited, with small numbers. */
function lengthFields(body: Uint8Array): [number, Uint8Array][] {
  const fields: [number, Uint8Array][] = [];
  for (let p = 0; p < body.length; ) {
    const field = body[p++]! >> 3;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = body[p++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    fields.push([field, body.subarray(p, p + length)]);
    p += length;
  }
  return fields;
}

/** A traces request around the bytes of one span. */
function aroundSpan(span: Uint8Array): Uint8Array {
  return new ProtoWriter()
    .message(1, new ProtoWriter().message(2, new ProtoWriter().bytes(2, span)))
    .finish();
}

const IDS = () => new ProtoWriter().hex(1, TRACE_ID).hex(2, "00000000000000ff");

describe("a body that is not OTLP", () => {
  const attribute = (value: ProtoWriter) => new ProtoWriter().text(1, "k").message(2, value);
  test.each<[string, ProtoWriter, RegExp]>([
    [
      "a trace id as varint",
      new ProtoWriter().varint(1, 5),
      /field 1 \(traceId\) of Span has wire type 0, expected 2/,
    ],
    ["a start time as varint", IDS().varint(7, 5), /field 7 \(startTimeUnixNano\) of Span has wire type 0/],
    ["a kind as string", IDS().text(6, "server"), /field 6 \(kind\) of Span has wire type 2, expected 0/],
    ["an attribute key as varint", IDS().message(9, new ProtoWriter().varint(1, 1)), /\(key\) of KeyValue/],
    ["a string value as varint", IDS().message(9, attribute(new ProtoWriter().varint(1, 1))), /of AnyValue/],
    ["an event name as fixed64", IDS().message(11, new ProtoWriter().fixed64(2, 1)), /of Span.Event/],
    ["a link's flags as varint", IDS().message(13, new ProtoWriter().varint(6, 1)), /of Span.Link/],
    ["a status code as string", IDS().message(15, new ProtoWriter().text(3, "x")), /of Status/],
    ["a length past its message", IDS().raw(0x2a, 0x05, 0x41), /a field of 5 bytes runs 4 bytes past/],
    [
      "an attribute's value past its attribute",
      IDS().raw(0x4a, 0x05, 0x0a, 0x01, 0x41, 0x12, 0x09),
      /past its/,
    ],
    ["a string past its value", IDS().raw(0x4a, 0x07, 0x0a, 0x01, 0x41, 0x12, 0x02, 0x0a, 0x09), /past its/],
    [
      "an int that does not end in its value",
      IDS().raw(0x4a, 0x07, 0x0a, 0x01, 0x41, 0x12, 0x02, 0x18, 0x80),
      /cut off/,
    ],
    [
      "a value whose long length reads like a short one",
      IDS().bytes(9, Uint8Array.of(0x0a, 0x01, 0x41, 0x12, 0xc9, 0x0a, 0xc7, ...new Array(199).fill(0x61))),
      /a field of 1353 bytes runs/,
    ],
    ["an overlong varint", IDS().raw(0x30, ...new Array(10).fill(0x80), 0), /longer than 10 bytes/],
    ["field number 0", IDS().raw(0x00, 0x01), /tag 0 names no valid field number/],
  ])("%s", (_, span, message) => {
    const table = createRecordTable();
    expect(() => scanTraces(aroundSpan(span.finish()), table)).toThrow(message);
    expect([table.count, table.groups.length, table.body.length]).toEqual([0, 0, 0]);
  });

  test.each([
    ["JSON", '{"resourceSpans":[]}'],
    ["a form", "a=b&c=d"],
    ["HTML", "<!doctype html><html></html>"],
    ["gzip", "\u001f\u008b\b\0\0\0\0\0"],
  ])("%s is refused, with a remedy", (_, text) => {
    const body = Buffer.from(text, "latin1");
    for (const [, , scan] of SIGNALS) {
      expect(() => scan(body)).toThrow(/Malformed protobuf .*Content-Type and Content-Encoding/);
    }
  });

  test("an attribute that borrows the bytes after its span is refused", () => {
    const span = IDS().raw(0x4a, 0x05, 0x0a, 0x01, 0x41).finish();
    const scope = new ProtoWriter().bytes(2, span).text(3, "");
    const body = new ProtoWriter().message(1, new ProtoWriter().message(2, scope)).finish();
    expect(() => scanTraces(body, createRecordTable())).toThrow(/a field of 5 bytes runs 2 bytes past/);
  });

  test("a malformed tail leaves nothing of the records before it", () => {
    const table = createRecordTable();
    const good = buildTracesRequest([{}, {}]);
    expect(() => scanTraces(Buffer.concat([good, Uint8Array.of(0x0a, 0x05)]), table)).toThrow(GasolineError);
    expect([table.count, table.rejected, table.groups.length]).toEqual([0, 0, 0]);
    scanTraces(good, table);
    expect(table.count).toBe(2);
  });
});

describe("nested attribute values", () => {
  const nested = (depth: number): ProtoWriter => {
    let value = new ProtoWriter().text(1, "x");
    for (let i = 1; i < depth; i++) {
      const list =
        i % 2 === 0
          ? new ProtoWriter().message(1, value)
          : new ProtoWriter().message(1, new ProtoWriter().text(1, "k").message(2, value));
      value = new ProtoWriter().message(i % 2 === 0 ? 5 : 6, list);
    }
    return value;
  };
  const body = (depth: number) =>
    aroundSpan(
      IDS()
        .message(9, new ProtoWriter().text(1, "k").message(2, nested(depth)))
        .finish(),
    );

  test.each([
    [1, 64, true],
    [64, 64, true],
    [65, 64, false],
    [3, 3, true],
    [4, 3, false],
    [400, 64, false],
  ])("%i deep, of at most %i: kept %s", (depth, depthMax, kept) => {
    const table = createRecordTable();
    const scan = () => scanTraces(body(depth), table, depthMax);
    if (kept) scan();
    else expect(scan).toThrow(new RegExp(`nested deeper than ${depthMax}`));
    expect(table.count).toBe(kept ? 1 : 0);
  });
});

describe("profiles", () => {
  const entry = (profiles: number) => {
    const scope = new ProtoWriter().message(1, new ProtoWriter().text(1, "scope"));
    for (let i = 0; i < profiles; i++) scope.bytes(2, Uint8Array.of(0x08, 0x01));
    return new ProtoWriter().message(1, new ProtoWriter()).message(2, scope);
  };

  test("are counted over all resources and scopes", () => {
    const body = new ProtoWriter().message(1, entry(2)).message(1, entry(3)).message(2, new ProtoWriter());
    expect(countProfiles(body.finish())).toBe(5);
  });

  test("a malformed body throws", () => {
    const body = new ProtoWriter().message(1, entry(2)).finish();
    expect(() => countProfiles(body.subarray(0, body.length - 1))).toThrow(/Malformed protobuf/);
  });
});
