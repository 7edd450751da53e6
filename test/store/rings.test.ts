import { beforeEach, describe, expect, it } from "vitest";
import type { StoreLimits } from "../../src/config.ts";
import type { Stream } from "../../src/model/stream.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import type { StoredSpan, StreamStats, TelemetryStore } from "../../src/store/telemetry-store.ts";
import { DEFAULT_START_NS, type SpanSpec } from "../support/otlp-build.ts";
import { smallLimits } from "./ring-limits.ts";
import {
  allRecords,
  commitLogs,
  commitMetrics,
  commitSpans,
  FakeClock,
  namesOf,
  START_MS,
  traceId,
} from "./store-under-test.ts";

const MINUTE_MS = 60_000;
const MANY = 1_000;
let clock: FakeClock;
let store: TelemetryStore;

function make(limits: StoreLimits): TelemetryStore {
  clock = new FakeClock(START_MS);
  store = createRingStore({ limits, clock, random: Math.random });
  return store;
}

function statsOf(stream: Stream | "pinned"): StreamStats {
  return store.stats().streams.find((each) => each.stream === stream)!;
}

/** Spans of about `bytes` each; four of 240 fill a slab of 1 KiB. */
function spans(count: number, bytes = 240, spec: Partial<SpanSpec> = {}): readonly SpanSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `s${i}`,
    attributes: { filler: "x".repeat(bytes - 80) },
    ...spec,
  }));
}

describe("slabs", () => {
  const noRecordBound = Object.fromEntries(
    ["backend.spans", "backend.logs", "custom"].map((stream) => [stream, { recordsMax: MANY }]),
  );
  // Nine streams of three slabs each: 27.
  beforeEach(() => make(smallLimits({}, noRecordBound)));

  it("that nobody needs are lent to a ring that does", () => {
    commitSpans(store, spans(27 * 4));
    expect(statsOf("backend.spans")).toMatchObject({ records: 108, evicted: 0 });
    expect(store.stats().arenaBytesUsed).toBe(27 * 1024);
  });

  it("of a ring that has all of them are used again, the oldest first", async () => {
    commitSpans(store, spans(27 * 4 + 1));
    expect(statsOf("backend.spans")).toMatchObject({ records: 105, evicted: 4 });
    expect((await namesOf(store, {}))[0]).toBe("s4");
  });

  it("are given back to a ring that has less than it reserved, and no more than that", () => {
    commitSpans(store, spans(27 * 4));
    commitLogs(
      store,
      Array.from({ length: 40 }, (_, i) => ({ eventName: `l${i}`, body: "y".repeat(190) })),
    );
    // Its reserve of three slabs came from the spans; then it evicted its own.
    const { records } = statsOf("backend.logs");
    expect(records).toBeGreaterThanOrEqual(8);
    expect(records).toBeLessThanOrEqual(13);
    expect(statsOf("backend.spans")).toMatchObject({ records: 24 * 4, evicted: 12 });
  });

  it("go from the ring that is most above its reserve", () => {
    commitSpans(store, spans(15 * 4));
    commitSpans(store, spans(12 * 4, 240, { scope: { name: "gasoline.custom" } }));
    commitLogs(store, [{ body: "y" }]);
    expect(statsOf("backend.spans").evicted).toBe(4);
    expect(statsOf("custom").evicted).toBe(0);
  });

  it("are told from a buffer of its own for a record that is larger than one", async () => {
    commitSpans(store, [
      ...spans(1, 240, { name: "before" }),
      ...spans(1, 2_500, { name: "large" }),
      ...spans(1, 240, { name: "after" }),
    ]);
    expect(await namesOf(store, {})).toEqual(["before", "large", "after"]);
    expect(store.stats().arenaBytesUsed).toBe(5 * 1024);
    const large = (await allRecords(store, { name: "large" })) as StoredSpan[];
    expect(String(large[0]!.attributes.filler)).toHaveLength(2_420);
    commitSpans(store, spans(27 * 4));
    expect(await namesOf(store, { name: "large" })).toEqual([]);
    expect(store.stats().arenaBytesUsed).toBe(27 * 1024);
  });

  it("cannot hold a record larger than a ring's reserve: it is dropped, and counted with its reason", () => {
    const result = commitSpans(store, [...spans(1), ...spans(1, 3_300), ...spans(1)]);
    expect(result).toMatchObject({ stored: 2, dropped: 1 });
    expect(result.droppedReason).toMatch(/3\d\d\d bytes.*backend\.spans.*3072/);
    expect(statsOf("backend.spans")).toMatchObject({ records: 2, dropped: 1 });
  });

  it("are empty after a clear", async () => {
    commitSpans(store, spans(50));
    commitLogs(store, [{ body: "y" }]);
    expect(await store.clear()).toBe(51);
    expect(store.stats()).toMatchObject({ arenaBytesUsed: 0, traces: 0 });
    commitSpans(store, spans(3));
    expect(statsOf("backend.spans")).toMatchObject({ records: 3, bytes: expect.any(Number) });
  });
});

