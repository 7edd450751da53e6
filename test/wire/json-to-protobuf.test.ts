import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  logsJsonToProtobuf,
  metricsJsonToProtobuf,
  profilesJsonCount,
  tracesJsonToProtobuf,
} from "../../src/wire/json-to-protobuf.ts";
import { createRecordTable } from "../../src/wire/record-table.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildMetricsRequest } from "../support/otlp-build.ts";
import { otlpType } from "../support/otlp-proto.ts";
import { freshSeed } from "../support/seed.ts";
import { logSpec, metricSpec, spanSpec } from "./arbitrary.ts";
import { expectedLog, expectedSpan } from "./expected.ts";
import { logsJson, metricsJson, tracesJson } from "./otlp-json.ts";
import { readLogs, readPoints, readSpans } from "./read-table.ts";

const TRACE_ID = "0102030405060708090a0b0c0d0e0f10";
const SPAN_ID = "1112131415161718";

const utf8 = (text: string) => Buffer.from(text);
const utf8Of = (value: object, indent?: number) => utf8(JSON.stringify(value, null, indent));

/** A request of one span whose further properties are JSON text as it is. */
const spanText = (properties: string) =>
  `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"${properties}}]}]}]}`;
const readSpan = (properties: string) => readSpans(tracesJsonToProtobuf(utf8(spanText(properties))))[0]!;
/** The decoded value of one attribute given as JSON text. */
const readValue = (text: string) => readSpan(`,"attributes":[{"key":"k","value":${text}}]`).attributes.k;

const seed = freshSeed();

describe(`random requests come out as they went in (seed ${seed})`, () => {
  const indent = fc.constantFrom(undefined, 1, "\t\r\n ");
  test("spans", () => {
    fc.assert(
      fc.property(fc.array(spanSpec, { maxLength: 4 }), indent, (specs, space) => {
        const json = utf8(JSON.stringify(tracesJson(specs), null, space));
        expect(readSpans(tracesJsonToProtobuf(json))).toEqual(specs.map(expectedSpan));
      }),
      { seed },
    );
  });

  test("log records", () => {
    fc.assert(
      fc.property(fc.array(logSpec, { maxLength: 4 }), (specs) => {
        const json = utf8Of(logsJson(specs));
        expect(readLogs(logsJsonToProtobuf(json))).toEqual(specs.map(expectedLog));
      }),
      { seed },
    );
  });

  test("metrics", () => {
    fc.assert(
      fc.property(fc.array(metricSpec, { maxLength: 4 }), (specs) => {
        const json = utf8Of(metricsJson(specs));
        expect(readPoints(metricsJsonToProtobuf(json))).toEqual(readPoints(buildMetricsRequest(specs)));
      }),
      { seed },
    );
  });
});

test("the bytes are those that protobufjs reads as the same request", () => {
  const type = otlpType("TracesRequest");
  const json = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: "a", value: { stringValue: "b" } }], droppedAttributesCount: 3 },
        scopeSpans: [{ scope: { name: "s", attributes: [] }, spans: [], schemaUrl: "x" }],
        schemaUrl: "y",
      },
    ],
  };
  expect(type.toObject(type.decode(tracesJsonToProtobuf(utf8Of(json))))).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "a", value: { stringValue: "b" } }], droppedAttributesCount: 3 },
        scopeSpans: [{ scope: { name: "s" }, schemaUrl: "x" }],
        schemaUrl: "y",
      },
    ],
  });
});

