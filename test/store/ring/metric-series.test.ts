import { beforeEach, describe, expect, it } from "vitest";
import type { TelemetryStore } from "../../../src/store/telemetry-store.ts";
import { commitMetrics, type FakeClock } from "../store-under-test.ts";
import { MINUTE_MS, makeRingStore } from "./ring-fixture.ts";
import { smallLimits } from "./ring-limits.ts";

let clock: FakeClock;
let store: TelemetryStore;

describe("metric series", () => {
  beforeEach(() => {
    ({ store, clock } = makeRingStore(smallLimits()));
  });

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
