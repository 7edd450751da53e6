import { describe, expect, it } from "vitest";
import type { RecordFilter } from "../../../src/store/telemetry-store.ts";
import { commitSpans } from "../store-under-test.ts";
import { makeRingStore, spans } from "./ring-fixture.ts";
import { smallLimits } from "./ring-limits.ts";

const NOISY: RecordFilter = {
  attributes: [{ keys: ["noisy"], match: { op: "equals", value: "true" } }],
  not: [{ attributes: [{ keys: ["kept"], match: { op: "exists" } }] }],
};

describe("what exclusions said of records", () => {
  // 20 records are held in 32 slots, which come round again between two batches, in one, and in several at once.
  it.each([1, 7, 20])("is not taken for the next record of a slot: batches of %i", async (batch) => {
    const { store } = makeRingStore(smallLimits({ slabBytes: 16 * 1024 }));
    const sent: { readonly noisy: boolean; readonly kept?: boolean }[] = [];
    for (let round = 0; round < 100; round++) {
      const attributes = Array.from({ length: batch }, (_, i) => ({
        noisy: (sent.length + i) % 3 === 0,
        ...((sent.length + i) % 9 === 0 ? { kept: true } : {}),
      }));
      commitSpans(
        store,
        spans(batch).map((span, i) => ({ ...span, attributes: attributes[i]! })),
      );
      sent.push(...attributes);
      const held = sent.slice(-20);
      const hidden = held.filter(({ noisy, kept }) => noisy && !kept).length;
      const page = await store.records({ filter: { not: [NOISY] }, order: "newest", limit: 0 });
      expect(page).toMatchObject({ total: held.length - hidden, leftOut: hidden });
    }
    await store.close();
  });

  it("holds for those exclusions alone, and for records in another window", async () => {
    const { store } = makeRingStore(smallLimits());
    commitSpans(store, [{ name: "a", attributes: { noisy: true } }, { name: "b" }]);
    const totals = async (filter: RecordFilter): Promise<readonly number[]> => {
      const { total, leftOut } = await store.records({ filter, order: "newest", limit: 0 });
      return [total, leftOut];
    };
    expect(await totals({ not: [NOISY] })).toEqual([1, 1]);
    expect(await totals({ not: [{ text: "b" }, NOISY] })).toEqual([0, 2]);
    expect(await totals({ not: [NOISY, { name: "b" }] })).toEqual([0, 2]);
    expect(await totals({ not: [{ ...NOISY, sinceNs: 2n ** 62n }] })).toEqual([2, 0]);
    expect(await totals({ name: "b", not: [NOISY] })).toEqual([1, 0]);
    await store.close();
  });
});
