import { beforeEach, describe, expect, it } from "vitest";
import type { TelemetryStore } from "../../../src/store/telemetry-store.ts";
import { DEFAULT_START_NS } from "../../support/otlp-build.ts";
import {
  allRecords,
  commitLogs,
  commitSpans,
  type FakeClock,
  namesOf,
  traceId,
} from "../store-under-test.ts";
import { MINUTE_MS, makeRingStore, spans, statsOf } from "./ring-fixture.ts";
import { smallLimits } from "./ring-limits.ts";

let clock: FakeClock;
let store: TelemetryStore;

describe("a ring", () => {
  beforeEach(() => {
    ({ store, clock } = makeRingStore(smallLimits()));
  });

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
    expect(statsOf(store, "backend.spans")).toMatchObject({ expired: 3, evicted: 0 });
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

describe("a flood of trace ids", () => {
  it("fills the ring with one trace a record", () => {
    ({ store, clock } = makeRingStore(
      smallLimits(
        { arenaBytes: 32 * 1024 * 1024, slabBytes: 64 * 1024 },
        { "backend.spans": { recordsMax: 20_000, bytesReserved: 16 * 1024 * 1024 } },
      ),
    ));
    for (let round = 0; round < 30; round++) {
      const body = spans(1_000, 100).map((span, i) => ({ ...span, traceId: traceId(round * 1_000 + i) }));
      expect(commitSpans(store, body)).toMatchObject({ stored: 1_000 });
    }
    expect(store.stats().traces).toBe(20_000);
  });
});
