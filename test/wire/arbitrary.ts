import fc from "fast-check";
import type { AttributeValue } from "../../src/model/attributes.ts";
import { SPAN_KINDS, STATUS_CODES } from "../../src/model/span.ts";
import type { AttributesSpec, LogSpec, MetricSpec, SpanSpec } from "../support/otlp-build.ts";

/** Random records as specs of the test builder. Strings are well-formed Unicode; integers reach all of int64. */

const text = fc.string({ unit: "binary", maxLength: 12 });
const longText = fc.string({ unit: "grapheme", minLength: 100, maxLength: 300 });

/** A number when it is exact as one, as decoders give it. */
const int64 = fc
  .bigInt(-(2n ** 63n), 2n ** 63n - 1n)
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));

const double = fc.double().filter((value) => !Number.isSafeInteger(value));

const uint64 = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.constantFrom(0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
);

const uint32 = fc.nat(0xffff_ffff);

const attributeValue: fc.Arbitrary<AttributeValue> = fc.letrec<{
  value: AttributeValue;
  list: AttributeValue[];
  map: AttributesSpec;
}>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(text, longText, int64, double, fc.boolean(), fc.constant(null), fc.uint8Array({ maxLength: 9 })),
    tie("list"),
    tie("map"),
  ),
  list: fc.array(tie("value"), { maxLength: 4 }),
  map: fc.dictionary(text, tie("value"), { maxKeys: 4 }),
})).value;

export const attributes: fc.Arbitrary<AttributesSpec> = fc.dictionary(
  fc.oneof(
    text,
    fc.constantFrom("browser.url", "test.name", "error.type", "__proto__", "http.request.method"),
  ),
  attributeValue,
  { maxKeys: 6 },
);

function hexId(bytes: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((id) => id.some((byte) => byte !== 0))
    .map((id) => Buffer.from(id).toString("hex"));
}

const traceId = hexId(16);
const spanId = hexId(8);

const group = {
  resource: attributes,
  scope: fc.record({ name: text, version: text }),
};

export const spanSpec: fc.Arbitrary<SpanSpec> = fc.record(
  {
    ...group,
    traceId,
    spanId,
    parentSpanId: spanId,
    traceState: text,
    flags: uint32,
    name: fc.oneof(text, longText),
    kind: fc.constantFrom(...SPAN_KINDS),
    startNs: uint64,
    endNs: uint64,
    attributes,
    events: fc.array(
      fc.record({ name: fc.oneof(text, fc.constant("exception")), timeNs: uint64, attributes }),
      { maxLength: 3 },
    ),
    links: fc.array(fc.record({ traceId, spanId, attributes }), { maxLength: 2 }),
    status: fc.record({ code: fc.constantFrom(...STATUS_CODES), message: text }),
  },
  { requiredKeys: ["traceId", "spanId"] },
);

export const logSpec: fc.Arbitrary<LogSpec> = fc.record(
  {
    ...group,
    traceId,
    spanId,
    flags: uint32,
    timeNs: uint64,
    observedNs: uint64,
    severity: fc.integer({ min: 0, max: 24 }),
    severityText: text,
    eventName: fc.oneof(text, fc.constantFrom("browser.click", "gasoline.git.commit", "test.run")),
    body: attributeValue,
    attributes,
  },
  { requiredKeys: [] },
);

const point = {
  startNs: uint64,
  timeNs: uint64,
  attributes,
  exemplars: fc.array(fc.record({ timeNs: uint64, value: fc.double({ noNaN: true }), traceId, spanId }), {
    maxLength: 2,
  }),
};
const numberPoints = fc.array(
  fc.record(
    {
      ...point,
      value: fc.oneof(fc.double({ noNaN: true }), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    },
    { requiredKeys: ["timeNs"] },
  ),
  { maxLength: 4 },
);
const temporality = fc.constantFrom(0 as const, 1 as const, 2 as const);
const histogramPoints = fc.array(
  fc.record(
    {
      ...point,
      count: fc.nat(),
      sum: fc.double({ noNaN: true }),
      min: fc.double({ noNaN: true }),
      max: fc.double({ noNaN: true }),
      bounds: fc.array(fc.double({ noNaN: true }), { maxLength: 4 }),
      counts: fc.array(fc.nat(), { maxLength: 5 }),
    },
    { requiredKeys: ["timeNs", "count"] },
  ),
  { maxLength: 3 },
);

const named = { ...group, name: text, description: text, unit: text };
export const metricSpec: fc.Arbitrary<MetricSpec> = fc.oneof(
  fc.record({ ...named, gauge: numberPoints }, { requiredKeys: ["name", "gauge"] }),
  fc.record(
    { ...named, sum: fc.record({ points: numberPoints, temporality, monotonic: fc.boolean() }) },
    { requiredKeys: ["name", "sum"] },
  ),
  fc.record(
    { ...named, histogram: fc.record({ points: histogramPoints, temporality }) },
    { requiredKeys: ["name", "histogram"] },
  ),
);
