import { beforeEach, describe, expect, it } from "vitest";
import type { StoredSpan, TelemetryStore } from "../../../src/store/telemetry-store.ts";
import { allRecords, commitLogs, commitSpans, namesOf } from "../store-under-test.ts";
import { makeRingStore, spans, statsOf } from "./ring-fixture.ts";
import { smallLimits } from "./ring-limits.ts";

let store: TelemetryStore;

describe("slabs", () => {
  const noRecordBound = Object.fromEntries(
    ["backend.spans", "backend.logs", "custom"].map((stream) => [stream, { recordsMax: 1_000 }]),
  );
  // Nine streams of three slabs each: 27.
  beforeEach(() => {
    ({ store } = makeRingStore(smallLimits({}, noRecordBound)));
  });

  it("that nobody needs are lent to a ring that does", () => {
    commitSpans(store, spans(27 * 4));
    expect(statsOf(store, "backend.spans")).toMatchObject({ records: 108, evicted: 0 });
    expect(store.stats().arenaBytesUsed).toBe(27 * 1024);
  });

  it("of a ring that has all of them are used again, the oldest first", async () => {
    commitSpans(store, spans(27 * 4 + 1));
    expect(statsOf(store, "backend.spans")).toMatchObject({ records: 105, evicted: 4 });
    expect((await namesOf(store, {}))[0]).toBe("s4");
  });

  it("are given back to a ring that has less than it reserved, and no more than that", () => {
    commitSpans(store, spans(27 * 4));
    commitLogs(
      store,
      Array.from({ length: 40 }, (_, i) => ({ eventName: `l${i}`, body: "y".repeat(190) })),
    );
    // Its reserve of three slabs came from the spans; then it evicted its own.
    const { records } = statsOf(store, "backend.logs");
    expect(records).toBeGreaterThanOrEqual(8);
    expect(records).toBeLessThanOrEqual(13);
    expect(statsOf(store, "backend.spans")).toMatchObject({ records: 24 * 4, evicted: 12 });
  });

  it("go from the ring that is most above its reserve", () => {
    commitSpans(store, spans(15 * 4));
    commitSpans(store, spans(12 * 4, 240, { scope: { name: "gasoline.custom" } }));
    commitLogs(store, [{ body: "y" }]);
    expect(statsOf(store, "backend.spans").evicted).toBe(4);
    expect(statsOf(store, "custom").evicted).toBe(0);
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
    expect(statsOf(store, "backend.spans")).toMatchObject({ records: 2, dropped: 1 });
  });

  it("are empty after a clear", async () => {
    commitSpans(store, spans(50));
    commitLogs(store, [{ body: "y" }]);
    expect(await store.clear()).toBe(51);
    expect(store.stats()).toMatchObject({ arenaBytesUsed: 0, traces: 0 });
    commitSpans(store, spans(3));
    expect(statsOf(store, "backend.spans")).toMatchObject({ records: 3, bytes: expect.any(Number) });
  });
});
