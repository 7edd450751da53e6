import { expect, test } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import { createPointTable, createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildLogsRequest, buildMetricsRequest, buildTracesRequest } from "../support/otlp-build.ts";

/** Bodies come from node:http as Buffers, whose `slice` is a view where a Uint8Array's is a copy. */
test("nothing that is kept looks into the request's body, which is used again at once", async () => {
  const clock = { nowMs: () => Date.UTC(2026, 0, 1) };
  const store = createRingStore({ limits: DEFAULTS.store, clock, random: () => 0.5 });
  const resource = { "service.name": "cart" };

  const spans = Buffer.from(buildTracesRequest([{ name: "GET /cart", resource }]));
  const spanTable = createRecordTable();
  scanTraces(spans, spanTable);
  store.commitSpans(spanTable);
  spans.fill(0);

  const logs = Buffer.from(buildLogsRequest([{ body: "shown", eventName: "cart.shown", resource }]));
  const logTable = createRecordTable();
  scanLogs(logs, logTable);
  store.commitLogs(logTable);
  logs.fill(0);

  const points = Buffer.from(buildMetricsRequest([{ name: "cart.size", gauge: [{ value: 3n }], resource }]));
  const pointTable = createPointTable();
  scanMetrics(points, pointTable);
  store.commitPoints(pointTable);
  points.fill(0);

  const { traces } = await store.traces({ filter: {}, limit: 1 });
  expect(traces).toMatchObject([{ rootName: "GET /cart", rootService: "cart" }]);
  const named = async (name: string) =>
    (await store.records({ filter: { name }, order: "oldest", limit: 9 })).total;
  expect([await named("get /cart"), await named("cart.shown"), await named("cart.size")]).toEqual([1, 1, 1]);
  expect(await store.metrics({}, 10)).toMatchObject([
    { name: "cart.size", service: "cart", last: { value: 3 } },
  ]);
  expect(await store.names()).toEqual({ services: ["cart"], spanNames: ["GET /cart"] });
});
