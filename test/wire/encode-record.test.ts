import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { encodeGroup, type TimeToEncode, writeLog, writeSpan } from "../../src/wire/encode-record.ts";
import { encodeLogs, encodeTraces, type RawRecord } from "../../src/wire/encode-request.ts";
import type { AttributesSpec, LogSpec, SpanSpec } from "../support/otlp-build.ts";
import { freshSeed } from "../support/seed.ts";
import { logSpec, spanSpec } from "./arbitrary.ts";
import { expectedLog, expectedSpan } from "./expected.ts";
import { readLogs, readSpans } from "./read-table.ts";

const seed = freshSeed();
const SCOPE = { name: "gasoline360", version: "1.2.3" };

/** Up to the year 2554, where fixed64 nanoseconds end. */
const time = fc.tuple(fc.nat(18_446_744_072), fc.nat(999_999_999));

function nsOf([seconds, nanoseconds]: TimeToEncode): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}

function recordOf(resource: AttributesSpec, write: (writer: ByteWriter) => void): RawRecord {
  const writer = new ByteWriter();
  write(writer);
  return { group: encodeGroup(resource, SCOPE.name, SCOPE.version), bytes: writer.finish() };
}

describe(`records encoded from objects (seed ${seed})`, () => {
  test("log records decode to what they were", () => {
    fc.assert(
      fc.property(logSpec, time, time, (drawn, at, observed) => {
        // Without a trace there is neither span nor flags.
        const untraced: LogSpec = { ...drawn };
        const { spanId: _spanId, flags: _flags, ...rest } = untraced;
        const spec: LogSpec = {
          ...(drawn.traceId === undefined ? rest : untraced),
          ...{ resource: drawn.resource ?? {}, scope: SCOPE, timeNs: nsOf(at), observedNs: nsOf(observed) },
          body: drawn.body ?? null,
        };
        const log = { ...spec, time: at, severity: spec.severity ?? 0, attributes: spec.attributes ?? {} };
        const record = recordOf(spec.resource!, (writer) =>
          writeLog(writer, { ...log, body: spec.body }, observed),
        );
        expect(readLogs(encodeLogs([record]))).toEqual([expectedLog({ ...spec, severity: log.severity }, 0)]);
      }),
      { seed },
    );
  });

  test("spans decode to what they were", () => {
    fc.assert(
      fc.property(spanSpec, time, time, (drawn, start, end) => {
        const spec: SpanSpec = {
          ...drawn,
          ...{ resource: drawn.resource ?? {}, scope: SCOPE, startNs: nsOf(start), endNs: nsOf(end) },
          ...{ flags: 1, traceState: "", kind: "client", status: { code: "error", message: "no cart" } },
          events: (drawn.events ?? []).map((event) => ({ ...event, timeNs: nsOf(start) })),
          links: (drawn.links ?? []).map((link) => ({ ...link, attributes: {} })),
        };
        const record = recordOf(spec.resource!, (writer) =>
          writeSpan(writer, {
            ...{ traceId: spec.traceId!, spanId: spec.spanId!, parentSpanId: spec.parentSpanId },
            ...{ name: spec.name ?? "operation", kind: 3, start, end, attributes: spec.attributes ?? {} },
            events: spec.events!.map(({ name, attributes }) => ({
              ...{ time: start, name: name ?? "event", attributes: attributes ?? {} },
            })),
            ...{ links: spec.links!, status: { code: 2, message: "no cart" } },
          }),
        );
        expect(readSpans(encodeTraces([record]))).toEqual([expectedSpan(spec, 0)]);
      }),
      { seed },
    );
  });

  test("times are exact to the nanosecond, texts keep every character", () => {
    const log = {
      ...{ severity: 9, body: "Zoë 🛒 \ud800", eventName: "größe".repeat(40) },
      attributes: { left: undefined, none: null, [`k${"é".repeat(70)}`]: "é".repeat(90), odd: () => 1 },
    };
    const record = recordOf({}, (writer) => writeLog(writer, log, [1_790_000_000, 123_456_789]));
    expect(readLogs(encodeLogs([record]))[0]).toMatchObject({
      ...{ timeNs: 1_790_000_000_123_456_789n, body: "Zoë 🛒 \ufffd", eventName: log.eventName },
      attributes: { none: null, [`k${"é".repeat(70)}`]: "é".repeat(90), odd: null },
    });
    expect(readLogs(encodeLogs([record]))[0]!.attributes).not.toHaveProperty("left");
  });

  test.each([
    [16, false],
    [17, true],
    [50_000, true],
  ])("values nested %i deep: a note stands for them: %s", (depth, noted) => {
    let value: unknown = "core";
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { inner: value };
    const log = { severity: 0, body: "deep", attributes: { value } };
    const [read] = readLogs(encodeLogs([recordOf({}, (writer) => writeLog(writer, log, [1, 0]))]));
    const text = JSON.stringify(read!.attributes.value);
    expect(text.includes("[nested deeper than 16]")).toBe(noted);
    expect(text.includes("core")).toBe(!noted);
  });
});
