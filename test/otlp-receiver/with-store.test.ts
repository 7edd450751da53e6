import { gzipSync } from "node:zlib";
import { afterEach, expect, it } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { systemClock } from "../../src/model/time.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import {
  buildLogsRequest,
  buildMetricsRequest,
  buildTracesRequest,
  DEFAULT_TRACE_ID,
} from "../support/otlp-build.ts";
import { askHttp1, askHttp2, type HttpClient } from "./clients.ts";
import { createGrpcClient, exportPath } from "./grpc-client.ts";
import { startTestReceiver, type TestReceiver } from "./harness.ts";

/** The receiver in front of the store it is made for. */
let target: TestReceiver;
let store: TelemetryStore;
afterEach(async () => {
  await target.stop();
  await store.close();
});

async function start(): Promise<void> {
  store = createRingStore({ limits: DEFAULTS.store, clock: systemClock, random: Math.random });
  target = await startTestReceiver({ sink: store });
}

function recordsHeld(): number {
  return store.stats().streams.reduce((sum, stream) => sum + stream.records, 0);
}

const PROTOBUF = { "content-type": "application/x-protobuf" };
const SPANS = Array.from({ length: 40 }, (_, i) => ({
  name: `step ${i}`,
  attributes: { index: i, text: "x".repeat(i) },
}));

it.each<[string, HttpClient]>([
  ["HTTP/1.1", askHttp1],
  ["HTTP/2", askHttp2],
])("finds a trace as soon as its export over %s is answered", async (_name, ask) => {
  await start();
  for (let i = 1; i <= 30; i++) {
    const traceId = i.toString(16).padStart(32, "0");
    const body = buildTracesRequest(
      SPANS.map((span, n) => ({ ...span, traceId, spanId: (i * 100 + n).toString(16).padStart(16, "0") })),
    );
    const compressed = i % 2 === 0;
    const headers = { ...PROTOBUF, ...(compressed ? { "content-encoding": "gzip" } : {}) };
    const answer = await ask(target.receiver.port, { headers, body: compressed ? gzipSync(body) : body });
    expect(answer.status).toBe(200);
    const found = await store.trace(traceId);
    // Bodies are joined, inflated and freed in memory that is used again: what is stored must not change with it.
    expect(found).toMatchObject({
      found: "yes",
      value: { spans: SPANS.map(({ name }) => ({ name, traceId })) },
    });
  }
  for (let i = 1; i <= 30; i++) {
    const found = await store.trace(i.toString(16).padStart(32, "0"));
    expect(found).toMatchObject({ found: "yes", value: { spans: SPANS.map(({ name }) => ({ name })) } });
  }
});

it("stores nothing of a request that breaks off anywhere, for any signal", async () => {
  await start();
  const requests: readonly [string, Uint8Array][] = [
    ["/v1/traces", buildTracesRequest(SPANS.slice(0, 3))],
    ["/v1/logs", buildLogsRequest([{ body: "one" }, { body: "two", attributes: { a: 1 } }])],
    ["/v1/metrics", buildMetricsRequest([{ gauge: [{ value: 1 }] }, { sum: { points: [{ value: 2n }] } }])],
  ];
  const client = createGrpcClient(target.receiver.port);
  for (const [path, body] of requests) {
    for (let length = 1; length < body.length; length += 3) {
      const answer = await askHttp1(target.receiver.port, { path, body: body.subarray(0, length) });
      expect([answer.status, length]).toEqual([400, length]);
      if (path === "/v1/traces")
        expect((await client.call(exportPath("traces"), body.subarray(0, length))).code).toBe(3);
    }
    expect(recordsHeld()).toBe(0);
  }
  client.close();
  for (const [path, body] of requests)
    expect((await askHttp1(target.receiver.port, { path, body })).status).toBe(200);
  expect(recordsHeld()).toBe(7);
  expect(await store.trace(DEFAULT_TRACE_ID)).toMatchObject({ found: "yes", value: { spans: [{}, {}, {}] } });
});
