import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import type {
  Position,
  StoredLog,
  StoredPoint,
  StoredSpan,
  TelemetryStore,
} from "../../src/store/telemetry-store.ts";
import { DEFAULT_START_NS, type LogSpec, type SpanSpec } from "../support/otlp-build.ts";
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

const MS = 1_000_000n;
const at = (ms: number): bigint => DEFAULT_START_NS + BigInt(ms) * MS;

export function contractOfRecords(makeStore: MakeStore): void {
  let store: TelemetryStore;
  beforeEach(async () => {
    store = await makeStore(new FakeClock(START_MS));
  });

  describe("an empty store", () => {
    it("answers everything with nothing", async () => {
      const nothing = { total: 0, more: false, lost: 0, horizonNs: null };
      expect(await store.records({ filter: {}, order: "newest", limit: 10 })).toMatchObject({
        ...nothing,
        records: [],
        positions: [],
      });
      expect(await store.traces({ filter: {}, limit: 10 })).toMatchObject({ ...nothing, traces: [] });
      expect(await store.metrics({}, 10)).toEqual([]);
      expect(await store.names()).toEqual({ services: [], spanNames: [] });
      expect(await store.trace(traceId(1))).toMatchObject({ found: "never_seen" });
      expect(await store.clear()).toBe(0);
    });

    it("stores nothing of an empty request", () => {
      expect(commitSpans(store, [])).toEqual({ stored: 0, dropped: 0, droppedReason: "" });
    });
  });

  describe("a record", () => {
    it("comes back as it was sent: a span", async () => {
      const startNs = 1_767_225_600_123_456_789n;
      const sent: SpanSpec = {
        resource: { "service.name": "cart", "service.version": "1.2" },
        scope: { name: "http", version: "3" },
        traceId: traceId(1),
        spanId: "00000000000000b1",
        parentSpanId: "00000000000000a1",
        name: "GET /cart",
        kind: "server",
        startNs,
        endNs: startNs + 7n,
        attributes: {
          "http.route": "/cart",
          retries: 2,
          share: 0.5,
          ok: true,
          list: ["a", 1],
          big: 2n ** 60n,
        },
        events: [{ name: "cache.miss", timeNs: startNs + 3n, attributes: { tier: "l2" } }],
        links: [{ traceId: traceId(9), spanId: "00000000000000c1" }],
        status: { code: "error", message: "no stock" },
      };
      expect(commitSpans(store, [sent])).toEqual({ stored: 1, dropped: 0, droppedReason: "" });
      const [span] = (await allRecords(store)) as StoredSpan[];
      expect(span).toMatchObject({
        kind: "span",
        traceId: sent.traceId,
        spanId: sent.spanId,
        parentSpanId: sent.parentSpanId,
        name: "GET /cart",
        spanKind: "server",
        startNs,
        endNs: startNs + 7n,
        statusCode: "error",
        statusMessage: "no stock",
        stream: "backend.spans",
        arrival: 0,
      });
      expect({ ...span!.attributes }).toEqual(sent.attributes);
      expect(span!.events.map(({ name, timeNs }) => ({ name, timeNs }))).toEqual([
        { name: "cache.miss", timeNs: startNs + 3n },
      ]);
      expect(span!.links[0]).toMatchObject({ traceId: traceId(9), spanId: "00000000000000c1" });
      expect(span!.resource.service).toBe("cart");
      expect(span!.resource.attributes["service.version"]).toBe("1.2");
      expect(span!.scope).toMatchObject({ name: "http", version: "3" });
    });

    it("comes back as it was sent: a log and a data point", async () => {
      commitLogs(store, [
        {
          severity: 17,
          severityText: "ERROR",
          eventName: "payment.failed",
          body: { code: 7 },
          timeNs: at(1),
        },
        { body: "no time of its own", timeNs: 0n, observedNs: at(2) },
      ]);
      commitMetrics(store, [
        {
          name: "queue.length",
          unit: "1",
          gauge: [{ value: 12n, timeNs: at(3), attributes: { queue: "mail" } }],
        },
      ]);
      const [log, observed, point] = (await allRecords(store)) as [StoredLog, StoredLog, StoredPoint];
      expect(log).toMatchObject({
        kind: "log",
        severity: 17,
        severityText: "ERROR",
        eventName: "payment.failed",
      });
      expect(log.body).toMatchObject({ code: 7 });
      expect(observed).toMatchObject({ timeNs: 0n, observedNs: at(2), traceId: "", stream: "backend.logs" });
      expect(point).toMatchObject({
        kind: "metric",
        name: "queue.length",
        type: "gauge",
        value: 12,
        timeNs: at(3),
      });
      expect(point.attributes.queue).toBe("mail");
    });

    it("has an id that finds it again, and says when it never did", async () => {
      commitSpans(store, [{ name: "a" }, { name: "b" }]);
      commitLogs(store, [{ eventName: "c" }]);
      commitMetrics(store, [{ name: "d", gauge: [{ value: 1 }] }]);
      const records = await allRecords(store);
      expect(new Set(records.map(({ id }) => id)).size).toBe(4);
      for (const record of records) {
        expect(record.id).toMatch({ span: /^s\w+$/, log: /^l\w+$/, metric: /^m\w+$/ }[record.kind]);
        expect(record.id.length).toBeLessThanOrEqual(12);
        expect(await store.record(record.id)).toEqual({ found: "yes", value: record });
      }
      const [span] = records;
      expect(await store.record(`${span!.id}zz`)).toMatchObject({ found: "never_seen" });
      expect(await store.record(`l${span!.id.slice(1)}`)).toMatchObject({ found: "never_seen" });
      expect(await store.record("nonsense!")).toMatchObject({ found: "never_seen" });
    });

    it("is a copy that later arrivals do not change", async () => {
      commitSpans(store, [{ name: "first", attributes: { raw: new Uint8Array([1, 2, 3]) } }]);
      const [before] = (await allRecords(store)) as StoredSpan[];
      const shown = inspect(before, { depth: 9 });
      commitSpans(store, [{ name: "other", attributes: { raw: new Uint8Array([9, 9, 9]) } }]);
      await store.clear();
      expect(inspect(before, { depth: 9 })).toBe(shown);
    });

    it.each<[string, SpanSpec | LogSpec, string]>([
      ["a server's span", { name: "GET /" }, "backend.spans"],
      ["a page's request", { kind: "client", attributes: { "browser.page": "/" } }, "browser.network"],
      [
        "a request by the browser's SDK",
        { kind: "client", resource: { "telemetry.sdk.language": "webjs" } },
        "browser.network",
      ],
      [
        "a page load",
        { name: "documentLoad", resource: { "telemetry.sdk.language": "webjs" } },
        "browser.logs",
      ],
      ["a test case", { name: "test.case", attributes: { "test.case.name": "adds" } }, "tests"],
      ["a server's log", { body: "up" }, "backend.logs"],
      ["a console line", { eventName: "browser.console", body: "hi" }, "browser.logs"],
      [
        "a websocket message",
        { eventName: "websocket.message", resource: { "telemetry.sdk.language": "webjs" } },
        "browser.network",
      ],
      ["a screenshot", { eventName: "gasoline.browser.screenshot" }, "browser.dom"],
      ["a commit", { eventName: "gasoline.git.commit" }, "git"],
      [
        "an event of the app's own",
        { eventName: "checkout.done", scope: { name: "gasoline.custom" } },
        "custom",
      ],
    ])("goes to the stream it belongs to: %s", async (_, record, stream) => {
      if ("eventName" in record || "body" in record) commitLogs(store, [record as LogSpec]);
      else commitSpans(store, [record as SpanSpec]);
      expect((await allRecords(store))[0]!.stream).toBe(stream);
      expect(await allRecords(store, { streams: [stream as never] })).toHaveLength(1);
    });

    it.each([
      ["zero", 0n, 0n],
      ["the end before the start", at(5), at(1)],
      ["2^63", 2n ** 63n, 2n ** 63n + 1n],
      ["the largest", 2n ** 64n - 1n, 2n ** 64n - 1n],
    ])("may have any time: %s", async (_, startNs, endNs) => {
      commitSpans(store, [
        { name: "odd", startNs, endNs },
        { name: "even", startNs: at(1), spanId: "00000000000000ff" },
      ]);
      const spans = (await allRecords(store)) as StoredSpan[];
      expect(spans.find(({ name }) => name === "odd")).toMatchObject({ startNs, endNs });
      expect(await namesOf(store, { sinceNs: at(1), untilNs: at(2) })).toEqual(["even"]);
      const page = await store.traces({ filter: {}, limit: 5 });
      expect(page.traces).toHaveLength(1);
      expect(page.traces[0]!.endNs).toBeGreaterThanOrEqual(page.traces[0]!.startNs);
    });
  });

  describe("a page", () => {
    const names = Array.from({ length: 23 }, (_, i) => `n${i}`);
    beforeEach(() => {
      // Two records each millisecond, so that ties are told apart, in two streams.
      const times = names.map((name, i) => ({ name, eventName: name, ms: Math.floor(i / 2) }));
      for (const { name, eventName, ms } of times) {
        if (ms % 3 === 0) commitLogs(store, [{ eventName, timeNs: at(ms) }]);
        else commitSpans(store, [{ name, startNs: at(ms) }]);
      }
    });

    it.each(["newest", "oldest"] as const)("follows the one before it, %s first", async (order) => {
      const whole = await store.records({ filter: {}, order, limit: 100 });
      expect(whole).toMatchObject({ total: 23, more: false });
      const times = whole.positions.map(({ timeNs }) => timeNs);
      expect(times).toEqual([...times].sort((a, b) => Number(order === "oldest" ? a - b : b - a)));
      const collected: string[] = [];
      let after: Position | undefined;
      for (let i = 0; i < 8; i++) {
        const page = await store.records({
          filter: {},
          order,
          limit: 3,
          ...(after === undefined ? {} : { after }),
        });
        collected.push(...page.records.map(({ id }) => id));
        expect(page.total).toBe(23);
        expect(page.more).toBe(i < 7);
        after = page.positions.at(-1);
      }
      expect(collected).toEqual(whole.records.map(({ id }) => id));
    });

    it("can begin further on", async () => {
      const whole = await store.records({ filter: {}, order: "newest", limit: 100 });
      const page = await store.records({ filter: {}, order: "newest", limit: 4, offset: 5 });
      expect(page.records).toEqual(whole.records.slice(5, 9));
      const beyond = await store.records({ filter: {}, order: "newest", limit: 4, offset: 50 });
      expect(beyond).toMatchObject({ records: [], total: 23, more: false });
      expect(await store.records({ filter: {}, order: "newest", limit: 0 })).toMatchObject({
        records: [],
        more: true,
      });
    });
  });
}
