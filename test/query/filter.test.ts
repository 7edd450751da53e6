import { beforeAll, expect, test } from "vitest";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { ask, commitLogs, commitSpans, FAILED_TRACE, fillShop, openStore, START_NS } from "./fixture.ts";

let store: TelemetryStore;
beforeAll(() => {
  store = openStore();
  fillShop(store);
  const code = { "code.file.path": "/app/src/stock.ts", "code.line.number": 12 };
  commitLogs(store, [
    {
      body: "stock is low",
      attributes: { ...code, "gasoline.tags": "stock, alert", left: 3 },
      timeNs: START_NS,
    },
    {
      body: "stock is gone",
      attributes: { ...code, "code.line.number": 14, left: 0, urgent: true },
      timeNs: START_NS,
    },
  ]);
  commitSpans(store, [
    {
      name: "unit adds",
      attributes: { "test.case.name": "adds" },
      resource: { "service.name": "tests", "test.suite.name": "s" },
    },
  ]);
});

/** What a filter lets through of the timeline: the messages, without doubles, in order. */
async function shown(filter: object): Promise<string[]> {
  const { structured } = await ask(store, { what: "timeline", filter, limit: 1_000 });
  return [...new Set(structured.events!.map((event) => event.message))].sort();
}

const CHARGE = "POST /charge: no answer from the bank within 1200 ms";

test.each<[filter: object, expected: readonly string[]]>([
  [{ status: 502, service: "cart" }, ["POST /cart/pay"]],
  [{ status: "5xx", service: "web" }, ["POST /cart/pay", "POST /checkout"]],
  [{ status: "4xx" }, ["GET"]],
  [{ status: "404" }, ["GET"]],
  [
    { status: "error", service: "payment" },
    [CHARGE, "charge failed: no answer from the bank within 1200 ms"],
  ],
  [
    { level: "warn", service: "payment" },
    [CHARGE, "bank is slow, still waiting", "charge failed: no answer from the bank within 1200 ms"],
  ],
  [{ method: "get" }, ["GET", "GET /items"]],
  [{ url: "/api/price" }, ["GET"]],
  [{ url: "/CART" }, ["POST /cart/pay", "click Buy"]],
  [{ source: "browser" }, ["GET", "click Buy", "render"]],
  [{ source: "test" }, ["unit adds"]],
  [{ tags: ["db"] }, ["SELECT items", "SELECT price"]],
  [{ tags: ["http"], source: "browser" }, ["GET"]],
  [{ session_id: "session-4" }, ["GET", "click Buy", "render"]],
  [{ name: "select" }, ["SELECT items", "SELECT price"]],
  [{ text: "cart_id" }, ["SELECT items"]],
  [{ file: "stock.ts" }, ["stock is gone", "stock is low"]],
  [{ file: "stock.ts", line: 14 }, ["stock is gone"]],
  [{ attributes: { left: 3 } }, ["stock is low"]],
  [{ attributes: { left: "3" } }, ["stock is low"]],
  [{ attributes: { urgent: true } }, ["stock is gone"]],
  [{ attributes: { left: { min: 1, max: 5 } } }, ["stock is low"]],
  [{ attributes: { left: { exists: true } } }, ["stock is gone", "stock is low"]],
  [{ attributes: { "db.query.text": { contains: "from items" } } }, ["SELECT items"]],
  [
    { attributes: { "host.name": "payment-1" }, level: "warn" },
    [CHARGE, "bank is slow, still waiting", "charge failed: no answer from the bank within 1200 ms"],
  ],
  [
    { trace_id: FAILED_TRACE.slice(0, 8), level: "info", service: "cart" },
    ["POST /cart/pay", "SELECT items", "paying cart 7731 with 3 items"],
  ],
  [{ trace_id: FAILED_TRACE.toUpperCase(), service: "payment", name: "charge" }, [CHARGE]],
  [
    { span_id: "00000000000007d5" },
    [CHARGE, "bank is slow, still waiting", "charge failed: no answer from the bank within 1200 ms"],
  ],
  [
    { span_id: "si0043" },
    [CHARGE, "bank is slow, still waiting", "charge failed: no answer from the bank within 1200 ms"],
  ],
  [{ id: "si0043" }, [CHARGE]],
  [{ since: "2026-01-01T00:03:00.080Z" }, ["render"]],
  [{ since: "-7m", until: "2026-01-01T00:03:00.001Z" }, ["click Buy"]],
])("filter %j", async (filter, expected) => {
  expect(await shown(filter)).toEqual(expected);
});

test("own tags are shown and found", async () => {
  const { structured } = await ask(store, { what: "logs", filter: { tags: ["alert"] } });
  expect(structured.events![0]!.tags).toEqual(["stock", "alert"]);
});

test.each([
  [{ trace_id: "12" }, /filter\.trace_id is "12"; expected 32 hex digits/],
  [{ span_id: "xyz!" }, /filter\.span_id is "xyz!"; expected 16 hex digits/],
  [{ id: "what?" }, /filter\.id is "what\?"; expected an id that a reply gave/],
  [{ since: "soon" }, /filter\.since is "soon"/],
])("refuses %j", async (filter, message) => {
  await expect(ask(store, { what: "timeline", filter })).rejects.toThrow(message);
});

test("a filter that means nothing for a mode is not applied, and named", async () => {
  const trace = await ask(store, {
    what: "trace",
    filter: { trace_id: FAILED_TRACE, level: "error", method: "GET" },
  });
  expect(trace.structured.metadata).toMatchObject({ total_count: 5, ignored: ["level", "method"] });
  expect(trace.text).toContain("Not applied, meaningless here: level, method.");
});
