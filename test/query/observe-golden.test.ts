import { beforeAll, expect, test } from "vitest";
import { replyBytes } from "../../src/query/reply-bytes.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import {
  askShort,
  FAILED_TRACE,
  fillShop,
  goldenReply,
  LISTING_TRACE,
  openStore,
  PAGE_TRACE,
} from "./fixture.ts";

/** Every mode on the small shop, as an agent reads it. The files under `golden/` hold text, data and size. */
const QUESTIONS: readonly (readonly [name: string, input: object])[] = [
  ["traces", { what: "traces" }],
  ["traces-failed", { what: "traces", filter: { status: "error" } }],
  ["trace-failed", { what: "trace", filter: { trace_id: FAILED_TRACE.slice(0, 8) } }],
  ["trace-one-span", { what: "trace", filter: { span_id: "00000000000007d5" } }],
  ["trace-repeated-calls", { what: "trace", filter: { trace_id: LISTING_TRACE } }],
  ["trace-orphan-open", { what: "trace", filter: { trace_id: PAGE_TRACE } }],
  ["timeline", { what: "timeline", limit: 8 }],
  ["timeline-trace", { what: "timeline", filter: { trace_id: FAILED_TRACE } }],
  ["logs", { what: "logs" }],
  ["logs-one", { what: "logs", filter: { id: "li0010" } }],
  ["errors", { what: "errors" }],
  ["empty-service", { what: "logs", filter: { service: "paymnt" } }],
];

let store: TelemetryStore;
beforeAll(() => {
  store = openStore();
  fillShop(store);
});

test.each(QUESTIONS)("%s", async (name, input) => {
  const answer = await askShort(store, input);
  const bytes = replyBytes(answer, {});
  await expect(goldenReply("observe", input, answer)).toMatchFileSnapshot(`golden/${name}.txt`);
  expect(bytes).toBeLessThanOrEqual(8_000);
});