describe("64-bit integers are exact", () => {
  test.each([
    ['"9007199254740993"', 9007199254740993n],
    ["9007199254740993", 9007199254740993n],
    ['"9223372036854775807"', 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ['"-9007199254740993"', -9007199254740993n],
    ["999999999999999", 999999999999999],
    ["1000000000000000", 1000000000000000],
    ["-1", -1],
    ["0", 0],
    ["-0", 0],
    ["5e2", 500],
    ["1.25E2", 125],
    ['"12.0"', 12],
  ])("intValue %s", (text, value) => {
    expect(readValue(`{"intValue":${text}}`)).toBe(value);
  });

  test.each([
    ['"18446744073709551615"', 18446744073709551615n],
    ["18446744073709551615", 18446744073709551615n],
    ["1544712660300000001", 1544712660300000001n],
    ['"9999999999999999999"', 9999999999999999999n],
    ["0", 0n],
    ["null", 0n],
  ])("startTimeUnixNano %s", (text, value) => {
    expect(readSpan(`,"startTimeUnixNano":${text}`).startNs).toBe(value);
  });

  test.each([
    ['"startTimeUnixNano":"18446744073709551616"', /does not fit 64 bits/],
    ['"startTimeUnixNano":99999999999999999999', /does not fit 64 bits/],
    ['"startTimeUnixNano":"123456789012345678901"', /does not fit 64 bits/],
    ['"startTimeUnixNano":-1', /must not be negative/],
    ['"startTimeUnixNano":1.5', /expected an integer/],
    ['"startTimeUnixNano":1e300', /expected an integer/],
    ['"startTimeUnixNano":""', /expected a digit/],
    ['"startTimeUnixNano":"12a"', /in quotes/],
    ['"startTimeUnixNano":"2026-01-01T00:00:00Z"', /in quotes/],
    ['"startTimeUnixNano":true', /expected a digit/],
    ['"attributes":[{"value":{"intValue":"9223372036854775808"}}]', /signed 64-bit/],
    ['"attributes":[{"value":{"intValue":"-9223372036854775809"}}]', /signed 64-bit/],
    ['"droppedAttributesCount":4294967296', /droppedAttributesCount does not fit 32 bits/],
    ['"kind":"SPAN_KIND_SERVER"', /kind is an enum, which OTLP\/JSON writes as an integer/],
  ])("%s is refused", (property, message) => {
    expect(() => readSpan(`,${property}`)).toThrow(message);
  });
});

describe("ids are hex", () => {
  test.each(["ABCDEF0123456789abcdef0123456789", "abcdef0123456789abcdef0123456789"])(
    "in either case: %s",
    (traceId) => {
      const json = utf8Of({
        resourceSpans: [{ scopeSpans: [{ spans: [{ traceId, spanId: SPAN_ID, parentSpanId: "" }] }] }],
      });
      expect(readSpans(tracesJsonToProtobuf(json))[0]).toMatchObject({
        traceId: traceId.toLowerCase(),
        parentSpanId: "",
      });
    },
  );

  test.each<[string, object, boolean]>([
    ["a trace id", { traceId: "AQIDBAUGBwgJCgsMDQ4PEA==", spanId: SPAN_ID }, true],
    ["a span id", { traceId: TRACE_ID, spanId: "ERITFBUWFxg=" }, true],
    [
      "a hex trace id in base64",
      { traceId: Buffer.from(TRACE_ID).toString("base64"), spanId: SPAN_ID },
      true,
    ],
    ["a parent", { traceId: TRACE_ID, spanId: SPAN_ID, parentSpanId: "ERITFBUWFxg=" }, true],
    [
      "a link's",
      { traceId: TRACE_ID, spanId: SPAN_ID, links: [{ traceId: "AQIDBAUGBwgJCgsMDQ4PEA==" }] },
      true,
    ],
    ["not: hex of that length", { traceId: "0".repeat(24), spanId: SPAN_ID }, false],
    ["not: a UUID", { traceId: "01020304-0506-0708-090a-0b0c0d0e0f10", spanId: SPAN_ID }, false],
  ])("base64 refuses the request: %s", (_, span, refused) => {
    const transcode = () =>
      tracesJsonToProtobuf(utf8Of({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    if (refused) expect(transcode).toThrow(/hex expected, looks like base64.*hex digits/);
    else expect(transcode).not.toThrow();
  });

  test.each([
    ["short", "0102"],
    ["odd", TRACE_ID.slice(1)],
    ["long", `${TRACE_ID}00`],
    ["of 33 digits", `${TRACE_ID}0`],
    ["empty", ""],
    ["zero", "0".repeat(32)],
    ["16 characters that are not hex", "not-hexadecimal!"],
    ["8 characters that are not hex", "nothex!!"],
    ["not hex, with an escape", 'a"b'],
    ["beyond ASCII", "ä".repeat(8)],
    ["a UUID", "01020304-0506-0708-090a-0b0c0d0e0f10"],
  ])("any other bad id rejects its span alone: %s", (_, traceId) => {
    const spans = [
      { traceId, spanId: SPAN_ID },
      { traceId: TRACE_ID, spanId: SPAN_ID },
    ];
    const table = createRecordTable();
    scanTraces(tracesJsonToProtobuf(utf8Of({ resourceSpans: [{ scopeSpans: [{ spans }] }] })), table);
    expect([table.count, table.rejected]).toEqual([1, 1]);
  });

  test("a number is not an id", () => {
    expect(() => readSpan(`,"parentSpanId":12`)).toThrow(/a string of hex digits \(parentSpanId\)/);
  });

  test("a log record with a bad id is kept, unassociated", () => {
    const json = utf8Of({
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ traceId: "xyz", spanId: SPAN_ID }] }] }],
    });
    expect(readLogs(logsJsonToProtobuf(json))).toMatchObject([{ traceId: "", spanId: SPAN_ID }]);
  });
});

