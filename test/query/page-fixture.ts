import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import type { SpanSpec } from "../support/otlp-build.ts";
import { commitLogs, commitSpans, START_NS, spanId, traceId } from "./fixture.ts";

const MS = 1_000_000n;
const PAGE = { "service.name": "shop-page", "telemetry.sdk.language": "webjs" };
/** Each number's page and runs have a second of their own. */
const clockOf =
  (number: number) =>
  (ms: number): bigint =>
    START_NS + (240_000n + BigInt(number) * 1_000n + BigInt(ms)) * MS;

/** A page that is clicked, asks its server with a body, and reports a vital, a message and a picture. */
export function fillPage(into: TelemetryStore, number = 0): void {
  const at = clockOf(number);
  const trace = { traceId: traceId(20 + 100 * number) };
  const id = 20_000 + 100 * number;
  const request: SpanSpec = {
    ...trace,
    spanId: spanId(id + 1),
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
    spanId: spanId(id + 2),
    parentSpanId: spanId(id + 1),
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

/** Two test runs, one of which fails, and a commit. */
export function fillRuns(into: TelemetryStore, number = 0): void {
  const at = clockOf(number);
  const resource = { "service.name": "shop-tests" };
  const run = (which: number, result: string, message = ""): SpanSpec => ({
    traceId: traceId(30 + 100 * number + which),
    spanId: spanId(30_000 + 100 * number + which),
    name: "test.case",
    startNs: at(1_000 + which),
    endNs: at(1_050 + which),
    resource,
    attributes: {
      "test.suite.name": "checkout",
      "test.case.name": `case ${which}`,
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
