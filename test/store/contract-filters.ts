import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import type { RecordFilter, TelemetryStore } from "../../src/store/telemetry-store.ts";
import { DEFAULT_START_NS } from "../support/otlp-build.ts";
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

export function contractOfFilters(makeStore: MakeStore): void {
  let store: TelemetryStore;
  beforeEach(async () => {
    store = await makeStore(new FakeClock(START_MS));
  });

  describe("a filter", () => {
    beforeEach(() => {
      commitSpans(store, [
        {
          name: "GET /cart",
          traceId: traceId(1),
          spanId: "00000000000000a1",
          startNs: at(1),
          resource: { "service.name": "web", region: "eu" },
          attributes: { "http.route": "/cart", status: 200, note: "Öffnen" },
        },
        {
          name: "SELECT cart",
          traceId: traceId(1),
          spanId: "00000000000000a2",
          startNs: at(2),
          resource: { "service.name": "db" },
          attributes: { "url.path": "/cart", ratio: 1.5, cached: true },
          status: { code: "error", message: "Deadlock found" },
        },
        {
          name: "GET /login",
          traceId: traceId(2),
          spanId: "00000000000000a3",
          startNs: at(3),
          resource: { "service.name": "web", region: "us" },
          attributes: { "http.route": "/login", status: 503 },
        },
      ]);
      commitLogs(store, [
        {
          eventName: "login.slow",
          traceId: traceId(2),
          severity: 13,
          timeNs: at(4),
          resource: { "service.name": "web" },
          body: "took 5 s",
        },
        {
          eventName: "login.failed",
          severity: 17,
          timeNs: at(5),
          resource: { "service.name": "auth" },
          body: { reason: "locked" },
        },
        { eventName: "unset", timeNs: at(6), resource: { "service.name": "auth" } },
      ]);
      commitMetrics(store, [
        {
          name: "cart.size",
          resource: { "service.name": "web" },
          gauge: [{ value: 3, timeNs: at(7), attributes: { "http.route": "/cart" } }],
        },
      ]);
    });

    const spans = ["GET /cart", "SELECT cart", "GET /login"];
    const logs = ["login.slow", "login.failed", "unset"];
    const cases: readonly (readonly [RecordFilter, readonly string[]])[] = [
      [{}, [...spans, ...logs, "cart.size"]],
      [{ kinds: ["span"] }, spans],
      [{ kinds: ["log", "metric"] }, [...logs, "cart.size"]],
      [{ streams: ["backend.logs"] }, logs],
      [{ streams: [] }, []],
      [{ sinceNs: at(2), untilNs: at(5) }, ["SELECT cart", "GET /login", "login.slow"]],
      [{ afterArrival: 3 }, ["login.failed", "unset", "cart.size"]],
      [{ traceId: traceId(1) }, ["GET /cart", "SELECT cart"]],
      [{ traceId: traceId(1).toUpperCase(), name: "get" }, ["GET /cart"]],
      [{ traceId: traceId(3) }, []],
      [{ traceId: "no id" }, []],
      [{ spanId: "00000000000000a3" }, ["GET /login"]],
      [{ spanId: "no id" }, []],
      [{ service: "web" }, ["GET /cart", "GET /login", "login.slow", "cart.size"]],
      [{ service: "WEB" }, []],
      [{ name: "CART" }, ["GET /cart", "SELECT cart", "cart.size"]],
      [{ severityMin: 17 }, ["SELECT cart", "login.failed"]],
      [{ severityMin: 13 }, ["SELECT cart", "login.slow", "login.failed"]],
      [{ kinds: ["log"], severityMin: 9, severityMax: 12 }, ["unset"]],
      [{ kinds: ["log"], severityMax: 13 }, ["login.slow", "unset"]],
      [{ kinds: ["span"], not: [{ name: "get" }] }, ["SELECT cart"]],
      [
        { kinds: ["log"], not: [{ service: "auth", not: [{ severityMin: 17 }] }] },
        ["login.slow", "login.failed"],
      ],
      [{ not: [{ streams: ["backend.spans"] }, { text: "took" }] }, ["login.failed", "unset", "cart.size"]],
      [{ traceId: traceId(1), not: [{ severityMax: 16 }] }, ["SELECT cart"]],
      [
        { attributes: [{ keys: ["http.route"], match: { op: "equals", value: "/cart" } }] },
        ["GET /cart", "cart.size"],
      ],
      [
        { attributes: [{ keys: ["http.route", "url.path"], match: { op: "equals", value: "/cart" } }] },
        ["GET /cart", "SELECT cart", "cart.size"],
      ],
      [{ attributes: [{ keys: ["http.route"], match: { op: "contains", value: "LOG" } }] }, ["GET /login"]],
      [{ attributes: [{ keys: ["status"], match: { op: "equals", value: "200" } }] }, ["GET /cart"]],
      [{ attributes: [{ keys: ["status"], match: { op: "between", min: 500, max: 599 } }] }, ["GET /login"]],
      [{ attributes: [{ keys: ["ratio"], match: { op: "between", min: 1.5, max: 2 } }] }, ["SELECT cart"]],
      [{ attributes: [{ keys: ["ratio"], match: { op: "equals", value: "1.5" } }] }, ["SELECT cart"]],
      [{ attributes: [{ keys: ["cached"], match: { op: "equals", value: "true" } }] }, ["SELECT cart"]],
      [{ attributes: [{ keys: ["cached"], match: { op: "equals", value: "false" } }] }, []],
      [{ attributes: [{ keys: ["cached"], match: { op: "exists" } }] }, ["SELECT cart"]],
      [{ attributes: [{ keys: ["region"], match: { op: "equals", value: "us" } }] }, ["GET /login"]],
      [{ attributes: [{ keys: ["nowhere"], match: { op: "exists" } }] }, []],
      [
        {
          attributes: [
            { keys: ["http.route"], match: { op: "exists" } },
            { keys: ["region"], match: { op: "equals", value: "eu" } },
          ],
        },
        ["GET /cart"],
      ],
      [{ text: "DEADLOCK" }, ["SELECT cart"]],
      [{ text: "locked" }, ["login.failed"]],
      [{ text: "öffnen" }, ["GET /cart"]],
      [{ text: "region" }, ["GET /cart", "GET /login"]],
      [{ text: "auth" }, ["login.failed", "unset"]],
      [{ text: "cart.size" }, ["cart.size"]],
      [{ text: "nothing like it" }, []],
      [{ service: "web", text: "login", severityMin: 13, kinds: ["log"] }, ["login.slow"]],
    ];
    const titled = cases.map(([filter, expected]) => ({
      title: inspect(filter, { depth: 4, breakLength: Number.POSITIVE_INFINITY }),
      filter,
      expected,
    }));
    it.each(titled)("lets through what it says: $title", async ({ filter, expected }) => {
      expect(await namesOf(store, filter)).toEqual(expected);
      const page = await store.records({ filter, order: "newest", limit: 1 });
      expect(page.total).toBe(expected.length);
      expect(page.more).toBe(expected.length > 1);
      expect(page.arrivalSeen).toBe(6);
      const { not: _not, ...whole } = filter;
      expect(page.leftOut).toBe((await namesOf(store, whole)).length - expected.length);
    });
  });
}