describe("values", () => {
  test.each([
    ['{"stringValue":""}', ""],
    ['{"stringValue":"\\u00e9\\n\\"\\/\\ud83d\\ude00"}', 'é\n"/😀'],
    ['{"stringValue":"é😀"}', "é😀"],
    ['{"stringValue":"\\ud800"}', "\ufffd"],
    ['{"stringValue":"a\\udc00b"}', "a\ufffdb"],
    ['{"boolValue":false}', false],
    ['{"intValue":"0"}', 0],
    ['{"doubleValue":0}', 0],
    ['{"doubleValue":-0.0}', -0],
    ['{"doubleValue":1e-7}', 1e-7],
    ['{"doubleValue":"1.5"}', 1.5],
    ['{"doubleValue":"NaN"}', Number.NaN],
    ['{"doubleValue":"-Infinity"}', Number.NEGATIVE_INFINITY],
    ['{"doubleValue":1234567890123456789012}', 1.2345678901234568e21],
    ['{"bytesValue":"AQI="}', Uint8Array.of(1, 2)],
    ['{"bytesValue":"_-8"}', Uint8Array.of(0xff, 0xef)],
    ['{"bytesValue":""}', new Uint8Array(0)],
    ["{}", null],
    ["null", null],
    ['{"stringValue":null}', null],
    ['{"unknownValue":[1,{"a":"b\\n"},null,true,-1.5e3]}', null],
    ['{"arrayValue":{"values":[{"intValue":1},{},null,{"arrayValue":{}}]}}', [1, null, null, []]],
    ['{"kvlistValue":{"values":[{"key":"a","value":{"boolValue":true}}]}}', { a: true }],
    ['{"\\u0073tringValue":"escaped name"}', "escaped name"],
    ['{"stringValue":"first","intValue":2}', 2],
  ])("%s", (text, value) => {
    expect(readValue(text)).toEqual(value);
  });

  test("names are lowerCamelCase only; others are unknown", () => {
    expect(readSpan(`,"start_time_unix_nano":"1","Name":"x","NAME":"y"`)).toMatchObject({
      startNs: 0n,
      name: "",
    });
  });

  test("names that begin like a known one, and hash like it, are unknown", () => {
    expect(readSpan(`,"kind]":2,"name^":"x","":"y"`)).toMatchObject({ name: "", spanKind: "unspecified" });
  });

  test("properties in any order, spread over lines, after a byte order mark", () => {
    const json = ` \r\n{ "resourceSpans" :\t[ { "scopeSpans": [ { "spans": [ { "name": "x" , "spanId": "${SPAN_ID}",
      "traceId": "${TRACE_ID}" } ] } ], "resource": null } ], "other": {} }\n `;
    const bytes = Buffer.concat([Uint8Array.of(0xef, 0xbb, 0xbf), utf8(json)]);
    expect(readSpans(tracesJsonToProtobuf(bytes))).toMatchObject([{ name: "x", traceId: TRACE_ID }]);
  });

  test("invalid UTF-8 is read with replacement characters", () => {
    const [before, after] = spanText(`,"name":"a|b"`).split("|");
    const bytes = Buffer.concat([utf8(before!), Uint8Array.of(0xff), utf8(after!)]);
    expect(readSpans(tracesJsonToProtobuf(bytes))[0]!.name).toBe("a\ufffdb");
  });

  test.each([0, 1, 127, 128, 16_383, 16_384, 70_000])("strings of %i bytes, plain and escaped", (length) => {
    const text = "x".repeat(length);
    expect(readSpan(`,"name":"${text}"`).name).toBe(text);
    expect(readSpan(`,"name":"${text}\\n"`).name).toBe(`${text}\n`);
  });
});

