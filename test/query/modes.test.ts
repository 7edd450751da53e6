import { afterAll, beforeAll, expect, test } from "vitest";
import { replyBytes } from "../../src/query/reply-bytes.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import {
  ask,
  askShort,
  commitLogs,
  FAILED_TRACE,
  fillShop,
  goldenReply,
  openStore,
  START_NS,
} from "./fixture.ts";
import { fillPage, fillRuns } from "./page-fixture.ts";

let store: TelemetryStore;

beforeAll(() => {
  store = openStore();
  fillShop(store);
  fillPage(store);
  fillRuns(store);
});

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
  await expect(goldenReply("observe", input, answer)).toMatchFileSnapshot(`golden/mode-${name}.txt`);
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
