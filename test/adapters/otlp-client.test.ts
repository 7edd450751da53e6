import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createOtlpClient, type OtlpClient } from "../../src/adapters/otlp-client.ts";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import { systemClock } from "../../src/model/time.ts";
import { encodePartialSuccess } from "../../src/wire/encode-response.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

let daemons: Gasoline[] = [];
let receivers: Server[] = [];
afterEach(async () => {
  for (const receiver of receivers) receiver.closeAllConnections();
  for (const receiver of receivers) await new Promise((done) => receiver.close(done));
  receivers = [];
  for (const daemon of daemons) await daemon.close();
  daemons = [];
});

async function startDaemon(port = 0, apiKey = ""): Promise<Gasoline> {
  const daemon = await startGasoline({ ...DEFAULTS, port, aliases: [], apiKey }, () => undefined);
  daemons.push(daemon);
  return daemon;
}

function clientOf(endpoint: () => string | undefined, queueBytesMax?: number): OtlpClient {
  const options = { endpoint: () => Promise.resolve(endpoint()), apiKey: "", clock: systemClock };
  return createOtlpClient(queueBytesMax === undefined ? options : { ...options, queueBytesMax });
}

async function bodies(daemon: Gasoline, service: string): Promise<unknown[]> {
  const { records } = await daemon.store.records({ filter: { service }, order: "oldest", limit: 10_000 });
  return records.map((record) => (record.kind === "log" ? record.body : undefined));
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly answer?: Uint8Array;
}

/** A receiver that gives these answers in turn, the last one again and again. */
async function startReceiver(answers: readonly Answer[]): Promise<{ url: string; times: number[] }> {
  const times: number[] = [];
  const server = createServer((request, response) => {
    const { status, headers, answer } = answers[Math.min(times.length, answers.length - 1)]!;
    times.push(performance.now());
    request.resume().on("end", () => response.writeHead(status, headers).end(answer));
  });
  receivers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, times };
}

function nestedArrays(depth: number): unknown {
  let value: unknown = [];
  for (let i = 1; i < depth; i++) value = [value];
  return value;
}

const logOf = (body: string) => ({ severity: 9, body, attributes: {} });