describe("a ring", () => {
  beforeEach(() => make(smallLimits()));

  it("keeps its newest records, and says of the others that they were here", async () => {
    commitSpans(store, spans(5));
    const early = await allRecords(store);
    commitSpans(store, spans(20));
    const page = await store.records({ filter: {}, order: "oldest", limit: 100 });
    expect(page).toMatchObject({ total: 20, lost: 5, horizonNs: DEFAULT_START_NS });
    for (const { id } of early) expect(await store.record(id)).toMatchObject({ found: "evicted" });
    expect(await store.record(`s${store.epoch}zzzz`)).toMatchObject({ found: "never_seen" });
    const other = early[0]!.id;
    const elsewhere = `s${store.epoch === "zzz" ? "aaa" : "zzz"}${other.slice(4)}`;
    expect(await store.record(elsewhere)).toMatchObject({ found: "before_restart" });
  });

  it("does not push out another", async () => {
    commitLogs(store, [{ eventName: "quiet" }]);
    for (let i = 0; i < 20; i++) commitSpans(store, spans(20));
    expect(await namesOf(store, { kinds: ["log"] })).toEqual(["quiet"]);
  });

  it("lets records go at their age, a bounded number a call", async () => {
    commitSpans(store, spans(3));
    clock.ms += MINUTE_MS - 1;
    commitSpans(store, spans(2));
    expect(await namesOf(store, {})).toHaveLength(5);
    clock.ms += 1;
    expect(await namesOf(store, {})).toHaveLength(2);
    expect(statsOf("backend.spans")).toMatchObject({ expired: 3, evicted: 0 });
    clock.ms -= 10 * MINUTE_MS;
    expect(await namesOf(store, {})).toHaveLength(2);
    clock.ms += 20 * MINUTE_MS;
    expect(await store.traces({ filter: {}, limit: 1 })).toMatchObject({
      total: 0,
      lost: 5,
      horizonNs: null,
    });
  });

  it("counts what a trace has lost, also when it comes back", async () => {
    const mine = { traceId: traceId(1) };
    commitSpans(store, spans(4, 240, mine));
    commitSpans(store, spans(17, 240, { traceId: traceId(2) }));
    expect(await store.trace(traceId(1))).toMatchObject({
      found: "yes",
      value: { lost: 1, spans: { length: 3 } },
    });
    const page = await store.traces({ filter: { traceId: traceId(1) }, limit: 1 });
    expect(page.traces[0]).toMatchObject({ lost: 1, spans: 3 });
    commitSpans(store, spans(20, 240, { traceId: traceId(3) }));
    expect(await store.trace(traceId(1))).toMatchObject({ found: "evicted" });
    commitSpans(store, spans(1, 240, mine));
    expect(await store.trace(traceId(1))).toMatchObject({
      found: "yes",
      value: { lost: 4, spans: { length: 1 } },
    });
  });

  it("says what is missing from the window that is asked for", async () => {
    const second = 1_000_000_000n;
    const at = (s: bigint): bigint => DEFAULT_START_NS + s * second;
    commitSpans(store, [
      ...spans(5, 240, { startNs: at(0n) }),
      ...spans(5, 240, { startNs: at(100n) }),
      ...spans(20, 240, { startNs: at(200n) }),
    ]);
    const lost = async (sinceNs: bigint, untilNs: bigint): Promise<number> =>
      (await store.records({ filter: { sinceNs, untilNs }, order: "newest", limit: 0 })).lost;
    expect(await lost(at(-20n), at(50n))).toBe(5);
    expect(await lost(at(50n), at(150n))).toBe(5);
    expect(await lost(at(-20n), at(150n))).toBe(10);
    expect(await lost(at(150n), at(300n))).toBe(0);
    expect((await store.records({ filter: { kinds: ["log"] }, order: "newest", limit: 0 })).lost).toBe(0);
  });

  it("stores records whose name, scope or resource finds no room, and still finds them", async () => {
    const odd = Array.from({ length: 18 }, (_, i) => ({
      name: `n${i}`,
      resource: { "service.name": `svc${i}` },
    }));
    expect(commitSpans(store, odd)).toMatchObject({ stored: 18 });
    // Eight groups at most: the other ten share one that says nothing.
    const services = (await store.names()).services;
    expect(services).toHaveLength(8);
    expect(await namesOf(store, { service: "svc3" })).toEqual(["n3"]);
    const records = await allRecords(store);
    expect(records.filter(({ resource }) => resource.service === "unknown_service")).toHaveLength(10);
    const long = "very long ".repeat(200);
    commitSpans(store, [{ name: long }]);
    expect(await namesOf(store, { name: "LONG VERY" })).toEqual([long]);
    expect((await store.traces({ filter: { name: "long very" }, limit: 1 })).total).toBe(1);
  });

  it("frees names and groups with their last record", async () => {
    for (let round = 0; round < 40; round++) {
      commitSpans(
        store,
        spans(5, 240, { name: `round ${round}`, resource: { "service.name": `svc ${round}` } }),
      );
    }
    const names = await store.names();
    expect(names.services).toEqual([36, 37, 38, 39].map((round) => `svc ${round}`));
    expect(names.spanNames).toEqual([36, 37, 38, 39].map((round) => `round ${round}`));
  });
});

