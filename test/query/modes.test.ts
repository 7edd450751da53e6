import { afterAll, beforeAll, expect, test } from "vitest";
import { replyBytes } from "../../src/query/reply-bytes.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import type { SpanSpec } from "../support/otlp-build.ts";
import {
  ask,
  askShort,
  commitLogs,
  commitSpans,
  FAILED_TRACE,
  fillShop,
  openStore,
  START_NS,
  spanId,
  traceId,
} from "./fixture.ts";

const MS = 1_000_000n;
const PAGE = { "service.name": "shop-page", "telemetry.sdk.language": "webjs" };
const at = (ms: number): bigint => START_NS + 240_000n * MS + BigInt(ms) * MS;

let store: TelemetryStore;

beforeAll(() => {
  store = openStore();
  fillShop(store);
  fillPage(store);
  fillRuns(store);
});

/** A page that is clicked, asks its server with a body, and reports a vital, a message and a picture. */
function fillPage(into: TelemetryStore): void {
  const trace = { traceId: traceId(20) };
  const request: SpanSpec = {
    ...trace,
    spanId: spanId(20_001),
    name: "POST",
    kind: "client",
    startNs: at(0),
    endNs: at(100),
    resource: PAGE,
    attributes: {
      "http.request.method": "POST",
      "url.full": "http://localhost:3000/api/pay",
      "http.response.status_code": 201,
      "http.request.body.content": '{"cart":7}',
      "http.response.body.content": '{"paid":true}',
    },
  };
  const answer: SpanSpec = {
    ...trace,
    spanId: spanId(20_002),
    parentSpanId: spanId(20_001),
    name: "POST /api/pay",
    kind: "server",
    startNs: at(10),
    endNs: at(70),
    resource: { "service.name": "web" },
    attributes: { "http.request.method": "POST", "url.path": "/api/pay", "http.response.status_code": 201 },
  };
  commitSpans(into, [request, answer]);
  const event = (eventName: string, ms: number, attributes: Record<string, string | number> = {}) => ({
    ...trace,
    eventName,
    timeNs: at(ms),
    severity: 9,
    body: "",
    resource: PAGE,
    attributes,
  });
  commitLogs(into, [
    event("browser.user_action.click", 1, { "url.full": "http://localhost:3000/cart" }),
    event("gasoline.browser.submit", 2),
    event("browser.navigation", 3, { "url.full": "http://localhost:3000/done" }),
    event("browser.web_vital", 4, { "browser.web_vital.name": "LCP", "browser.web_vital.value": 1234.5 }),
    event("websocket.message", 5, { "url.full": "ws://localhost:3000/live" }),
    event("gasoline.browser.screenshot", 6),
  ]);
}

function fillRuns(into: TelemetryStore): void {
  const resource = { "service.name": "shop-tests" };
  const run = (number: number, result: string, message = ""): SpanSpec => ({
    traceId: traceId(30 + number),
    spanId: spanId(30_000 + number),
    name: "test.case",
    startNs: at(1_000 + number),
    endNs: at(1_050 + number),
    resource,
    attributes: {
      "test.suite.name": "checkout",
      "test.case.name": `case ${number}`,
      "test.case.result.status": result,
    },
    ...(message === "" ? {} : { status: { code: "error" as const, message } }),
  });
  commitSpans(into, [run(1, "pass"), run(2, "fail", "expected 201, got 502")]);
  commitLogs(into, [
    {
      eventName: "gasoline.git.commit",
      traceId: "",
      spanId: "",
      timeNs: at(2_000),
      severity: 9,
      body: "Pay by invoice",
      resource: { "service.name": "shop" },
      attributes: {
        "gasoline.git.commit": true,
        "vcs.ref.head.name": "main",
        "vcs.ref.head.revision": "abc123",
      },
    },
  ]);
}

/** Every mode that is not among the listings of observe-golden, as an agent reads it. */
const QUESTIONS: readonly (readonly [name: string, input: object])[] = [
  ["services", { what: "services" }],
  ["tests", { what: "tests" }],
  ["git", { what: "git" }],
  ["network_waterfall", { what: "network_waterfall" }],
  ["network_bodies", { what: "network_bodies" }],
  ["websocket_events", { what: "websocket_events" }],
  ["actions", { what: "actions" }],
  ["vitals", { what: "vitals" }],
  ["screenshots", { what: "screenshots" }],
  ["correlation", { what: "correlation", filter: { trace_id: FAILED_TRACE } }],
  ["causality", { what: "causality", filter: { status: "error" } }],
  ["impact_analysis", { what: "impact_analysis", filter: { service: "payment" } }],
];

test.each(QUESTIONS)("%s", async (name, input) => {
  const answer = await askShort(store, input);
  const bytes = replyBytes(answer, {});
  const file = [
    `> observe ${JSON.stringify(input)}`,
    `> ${bytes} bytes together, about ${Math.ceil(bytes / 4)} tokens; text ${Buffer.byteLength(answer.text)} bytes`,
    "",
    answer.text,
    "",
    JSON.stringify(answer.structured, null, 1),
    "",
  ].join("\n");
  await expect(file).toMatchFileSnapshot(`golden/mode-${name}.txt`);
  expect(bytes).toBeLessThanOrEqual(8_000);
  expect(answer.structured.metadata.shown).toBeGreaterThan(0);
});

test("a request's browser and server side are one row", async () => {
  const { structured } = await ask(store, { what: "network_waterfall", status: 201 });
  expect(structured.rows).toMatchObject([
    {
      method: "POST",
      status: 201,
      duration_ms: 100,
      network_ms: 40,
      server: { service: "web", duration_ms: 60 },
    },
  ]);
});

test("user actions of several names are paged as one listing", async () => {
  const all = (await ask(store, { what: "actions" })).structured;
  expect(all.rows?.map(({ event }) => event)).toEqual([
    "browser.navigation",
    "gasoline.browser.submit",
    "browser.user_action.click",
  ]);
  const first = (await ask(store, { what: "actions", limit: 2 })).structured;
  expect(first.metadata).toMatchObject({ total_count: 3, shown: 2 });
  const next = { what: "actions", limit: 2, after_cursor: first.metadata.cursor_next };
  const second = (await ask(store, next)).structured;
  expect([...first.rows!, ...second.rows!]).toEqual(all.rows);
});

test.each([
  ["tests", /gasoline test -- CMD/],
  ["git", /gasoline git/],
  ["vitals", /browser extension/],
  ["network_bodies", /Capture of bodies is off/],
  ["metrics", /OTEL_METRICS_EXPORTER/],
])("%s says what to switch on when nothing of the kind is held", async (what, remedy) => {
  const bare = openStore();
  commitLogs(bare, [{ body: "hello", severity: 9, timeNs: START_NS }]);
  const { structured } = await ask(bare, { what });
  expect(structured.metadata.why_empty).toMatch(remedy);
});

afterAll(() => store.close());
