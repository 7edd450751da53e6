import { beforeEach, describe, expect, it } from "vitest";
import type { StoredRecord, Subscription, TelemetryStore } from "../../src/store/telemetry-store.ts";
import { createPointTable, createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import {
  allRecords,
  commitLogs,
  commitMetrics,
  commitSpans,
  FakeClock,
  type MakeStore,
  namesOf,
  START_MS,
  traceId,
} from "./store-under-test.ts";

/** The next `count` records of a subscription. */
async function take(subscription: Subscription, count: number): Promise<readonly StoredRecord[]> {
  const iterator = subscription[Symbol.asyncIterator]();
  const records: StoredRecord[] = [];
  while (records.length < count) {
    const next = await iterator.next();
    if (next.done === true) break;
    records.push(next.value);
  }
  return records;
}

export function contractOfLiveReads(makeStore: MakeStore): void {
  let store: TelemetryStore;
  beforeEach(async () => {
    store = await makeStore(new FakeClock(START_MS));
  });

  describe("a subscription", () => {
    it("gets what arrives from then on and passes, in order of arrival", async () => {
      commitSpans(store, [{ name: "before" }]);
      const subscription = store.subscribe({ service: "web" }, 100);
      const web = { "service.name": "web" };
      commitSpans(store, [{ name: "a", resource: web }, { name: "not mine" }]);
      commitLogs(store, [{ eventName: "b", resource: web }]);
      commitSpans(store, [{ name: "c", resource: web, traceId: traceId(4) }]);
      const records = await take(subscription, 3);
      expect(records.map((record) => (record.kind === "log" ? record.eventName : record.name))).toEqual([
        "a",
        "b",
        "c",
      ]);
      const seen = records.map(({ arrival }) => arrival);
      expect(seen).toEqual([...seen].sort((x, y) => x - y));
      expect(await store.record(records[1]!.id)).toMatchObject({ found: "yes" });
      expect(store.stats().subscribers).toBe(1);
      subscription.close();
      expect(store.stats().subscribers).toBe(0);
    });

    it("wakes a reader that waits", async () => {
      const subscription = store.subscribe({}, 10);
      const waiting = take(subscription, 1);
      commitSpans(store, [{ name: "late" }]);
      expect(await waiting).toMatchObject([{ name: "late" }]);
      subscription.close();
    });

    it("keeps the newest that its reader has not fetched, and counts the others", async () => {
      const slow = store.subscribe({ kinds: ["span"] }, 4);
      const quick = store.subscribe({}, 100);
      commitSpans(
        store,
        Array.from({ length: 10 }, (_, i) => ({ name: `n${i}` })),
      );
      await take(quick, 10);
      expect(slow.dropped).toBe(6);
      expect(quick.dropped).toBe(0);
      expect(store.stats().subscriberDropped).toBe(6);
      expect(await take(slow, 4)).toMatchObject([
        { name: "n6" },
        { name: "n7" },
        { name: "n8" },
        { name: "n9" },
      ]);
      slow.close();
      quick.close();
    });

    it("ends when it is closed, by either side", async () => {
      const subscription = store.subscribe({}, 10);
      const waiting = take(subscription, 1);
      subscription.close();
      expect(await waiting).toEqual([]);
      const other = store.subscribe({}, 10);
      const ended = take(other, 1);
      await store.close();
      expect(await ended).toEqual([]);
    });

    it("closes when its reader leaves the loop", async () => {
      const subscription = store.subscribe({}, 10);
      commitSpans(store, [{ name: "one" }]);
      for await (const record of subscription) {
        expect(record).toMatchObject({ name: "one" });
        break;
      }
      expect(store.stats().subscribers).toBe(0);
    });
  });

  describe("an export", () => {
    it("brings the same records to another store", async () => {
      commitSpans(
        store,
        Array.from({ length: 700 }, (_, i) => ({ name: `n${i}`, traceId: traceId(i % 7) })),
      );
      commitLogs(store, [{ eventName: "b", body: "text", severity: 9, resource: { "service.name": "web" } }]);
      commitMetrics(store, [
        { name: "c", unit: "1", sum: { points: [{ value: 4n, attributes: { a: 1 } }], monotonic: true } },
        { name: "d", histogram: { points: [{ count: 1, bounds: [2], counts: [1, 0] }] } },
      ]);
      const other = await makeStore(new FakeClock(START_MS));
      const records = createRecordTable();
      const points = createPointTable();
      for await (const { signal, body } of store.exportRaw({})) {
        if (signal === "traces") scanTraces(body, records);
        else if (signal === "logs") scanLogs(body, records);
        else scanMetrics(body, points);
        if (signal === "traces") other.commitSpans(records);
        else if (signal === "logs") other.commitLogs(records);
        else other.commitPoints(points);
      }
      const plain = (list: readonly StoredRecord[]): unknown[] =>
        list.map(({ id: _id, arrival: _arrival, ...record }) => record);
      expect(plain(await allRecords(other, { kinds: ["span"] }))).toEqual(
        plain(await allRecords(store, { kinds: ["span"] })),
      );
      expect(plain(await allRecords(other, { kinds: ["log"] }))).toEqual(
        plain(await allRecords(store, { kinds: ["log"] })),
      );
      expect(plain(await allRecords(other, { kinds: ["metric"] }))).toEqual(
        plain(await allRecords(store, { kinds: ["metric"] })),
      );
      expect(await namesOf(other, { kinds: ["metric"] })).toHaveLength(2);
    });

    it("holds only what passes", async () => {
      commitSpans(store, [
        { name: "a", traceId: traceId(1) },
        { name: "b", traceId: traceId(2) },
      ]);
      const table = createRecordTable();
      let spans = 0;
      for await (const { body } of store.exportRaw({ traceId: traceId(2) })) {
        scanTraces(body, table);
        spans += table.count;
      }
      expect(spans).toBe(1);
    });
  });
}