describe("a failing trace", () => {
  const failing = (number: number, count = 2): readonly SpanSpec[] =>
    spans(count, 240, { traceId: traceId(number), name: "GET /pay", status: { code: "error" } });
  const fill = (): unknown => commitSpans(store, spans(20, 240, { traceId: traceId(99) }));

  beforeEach(() => {
    make(smallLimits());
    // 5 % of what arrived may be pinned: let enough arrive.
    for (let i = 0; i < 10; i++) fill();
  });

  it("outlives its stream under its own ids", async () => {
    commitSpans(store, failing(1));
    const before = await allRecords(store, { traceId: traceId(1) });
    fill();
    fill();
    expect(await allRecords(store, { traceId: traceId(1) })).toEqual(before);
    for (const record of before)
      expect(await store.record(record.id)).toEqual({ found: "yes", value: record });
    expect(await store.trace(traceId(1))).toMatchObject({
      found: "yes",
      value: { lost: 0, spans: { length: 2 } },
    });
    expect(store.stats()).toMatchObject({ pinnedTraces: 1, pinSkipped: 0 });
    expect(statsOf("pinned").records).toBe(2);
    expect(await namesOf(store, { streams: ["backend.logs"] })).toEqual([]);
  });

  it("is kept once a minute for one operation and error", async () => {
    commitSpans(store, failing(1));
    commitSpans(store, failing(2));
    fill();
    expect(store.stats()).toMatchObject({ pinnedTraces: 1, pinSkipped: 1 });
    expect(await store.trace(traceId(2))).toMatchObject({ found: "evicted" });
    clock.ms += MINUTE_MS - 1;
    commitSpans(store, failing(3));
    clock.ms += 2;
    fill();
    fill();
    expect(await store.trace(traceId(3))).toMatchObject({ found: "yes" });
  });

  it("is not kept beyond 5 % of what arrives", async () => {
    commitSpans(store, failing(1, 15));
    fill();
    expect(store.stats()).toMatchObject({ pinnedTraces: 0, pinSkipped: 1 });
  });

  it("goes when the pinned ring is full or it is too old there", async () => {
    make(smallLimits({ pinned: { recordsMax: 4, bytesReserved: 8 * 1024, ttlMs: 2 * MINUTE_MS } }));
    commitSpans(store, spans(6, 240, { traceId: traceId(1) }));
    expect(await store.pin(traceId(1))).toBe(6);
    fill();
    fill();
    expect(await store.trace(traceId(1))).toMatchObject({ value: { lost: 2, spans: { length: 4 } } });
    clock.ms += 2 * MINUTE_MS;
    expect(await store.trace(traceId(1))).toMatchObject({ found: "evicted" });
  });
});

