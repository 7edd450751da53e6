import { beforeEach, describe, expect, it } from "vitest";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { DEFAULT_START_NS, type SpanSpec } from "../support/otlp-build.ts";
import {
  commitLogs,
  commitMetrics,
  commitSpans,
  FakeClock,
  type MakeStore,
  namesOf,
  START_MS,
  traceId,
} from "./store-under-test.ts";

const MS = 1_000_000n;
const at = (ms: number): bigint => DEFAULT_START_NS + BigInt(ms) * MS;
const span = (number: number): string => number.toString(16).padStart(16, "0");

export function contractOfTraces(makeStore: MakeStore): void {
  let store: TelemetryStore;
  beforeEach(async () => {
    store = await makeStore(new FakeClock(START_MS));
  });

  describe("a trace", () => {
    const spans: SpanSpec[] = [
      {
        traceId: traceId(1),
        spanId: span(2),
        parentSpanId: span(1),
        name: "SELECT",
        startNs: at(2),
        endNs: at(4),
        resource: { "service.name": "db" },
        status: { code: "error" },
      },
      {
        traceId: traceId(1),
        spanId: span(1),
        name: "GET /cart",
        startNs: at(1),
        endNs: at(9),
        resource: { "service.name": "web" },
      },
      {
        traceId: traceId(2),
        spanId: span(3),
        parentSpanId: span(1),
        name: "orphan",
        startNs: at(5),
        endNs: at(6),
      },
    ];
    beforeEach(() => {
      commitSpans(store, spans);
      commitLogs(store, [
        { traceId: traceId(1), eventName: "late", severity: 17, timeNs: at(3) },
        { eventName: "unrelated", timeNs: at(3) },
        { traceId: traceId(3), eventName: "only.a.log", timeNs: at(8) },
      ]);
    });

    it("is found by its id, in either case, in order of time", async () => {
      for (const id of [traceId(1), traceId(1).toUpperCase()]) {
        const found = await store.trace(id);
        if (found.found !== "yes") throw new Error(found.reason);
        expect(found.value.traceId).toBe(traceId(1));
        expect(found.value.spans.map(({ name }) => name)).toEqual(["GET /cart", "SELECT"]);
        expect(found.value.logs.map(({ eventName }) => eventName)).toEqual(["late"]);
        expect(found.value.lost).toBe(0);
      }
    });

    it("can be pinned, by its id or a prefix; what is no trace has nothing to pin", async () => {
      expect(await store.pin(traceId(1))).toBe(3);
      expect(await store.pin(traceId(2).toUpperCase())).toBe(1);
      for (const id of ["", "a0", traceId(8), "not hex at all"]) expect(await store.pin(id)).toBe(0);
    });

    it("is found by a prefix that is its own, and named when there are several", async () => {
      const own = "0123456789abcdef0000000000000001";
      commitSpans(store, [{ traceId: own, spanId: span(9) }]);
      expect(await store.trace("01234567")).toMatchObject({ found: "yes", value: { traceId: own } });
      await expect(store.trace(traceId(1).slice(0, 8))).rejects.toMatchObject({
        code: "bad_parameter",
        message: expect.stringContaining(traceId(2)),
      });
      await expect(store.trace("0123456")).rejects.toMatchObject({ code: "bad_parameter" });
      await expect(store.trace("not hex at all")).rejects.toMatchObject({ code: "bad_parameter" });
      expect(await store.trace("ffffffff")).toMatchObject({ found: "never_seen" });
      expect(await store.trace(traceId(77))).toMatchObject({ found: "never_seen" });
    });

    it("keeps duplicates, which senders make when they retry", async () => {
      commitSpans(store, [spans[1]!]);
      expect(await store.trace(traceId(1))).toMatchObject({
        value: { spans: [{ name: "GET /cart" }, { name: "GET /cart" }, { name: "SELECT" }] },
      });
    });

    it("is summed up without its records", async () => {
      const page = await store.traces({ filter: {}, limit: 10 });
      expect(page).toMatchObject({ total: 3, more: false, lost: 0 });
      expect(page.traces).toEqual([
        {
          traceId: traceId(3),
          startNs: at(8),
          endNs: at(8),
          spans: 0,
          logs: 1,
          errors: 0,
          services: ["shop"],
          rootName: "only.a.log",
          rootService: "shop",
          rootHeld: false,
          lost: 0,
        },
        {
          traceId: traceId(2),
          startNs: at(5),
          endNs: at(6),
          spans: 1,
          logs: 0,
          errors: 0,
          services: ["shop"],
          rootName: "orphan",
          rootService: "shop",
          rootHeld: false,
          lost: 0,
        },
        {
          traceId: traceId(1),
          startNs: at(1),
          endNs: at(9),
          spans: 2,
          logs: 1,
          errors: 2,
          services: ["db", "shop", "web"],
          rootName: "GET /cart",
          rootService: "web",
          rootHeld: true,
          lost: 0,
        },
      ]);
    });

    it("is listed when one of its records passes", async () => {
      const ids = async (
        query: Partial<Parameters<TelemetryStore["traces"]>[0]>,
      ): Promise<readonly string[]> =>
        (await store.traces({ filter: {}, limit: 10, ...query })).traces.map((trace) => trace.traceId);
      expect(await ids({ filter: { service: "db" } })).toEqual([traceId(1)]);
      expect(await ids({ filter: { name: "orphan" } })).toEqual([traceId(2)]);
      expect(await ids({ filter: { kinds: ["log"] } })).toEqual([traceId(3), traceId(1)]);
      expect(await ids({ filter: { traceId: traceId(2) } })).toEqual([traceId(2)]);
      expect(await ids({ errorsOnly: true })).toEqual([traceId(1)]);
      expect(await ids({ durationMinNs: MS })).toEqual([traceId(2), traceId(1)]);
      expect(await ids({ durationMinNs: 8n * MS })).toEqual([traceId(1)]);
      expect(await ids({ durationMinNs: 8n * MS + 1n })).toEqual([]);
    });

    it("has its place in pages", async () => {
      const ids: string[] = [];
      // All of one start, so that only ids tell them apart.
      for (let i = 10; i < 20; i++)
        commitSpans(store, [{ traceId: traceId(i), spanId: span(i), startNs: at(20) }]);
      let after: { startNs: bigint; traceId: string } | undefined;
      for (let more = true; more; ) {
        const page = await store.traces({ filter: {}, limit: 4, ...(after === undefined ? {} : { after }) });
        expect(page.total).toBe(13);
        ids.push(...page.traces.map((trace) => trace.traceId));
        after = page.traces.at(-1);
        more = page.more;
      }
      expect(new Set(ids).size).toBe(13);
      expect(ids.slice(-3)).toEqual([traceId(3), traceId(2), traceId(1)]);
      const oldest = await store.traces({ filter: {}, limit: 100, order: "oldest" });
      expect(oldest.traces.map((trace) => trace.traceId)).toEqual([...ids].reverse());
      const { startNs, traceId: last } = oldest.traces[2]!;
      const next = await store.traces({
        filter: {},
        limit: 1,
        order: "oldest",
        after: { startNs, traceId: last },
      });
      expect(next.traces).toEqual([oldest.traces[3]]);
      expect(next.more).toBe(true);
    });
  });

  describe("metrics", () => {
    it("are series with their last point and history", async () => {
      for (let i = 0; i < 3; i++) {
        commitMetrics(store, [
          {
            name: "queue.length",
            gauge: [
              { value: BigInt(i), timeNs: at(i), attributes: { queue: "mail" } },
              { value: i * 0.5, timeNs: at(i), attributes: { queue: "sms" } },
            ],
          },
        ]);
      }
      commitMetrics(store, [
        {
          name: "latency",
          resource: { "service.name": "web" },
          histogram: { points: [{ count: 4, sum: 10, timeNs: at(9), bounds: [1], counts: [1, 3] }] },
        },
      ]);
      const series = await store.metrics({}, 10);
      expect(series.map(({ name, service, last }) => [name, service, last.attributes.queue])).toEqual([
        ["latency", "web", undefined],
        ["queue.length", "shop", "sms"],
        ["queue.length", "shop", "mail"],
      ]);
      expect(series[2]!.history).toEqual([0, 1, 2].map((value) => ({ timeNs: at(value), value })));
      expect(series[1]!.history.map(({ value }) => value)).toEqual([0, 0.5, 1]);
      expect(series[0]!.history).toEqual([{ timeNs: at(9), value: 4 }]);
      expect(await store.record(series[2]!.last.id)).toEqual({ found: "yes", value: series[2]!.last });
      expect(store.stats().series).toBe(3);
    });

    it("are filtered", async () => {
      commitMetrics(store, [
        { name: "a.count", sum: { points: [{ value: 1n, timeNs: at(1), attributes: { route: "/x" } }] } },
        {
          name: "b.count",
          resource: { "service.name": "web" },
          sum: { points: [{ value: 1n, timeNs: at(5) }] },
        },
      ]);
      const names = async (
        filter: Parameters<TelemetryStore["metrics"]>[0],
        limit = 10,
      ): Promise<readonly string[]> => (await store.metrics(filter, limit)).map(({ name }) => name);
      expect(await names({ name: "COUNT" })).toEqual(["b.count", "a.count"]);
      expect(await names({}, 1)).toEqual(["b.count"]);
      expect(await names({ service: "web" })).toEqual(["b.count"]);
      expect(await names({ sinceNs: at(2) })).toEqual(["b.count"]);
      expect(
        await names({ attributes: [{ keys: ["route"], match: { op: "equals", value: "/x" } }] }),
      ).toEqual(["a.count"]);
      expect(await names({ text: "/X" })).toEqual(["a.count"]);
      expect(await names({ kinds: ["span"] })).toEqual([]);
    });
  });

  it("names the services and span names that exist", async () => {
    commitSpans(store, [{ name: "b" }, { name: "a", resource: { "service.name": "web" } }, { name: "b" }]);
    commitLogs(store, [{ eventName: "no.span", resource: { "service.name": "auth" } }]);
    expect(await store.names()).toEqual({ services: ["auth", "shop", "web"], spanNames: ["a", "b"] });
  });

  it("clears the streams it is told to", async () => {
    commitSpans(store, [{ name: "a" }, { name: "b" }]);
    commitLogs(store, [{ eventName: "c" }]);
    const { records } = await store.records({ filter: { kinds: ["span"] }, order: "oldest", limit: 10 });
    expect(await store.clear(["backend.spans"])).toBe(2);
    expect(await namesOf(store, {})).toEqual(["c"]);
    expect(await store.record(records[0]!.id)).toMatchObject({
      found: "evicted",
      reason: expect.stringContaining("cleared"),
    });
    expect(await store.clear()).toBe(1);
    expect((await store.traces({ filter: {}, limit: 1 })).total).toBe(0);
  });
}