describe("the OTLP client of the adapters", () => {
  it("delivers logs and spans with ids, times, nested attributes and events", async () => {
    const daemon = await startDaemon();
    const client = clientOf(() => daemon.url);
    const source = client.source({ "service.name": "api", "process.pid": 7 });
    source.log({
      time: [1_790_000_000, 123_456_789],
      severity: 17,
      severityText: "ERROR",
      eventName: "order.failed",
      body: { order: 7, items: ["a", null] },
      attributes: { "user.name": "Zoë", nested: { deep: [1, 2.5, true] } },
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      flags: 1,
    });
    source.span({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      name: "build",
      start: [1_790_000_000, 0],
      end: [1_790_000_002, 500],
      attributes: { "process.exit.code": 1 },
      status: { code: 2, message: "exit code 1" },
      events: [{ time: [1_790_000_001, 1], name: "retry", attributes: { attempt: 2 } }],
      links: [{ traceId: TRACE_ID, spanId: "00f067aa0ba902b7" }],
    });
    expect(await client.flush(5_000)).toBe(true);
    const { records } = await daemon.store.records({
      filter: { service: "api" },
      order: "oldest",
      limit: 10,
    });
    expect(records.find((record) => record.kind === "log")).toMatchObject({
      timeNs: 1_790_000_000_123_456_789n,
      severity: 17,
      severityText: "ERROR",
      eventName: "order.failed",
      body: { order: 7, items: ["a", null] },
      attributes: { "user.name": "Zoë", nested: { deep: [1, 2.5, true] } },
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      flags: 1,
      resource: { attributes: { "process.pid": 7 } },
      scope: { name: "gasoline360" },
    });
    expect(records.find((record) => record.kind === "span")).toMatchObject({
      parentSpanId: "",
      name: "build",
      startNs: 1_790_000_000_000_000_000n,
      endNs: 1_790_000_002_000_000_500n,
      statusCode: "error",
      statusMessage: "exit code 1",
      events: [{ name: "retry", attributes: { attempt: 2 } }],
      links: [{ spanId: "00f067aa0ba902b7" }],
    });
    expect(await client.close(0)).toEqual({ sent: 2, waiting: 0, dropped: 0, droppedReason: "" });
  });

  it("keeps what it has while no daemon runs, and delivers all in order once one does", async () => {
    let url: string | undefined;
    const client = clientOf(() => url);
    const source = client.source({ "service.name": "early" });
    for (let i = 0; i < 2_500; i++) source.log(logOf(`line ${i}`));
    expect(await client.flush(5_000)).toBe(false);
    const daemon = await startDaemon();
    url = daemon.url;
    expect(await client.flush(5_000)).toBe(true);
    expect(await bodies(daemon, "early")).toEqual(Array.from({ length: 2_500 }, (_, i) => `line ${i}`));
    await client.close(0);
  });

  it("drops the oldest past its bound and counts them", async () => {
    let url: string | undefined;
    const client = clientOf(() => url, 10_000);
    const source = client.source({ "service.name": "bounded" });
    for (let i = 0; i < 100; i++) source.log(logOf(`line ${i}`));
    const { waiting, dropped } = client.stats();
    expect(waiting + dropped).toBe(100);
    expect(waiting).toBeGreaterThan(10);
    expect(waiting).toBeLessThan(60);
    const daemon = await startDaemon();
    url = daemon.url;
    await client.flush(5_000);
    expect((await bodies(daemon, "bounded")).at(-1)).toBe("line 99");
    expect(await client.close(0)).toMatchObject({ sent: waiting, dropped });
  });

  it("sends 100 MB of records in requests that a receiver takes", async () => {
    const daemon = await startDaemon();
    const client = clientOf(() => daemon.url, 512 * 1024 ** 2);
    const source = client.source({ "service.name": "large" });
    for (let i = 0; i < 400; i++) source.log({ ...logOf(`${i} ${"x".repeat(256 * 1024)}`) });
    expect(await client.flush(20_000)).toBe(true);
    expect(await client.close(0)).toMatchObject({ sent: 400, dropped: 0 });
  });

  it("finds a daemon that came back on another port", async () => {
    const first = await startDaemon();
    let url = first.url;
    const client = clientOf(() => url);
    const source = client.source({ "service.name": "moved" });
    source.log(logOf("to the first"));
    await client.flush(5_000);
    await first.close();
    daemons = [];
    source.log(logOf("to the second"));
    const second = await startDaemon();
    url = second.url;
    await expect.poll(() => client.flush(10_000), { timeout: 10_000 }).toBe(true);
    expect(await bodies(second, "moved")).toEqual(["to the second"]);
    await client.close(0);
  });

  it("counts what a daemon refuses, with its reason, and does not send it again", async () => {
    const daemon = await startDaemon(0, "right key");
    const client = clientOf(() => daemon.url);
    client.source({ "service.name": "refused" }).log(logOf("no key"));
    expect(await client.flush(5_000)).toBe(true);
    expect(await client.close(0)).toMatchObject({ sent: 0, dropped: 1 });
    expect(client.stats().droppedReason).toContain("requires a key");
  });

  it("asks a busy receiver again after the time it named, and loses nothing", async () => {
    const receiver = await startReceiver([
      { status: 429, headers: { "retry-after": "0.2" } },
      { status: 503 },
      { status: 200 },
    ]);
    const client = clientOf(() => receiver.url);
    client.source({ "service.name": "busy" }).log(logOf("once"));
    expect(await client.flush(5_000)).toBe(true);
    expect(await client.close(0)).toMatchObject({ sent: 1, dropped: 0 });
    expect(receiver.times).toHaveLength(3);
    // Timers may fire up to a millisecond early.
    expect(receiver.times[1]! - receiver.times[0]!).toBeGreaterThan(195);
  });

  it("counts the records that a receiver refused out of a batch", async () => {
    const answer = encodePartialSuccess("logs", 2, "too long");
    const receiver = await startReceiver([{ status: 200, answer }]);
    const client = clientOf(() => receiver.url);
    const source = client.source({ "service.name": "partly" });
    for (let i = 0; i < 5; i++) source.log(logOf(`line ${i}`));
    expect(await client.flush(5_000)).toBe(true);
    expect(await client.close(0)).toEqual({ sent: 3, waiting: 0, dropped: 2, droppedReason: "too long" });
  });

  it("delivers over a connection that the receiver closes after each answer", async () => {
    const receiver = await startReceiver([{ status: 200, headers: { connection: "close" } }]);
    const client = clientOf(() => receiver.url);
    const source = client.source({ "service.name": "closing" });
    for (let i = 0; i < 3; i++) {
      source.log(logOf(`line ${i}`));
      expect(await client.flush(5_000)).toBe(true);
    }
    expect(await client.close(0)).toMatchObject({ sent: 3, dropped: 0 });
  });

  it("delivers a record whose values are nested too deep for a receiver, and the records beside it", async () => {
    const daemon = await startDaemon();
    const client = clientOf(() => daemon.url);
    const source = client.source({ "service.name": "deep" });
    source.log(logOf("before"));
    source.log({ ...logOf("deep"), attributes: { list: nestedArrays(50_000) } });
    expect(await client.flush(5_000)).toBe(true);
    expect(await bodies(daemon, "deep")).toEqual(["before", "deep"]);
    await client.close(0);
  });
});