describe("JSON that is not a request is refused with a remedy", () => {
  test.each([
    ["", /expected an object .*, found the end/],
    ["null", /expected an object/],
    ["[]", /expected an object \(ExportTraceServiceRequest\), found "\[\]"/],
    ["{", /a property name/],
    ['{"resourceSpans"', /":"/],
    ['{"resourceSpans":{}}', /an array \(resourceSpans\)/],
    ['{"resourceSpans":[1]}', /an object \(resourceSpans\)/],
    ['{"resourceSpans":[{}}', /"," or "\]"/],
    ['{"resourceSpans":[],}', /a property name/],
    ['{"resourceSpans":[{},]}', /an object/],
    ['{"a":[1,]}', /expected a digit/],
    ["{} {}", /expected the end/],
    ["{}\0", /expected the end/],
    ['{"a":01}', /leading zero/],
    ['{"a":+1}', /a digit/],
    ['{"a":1.}', /a digit/],
    ['{"a":.5}', /a digit/],
    ['{"a":1e}', /a digit/],
    ['{"a":-}', /a digit/],
    ['{"a":NaN}', /a digit/],
    ['{"a":tru}', /expected true/],
    ['{"a":"\\x"}', /an escape that JSON does not have/],
    ['{"\\x":1}', /an escape that JSON does not have/],
    ['{"a":"\n"}', /control character/],
    ['{"a":"x', /not closed/],
    ['{"a":"x\\', /not closed/],
    ["{'a':1}", /a property name/],
    [spanText(`,"name":5`), /a string \(name\)/],
    [spanText(`,"attributes":{}`), /an array \(attributes\)/],
    [spanText(`,"attributes":[{"value":{"boolValue":"true"}}]`), /expected true or false \(boolValue\)/],
    [spanText(`,"attributes":[{"value":{"bytesValue":"***"}}]`), /bytesValue is not base64/],
    [spanText(`,"attributes":[{"value":{"doubleValue":"x"}}]`), /a number, "NaN"/],
    [spanText(`,"attributes":[{"value":{"doubleValue":""}}]`), /a number, "NaN"/],
    ["\u001f\u008b", /expected an object/],
  ])("%j", (text, message) => {
    expect(() => tracesJsonToProtobuf(utf8(text))).toThrow(message);
    expect(() => tracesJsonToProtobuf(utf8(text))).toThrow(
      /^Malformed OTLP\/JSON at byte \d+: .* Send one whole/,
    );
  });

  const nested = (depth: number) => {
    const value = `${'{"arrayValue":{"values":['.repeat(depth - 1)}{"intValue":1}${"]}}".repeat(depth - 1)}`;
    return utf8(spanText(`,"attributes":[{"key":"k","value":${value}}]`));
  };
  test.each([
    ["values nested 64 deep are read", nested(64), undefined],
    ["values nested far deeper are refused", nested(5_000), /nested too deep/],
    [
      "unknown values nested without end are refused",
      utf8(`{"a":${"[".repeat(100_000)}`),
      /nested deeper than 512/,
    ],
    ["unknown objects too", utf8(`{"a":${'{"a":'.repeat(100_000)}`), /nested deeper than 512/],
  ])("%s", (_, json, message) => {
    const read = () => readSpans(tracesJsonToProtobuf(json));
    if (message === undefined) expect(read()).toHaveLength(1);
    else expect(read).toThrow(message);
  });
});

describe("profiles", () => {
  test("are counted", () => {
    const scope = { scope: { name: "x" }, profiles: [{ profileId: "AQ==" }, {}] };
    const json = {
      resourceProfiles: [{ scopeProfiles: [scope, scope] }, {}],
      dictionary: { stringTable: ["a"] },
    };
    expect(profilesJsonCount(utf8Of(json))).toBe(4);
    expect(profilesJsonCount(utf8("{}"))).toBe(0);
  });

  test("malformed ones throw", () => {
    expect(() => profilesJsonCount(utf8('{"resourceProfiles":[{'))).toThrow(/Malformed OTLP\/JSON/);
  });
});
