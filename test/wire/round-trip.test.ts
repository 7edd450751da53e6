import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RecordTable } from "../../src/model/scan-table.ts";
import { encodeLogs, encodeMetrics, encodeTraces, type RawRecord } from "../../src/wire/encode-request.ts";
import { createPointTable, createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildLogsRequest, buildMetricsRequest, buildTracesRequest } from "../support/otlp-build.ts";
import { otlpType } from "../support/otlp-proto.ts";
import { ProtoWriter } from "../support/proto-writer.ts";
import { freshSeed } from "../support/seed.ts";
import { logSpec, metricSpec, spanSpec } from "./arbitrary.ts";
import { expectedLog, expectedSpan } from "./expected.ts";
import { bytesOf, readLogs, readPoints, readSpans } from "./read-table.ts";

const seed = freshSeed();
const spans = fc.array(spanSpec, { maxLength: 5 });
const logs = fc.array(logSpec, { maxLength: 5 });
const metrics = fc.array(metricSpec, { maxLength: 4 });

describe(`random requests (seed ${seed})`, () => {
  test("spans decode to what was built", () => {
    fc.assert(
      fc.property(spans, (specs) => {
        expect(readSpans(buildTracesRequest(specs))).toEqual(specs.map(expectedSpan));
      }),
      { seed },
    );
  });

  test("log records decode to what was built", () => {
    fc.assert(
      fc.property(logs, (specs) => {
        expect(readLogs(buildLogsRequest(specs))).toEqual(specs.map(expectedLog));
      }),
      { seed },
    );
  });

  test("spans re-encoded from raw bytes are the same request to protobufjs", () => {
    fc.assert(
      fc.property(spans, (specs) => {
        const body = buildTracesRequest(specs);
        const table = createRecordTable();
        scanTraces(body, table);
        expect(seenByOracle("TracesRequest", encodeTraces(rawRecords(table)))).toEqual(
          seenByOracle("TracesRequest", body),
        );
      }),
      { seed },
    );
  });

  test("log records re-encoded from raw bytes are the same request to protobufjs", () => {
    fc.assert(
      fc.property(logs, (specs) => {
        const body = buildLogsRequest(specs);
        const table = createRecordTable();
        scanLogs(body, table);
        expect(seenByOracle("LogsRequest", encodeLogs(rawRecords(table)))).toEqual(
          seenByOracle("LogsRequest", body),
        );
      }),
      { seed },
    );
  });

  test("data points re-encoded from header and raw bytes decode to the same points", () => {
    fc.assert(
      fc.property(metrics, (specs) => {
        const body = buildMetricsRequest(specs);
        const table = createPointTable();
        scanMetrics(body, table);
        const again = encodeMetrics(
          rawRecords(table).map((record, row) => ({ ...record, header: table.metrics[table.metric[row]!]! })),
        );
        expect(readPoints(again)).toEqual(readPoints(body));
        const kept = specs.filter((spec) => pointCount(spec) > 0);
        expect(metricsSeenByOracle(again)).toEqual(metricsSeenByOracle(buildMetricsRequest(kept)));
      }),
      { seed },
    );
  });
});

test("schema URLs and senders are re-encoded, each once for neighbours", () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const group = (name: string) => ({
    resource: new ProtoWriter().varint(2, 1).finish(),
    scope: new ProtoWriter().text(1, name).finish(),
    resourceSchemaUrl: utf8(`resource-${name}`),
    scopeSchemaUrl: utf8(`scope-${name}`),
  });
  const [a, b] = [group("a"), group("b")];
  const bytes = new ProtoWriter().text(5, "x").finish();
  const entry = (name: string, spans: number) => ({
    resource: { droppedAttributesCount: 1 },
    scopeSpans: [
      { scope: { name }, spans: new Array(spans).fill({ name: "x" }), schemaUrl: `scope-${name}` },
    ],
    schemaUrl: `resource-${name}`,
  });
  const records = [a, a, b, a].map((each) => ({ group: each, bytes }));
  expect(seenByOracle("TracesRequest", encodeTraces(records))).toEqual({
    resourceSpans: [entry("a", 2), entry("b", 1), entry("a", 1)],
  });
  expect(encodeTraces([])).toHaveLength(0);
});

function pointCount(spec: { gauge?: unknown; sum?: unknown; histogram?: unknown }): number {
  const data = spec as { gauge?: unknown[]; sum?: { points: unknown[] }; histogram?: { points: unknown[] } };
  return (data.gauge ?? data.sum?.points ?? data.histogram?.points ?? []).length;
}

function rawRecords(table: RecordTable): RawRecord[] {
  return Array.from({ length: table.count }, (_, row) => ({
    group: table.groups[table.group[row]!]!,
    bytes: bytesOf(table, row),
  }));
}

function seenByOracle(type: string, body: Uint8Array): unknown {
  const oracle = otlpType(type);
  return oracle.toObject(oracle.decode(body), { longs: String, bytes: String });
}

/** Metrics in order, whatever entries they are grouped in. */
function metricsSeenByOracle(body: Uint8Array): unknown[] {
  const request = seenByOracle("MetricsRequest", body) as {
    resourceMetrics?: { scopeMetrics?: { metrics?: unknown[] }[] }[];
  };
  return (request.resourceMetrics ?? []).flatMap((resource) =>
    (resource.scopeMetrics ?? []).flatMap((scope) => scope.metrics ?? []),
  );
}
