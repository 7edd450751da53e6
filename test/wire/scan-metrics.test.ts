import { describe, expect, test } from "vitest";
import type { MetricPoint } from "../../src/model/metric.ts";
import { createPointTable } from "../../src/wire/record-table.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { buildMetricsRequest, type MetricSpec, writeAttributes } from "../support/otlp-build.ts";
import { otlpType } from "../support/otlp-proto.ts";
import { ProtoWriter } from "../support/proto-writer.ts";
import { readPoints } from "./read-table.ts";

const TRACE_ID = "0102030405060708090a0b0c0d0e0f10";

function scanned(metrics: readonly MetricSpec[]) {
  const table = createPointTable();
  scanMetrics(buildMetricsRequest(metrics), table);
  return table;
}

/** A request around one Metric message given in protobufjs's terms. */
function requestOf(metric: object): Uint8Array {
  const type = otlpType("MetricsRequest");
  return type
    .encode(type.fromObject({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }))
    .finish();
}

const body = (metric: ProtoWriter) =>
  new ProtoWriter().message(1, new ProtoWriter().message(2, new ProtoWriter().message(2, metric))).finish();

test("rows are data points, each of its metric", () => {
  const table = scanned([
    { name: "a", gauge: [{ value: 1, timeNs: 0x100000002n }, { value: 2 }] },
    { name: "none", gauge: [] },
    { name: "b", sum: { points: [{ value: 3n }] }, resource: { "service.name": "other" } },
  ]);
  expect(table.count).toBe(3);
  expect([...table.metric.slice(0, 3)]).toEqual([0, 0, 1]);
  expect(table.metrics.map(({ name, dataField }) => [name, dataField])).toEqual([
    ["a", 5],
    ["b", 7],
  ]);
  expect([...table.group.slice(0, 3)]).toEqual([0, 0, 1]);
  expect([...table.times.slice(0, 4)]).toEqual([2, 1, 0, 0]);
  expect([...table.ids.slice(0, 8)]).toEqual(new Array(8).fill(0));
});

test("a header is its Metric without the points", () => {
  const described = { name: "a", description: "what", unit: "s" };
  const table = scanned([
    { ...described, sum: { points: [{ value: 1 }, { value: 2 }], temporality: 1, monotonic: true } },
  ]);
  const metric = otlpType("Metric");
  expect(metric.toObject(metric.decode(table.metrics[0]!.bytes))).toEqual({
    ...described,
    sum: { aggregationTemporality: 1, isMonotonic: true },
  });
});

const COMMON = { startNs: 1n, timeNs: 2n, flags: 0, exemplars: [] };
const TIMES = { startTimeUnixNano: "1", timeUnixNano: "2" };
const ATTRIBUTES = [{ key: "k", value: { intValue: "9007199254740993" } }];

describe("points of every kind decode", () => {
  test.each<[string, object, Partial<MetricPoint>]>([
    [
      "gauge",
      { gauge: { dataPoints: [{ ...TIMES, asDouble: 1.5, attributes: ATTRIBUTES }] } },
      { type: "gauge", value: 1.5, temporality: "unspecified", monotonic: false, ...COMMON },
    ],
    [
      "sum",
      {
        sum: {
          dataPoints: [{ ...TIMES, asInt: "-9007199254740993", attributes: ATTRIBUTES }],
          isMonotonic: true,
          aggregationTemporality: 2,
        },
      },
      { type: "sum", value: -9007199254740993n, temporality: "cumulative", monotonic: true, ...COMMON },
    ],
    [
      "a point without a value",
      { gauge: { dataPoints: [{ ...TIMES, asDouble: 1.5, flags: 1, attributes: ATTRIBUTES }] } },
      { value: null, flags: 1 },
    ],
    [
      "histogram",
      {
        histogram: {
          aggregationTemporality: 1,
          dataPoints: [
            {
              ...TIMES,
              count: 6,
              sum: 0,
              min: -1,
              max: 8,
              bucketCounts: [1, 2, 3],
              explicitBounds: [0, 5],
              attributes: ATTRIBUTES,
            },
          ],
        },
      },
      {
        type: "histogram",
        temporality: "delta",
        count: 6,
        sum: 0,
        min: -1,
        max: 8,
        bounds: [0, 5],
        counts: [1, 2, 3],
        value: null,
        ...COMMON,
      },
    ],
    [
      "summary",
      {
        summary: {
          dataPoints: [
            {
              ...TIMES,
              count: 4,
              sum: 2.5,
              quantileValues: [{ quantile: 0.5, value: 1 }, {}],
              attributes: ATTRIBUTES,
            },
          ],
        },
      },
      {
        type: "summary",
        count: 4,
        sum: 2.5,
        quantiles: [
          { quantile: 0.5, value: 1 },
          { quantile: 0, value: 0 },
        ],
        ...COMMON,
      },
    ],
  ])("%s", (_, data, expected) => {
    const points = readPoints(requestOf({ name: "m", description: "d", unit: "u", ...data }));
    expect(points).toMatchObject([{ kind: "metric", name: "m", description: "d", unit: "u", ...expected }]);
    expect({ ...points[0]!.attributes }).toEqual({ k: 9007199254740993n });
  });

  test("what a histogram leaves out stays out", () => {
    const [point] = readPoints(requestOf({ name: "m", histogram: { dataPoints: [{ count: 1 }] } }));
    expect(Object.keys(point!)).not.toEqual(expect.arrayContaining(["sum"]));
    expect([point!.min, point!.max, point!.sum]).toEqual([undefined, undefined, undefined]);
  });
});

