import { describe, expect, it } from "vitest";
import type { StoredSpan, TelemetryStore } from "../../../src/store/telemetry-store.ts";
import type { SpanSpec } from "../../support/otlp-build.ts";
import { commitSpans, traceId } from "../store-under-test.ts";
import { makeRingStore, spans } from "./ring-fixture.ts";
import { smallLimits } from "./ring-limits.ts";

let store: TelemetryStore;

describe("reading while records arrive", () => {
  it("never shows half a record, and leaves out what was evicted on the way", async () => {
    ({ store } = makeRingStore(
      smallLimits(
        { arenaBytes: 32 * 1024 * 1024, slabBytes: 64 * 1024 },
        { "backend.spans": { recordsMax: 20_000, bytesReserved: 16 * 1024 * 1024 } },
      ),
    ));
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
    ({ store } = makeRingStore(smallLimits()));
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