describe("metric series", () => {
  beforeEach(() => make(smallLimits()));

  const point = (name: string, value: number, series = "a"): void => {
    commitMetrics(store, [{ name, gauge: [{ value, attributes: { series } }] }]);
  };

  it("keep the last points each, also those whose record is gone", async () => {
    for (let i = 0; i < 7; i++) point("quiet", i);
    for (let i = 0; i < 30; i++) point("chatty", i);
    const [chatty, quiet] = await store.metrics({}, 10);
    expect(chatty!.history.map(({ value }) => value)).toEqual([25, 26, 27, 28, 29]);
    expect(quiet!.history.map(({ value }) => value)).toEqual([2, 3, 4, 5, 6]);
    expect(quiet!.last).toMatchObject({ name: "quiet", value: 6, resource: { service: "shop" } });
    expect(await store.record(quiet!.last.id)).toMatchObject({ found: "evicted" });
  });

  it("are bounded: the one that was quiet longest goes", async () => {
    for (const series of ["a", "b", "c", "d"]) point("m", 1, series);
    point("m", 2, "a");
    point("m", 1, "e");
    const kept = await store.metrics({}, 10);
    expect(kept.map(({ last }) => last.attributes.series)).toEqual(["e", "a", "d", "c"]);
    expect(store.stats()).toMatchObject({ series: 4, seriesDropped: 1 });
  });

  it("age like points", async () => {
    point("old", 1);
    clock.ms += MINUTE_MS;
    point("new", 1);
    expect((await store.metrics({}, 10)).map(({ name }) => name)).toEqual(["new"]);
    expect(store.stats().seriesDropped).toBe(0);
  });

  it("are forgotten when metrics are cleared", async () => {
    point("m", 1);
    await store.clear(["metrics"]);
    expect(await store.metrics({}, 10)).toEqual([]);
  });
});

describe("reading while records arrive", () => {
  it("never shows half a record, and leaves out what was evicted on the way", async () => {
    make(
      smallLimits(
        { arenaBytes: 32 * 1024 * 1024, slabBytes: 64 * 1024 },
        { "backend.spans": { recordsMax: 20_000, bytesReserved: 16 * 1024 * 1024 } },
      ),
    );
    const batch = (round: number): readonly SpanSpec[] =>
      spans(1_000, 120, { name: `round ${round}`, attributes: { round } }).map((span, i) => ({
        ...span,
        traceId: traceId(round * 10 + (i % 10)),
      }));
    const bodies = Array.from({ length: 30 }, (_, round) => batch(round));
    for (const body of bodies.slice(0, 20)) commitSpans(store, body);
    let isDone = false;
    const scans = Promise.all([
      store.records({
        filter: { attributes: [{ keys: ["round"], match: { op: "exists" } }] },
        order: "oldest",
        limit: 5_000,
      }),
      store.records({ filter: { text: "round" }, order: "newest", limit: 100 }),
      store.traces({ filter: { name: "round" }, limit: 50 }),
    ]).finally(() => {
      isDone = true;
    });
    let committed = 20;
    while (!isDone && committed < bodies.length) {
      commitSpans(store, bodies[committed++]!);
      await new Promise(setImmediate);
    }
    expect(committed).toBeGreaterThan(21);
    const [all, some, traces] = await scans;
    for (const record of [...all.records, ...some.records] as StoredSpan[]) {
      expect(record.name).toBe(`round ${record.attributes.round}`);
      // What arrived after the question is not in the answer.
      expect(record.arrival).toBeLessThan(20_000);
    }
    expect(all.total).toBeLessThanOrEqual(20_000);
    expect(all.arrivalSeen).toBe(19_999);
    expect(traces.total).toBeLessThanOrEqual(200);
    for (const trace of traces.traces) expect(trace.rootName).toMatch(/^round \d+$/);
  });

  it("drops from a subscription what was evicted before its reader came", async () => {
    make(smallLimits());
    const subscription = store.subscribe({}, 1_000);
    const quick = store.subscribe({}, 1_000);
    commitSpans(store, spans(15));
    const iterator = quick[Symbol.asyncIterator]();
    for (let i = 0; i < 15; i++) await iterator.next();
    commitSpans(store, spans(20));
    await iterator.next();
    // All 15 were queued for the slow one too, and are gone by now.
    const next = await subscription[Symbol.asyncIterator]().next();
    expect(next.value).toMatchObject({ arrival: 15 });
    expect(subscription.dropped).toBe(15);
    await store.close();
  });
});

describe("a flood of trace ids", () => {
  it("fills the ring with one trace a record", () => {
    make(
      smallLimits(
        { arenaBytes: 32 * 1024 * 1024, slabBytes: 64 * 1024 },
        { "backend.spans": { recordsMax: 20_000, bytesReserved: 16 * 1024 * 1024 } },
      ),
    );
    for (let round = 0; round < 30; round++) {
      const body = spans(1_000, 100).map((span, i) => ({ ...span, traceId: traceId(round * 1_000 + i) }));
      expect(commitSpans(store, body)).toMatchObject({ stored: 1_000 });
    }
    expect(store.stats().traces).toBe(20_000);
  });
});
