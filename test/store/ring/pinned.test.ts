import { beforeEach, describe, expect, it } from "vitest";
import type { TelemetryStore } from "../../../src/store/telemetry-store.ts";
import type { SpanSpec } from "../../support/otlp-build.ts";
import { allRecords, commitSpans, type FakeClock, namesOf, traceId } from "../store-under-test.ts";
import { MINUTE_MS, makeRingStore, spans, statsOf } from "./ring-fixture.ts";
import { smallLimits } from "./ring-limits.ts";

let clock: FakeClock;
let store: TelemetryStore;

describe("a failing trace", () => {
  const failing = (number: number, count = 2): readonly SpanSpec[] =>
    spans(count, 240, { traceId: traceId(number), name: "GET /pay", status: { code: "error" } });
  const fill = (): unknown => commitSpans(store, spans(20, 240, { traceId: traceId(99) }));

  beforeEach(() => {
    ({ store, clock } = makeRingStore(smallLimits()));
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
    expect(statsOf(store, "pinned").records).toBe(2);
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

  it("that goes on growing takes no more than that share either", async () => {
    for (let i = 0; i < 20; i++) {
      commitSpans(store, failing(1, 5));
      fill();
    }
    const { accepted } = statsOf(store, "backend.spans");
    expect(statsOf(store, "pinned").records).toBeGreaterThan(5);
    expect(statsOf(store, "pinned").records).toBeLessThanOrEqual(0.05 * accepted);
    expect(await store.trace(traceId(1))).toMatchObject({
      found: "yes",
      value: { lost: expect.any(Number) },
    });
  });

  it("goes when the pinned ring is full or it is too old there", async () => {
    ({ store, clock } = makeRingStore(
      smallLimits({ pinned: { recordsMax: 4, bytesReserved: 8 * 1024, ttlMs: 2 * MINUTE_MS } }),
    ));
    commitSpans(store, spans(6, 240, { traceId: traceId(1) }));
    expect(await store.pin(traceId(1))).toBe(6);
    fill();
    fill();
    expect(await store.trace(traceId(1))).toMatchObject({ value: { lost: 2, spans: { length: 4 } } });
    clock.ms += 2 * MINUTE_MS;
    expect(await store.trace(traceId(1))).toMatchObject({ found: "evicted" });
  });
});