describe("an exponential histogram becomes explicit bounds", () => {
  test.each<[string, object, { bounds: number[]; counts: number[] }]>([
    [
      "positive only",
      { scale: 0, positive: { offset: 0, bucketCounts: [1, 2] } },
      { bounds: [1, 2, 4], counts: [0, 1, 2, 0] },
    ],
    [
      "an offset below one",
      { scale: 0, positive: { offset: -2, bucketCounts: [1] } },
      { bounds: [0.25, 0.5], counts: [0, 1, 0] },
    ],
    [
      "a finer scale",
      { scale: 1, positive: { offset: 2, bucketCounts: [7, 8] } },
      { bounds: [2, 2 ** 1.5, 4], counts: [0, 7, 8, 0] },
    ],
    [
      "a coarser scale",
      { scale: -1, positive: { offset: 0, bucketCounts: [5] } },
      { bounds: [1, 4], counts: [0, 5, 0] },
    ],
    [
      "negative only",
      { scale: 0, negative: { offset: 0, bucketCounts: [1, 2] } },
      { bounds: [-4, -2, -1], counts: [0, 2, 1, 0] },
    ],
    [
      "both sides and zero",
      {
        scale: 0,
        zeroCount: 9,
        positive: { offset: 1, bucketCounts: [3] },
        negative: { offset: 0, bucketCounts: [4] },
      },
      { bounds: [-2, -1, 2, 4], counts: [0, 4, 9, 3, 0] },
    ],
    ["nothing but zeros", { zeroCount: 9 }, { bounds: [], counts: [9] }],
  ])("%s", (_, data, expected) => {
    const point = { ...TIMES, count: 10, sum: 3, min: 1, max: 4, ...data };
    const [read] = readPoints(
      requestOf({ name: "m", exponentialHistogram: { dataPoints: [point], aggregationTemporality: 1 } }),
    );
    expect(read).toMatchObject({
      type: "exponential_histogram",
      temporality: "delta",
      count: 10,
      sum: 3,
      min: 1,
      max: 4,
    });
    expect({ bounds: read!.bounds, counts: read!.counts }).toEqual(expected);
    expect(read!.counts!.length).toBe(read!.bounds!.length + 1);
  });
});

test("exemplars carry their trace", () => {
  const exemplar = { timeNs: 7n, value: 1.5, traceId: TRACE_ID, spanId: "1112131415161718" };
  const [point] = readPoints(
    buildMetricsRequest([{ gauge: [{ value: 1, exemplars: [exemplar, { value: 2, traceId: "01" }] }] }]),
  );
  expect(point!.exemplars).toMatchObject([
    { ...exemplar, attributes: {} },
    { value: 2, traceId: "", spanId: "" },
  ]);
});

test("repeated numbers are read packed and one by one", () => {
  const unpacked = new ProtoWriter().fixed64(4, 3).fixed64(6, 1).fixed64(6, 2).double(7, 0.5);
  const metric = new ProtoWriter().text(1, "m").message(9, new ProtoWriter().message(1, unpacked));
  expect(readPoints(body(metric))).toMatchObject([{ counts: [1, 2], bounds: [0.5] }]);
});

describe("data that comes more than once in a Metric", () => {
  const point = (value: number) => new ProtoWriter().double(4, value);
  const data = (...values: number[]) =>
    values.reduce((all, value) => all.message(1, point(value)), new ProtoWriter());
  const values = (metric: ProtoWriter) =>
    readPoints(body(metric.text(1, "m"))).map(({ type, value }) => [type, value]);

  test("of one kind is merged, its last temporality counts", () => {
    const metric = new ProtoWriter().message(7, data(1).varint(2, 1)).message(7, data(2).varint(2, 2));
    expect(readPoints(body(metric))).toMatchObject([
      { value: 1, temporality: "cumulative" },
      { value: 2, temporality: "cumulative" },
    ]);
  });

  test("of another kind replaces what came before", () => {
    expect(values(new ProtoWriter().message(5, data(1)).message(7, data(2)))).toEqual([["sum", 2]]);
    expect(values(new ProtoWriter().message(7, data(1)).message(5, data(2)).message(7, data(3)))).toEqual([
      ["sum", 3],
    ]);
  });

  test("is still checked where it is replaced", () => {
    const metric = new ProtoWriter().message(5, new ProtoWriter().raw(0x0a, 0x7f)).message(7, data(2));
    expect(() => values(metric)).toThrow(/Malformed protobuf/);
  });
});

test.each<[string, ProtoWriter, RegExp]>([
  ["a point's time as varint", new ProtoWriter().varint(3, 1), /timeUnixNano.* of NumberDataPoint/],
  [
    "an exemplar's id as varint",
    new ProtoWriter().message(5, new ProtoWriter().varint(5, 1)),
    /traceId.* of Exemplar/,
  ],
  [
    "a point's attribute cut off",
    writeAttributes(new ProtoWriter(), 6, {}).raw(0x3a, 0x02, 0x0a, 0x09),
    /past its message/,
  ],
])("a malformed point is refused: %s", (_, point, message) => {
  const metric = new ProtoWriter().message(5, new ProtoWriter().message(1, point));
  expect(() => readPoints(body(metric))).toThrow(message);
});

test("packed numbers that are not whole are refused", () => {
  const point = new ProtoWriter().bytes(6, new Uint8Array(9));
  const metric = new ProtoWriter().message(9, new ProtoWriter().message(1, point));
  expect(() => readPoints(body(metric))).toThrow(/packed bucketCounts of 9 bytes is not whole/);
});
