import { utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Analyst } from "../../src/query/analyst.ts";
import { observe } from "../../src/query/observe.ts";
import { openSourcesOnce } from "../../src/query/open-sources.ts";
import { parseObserve } from "../../src/query/parameters.ts";
import { replyBytes } from "../../src/query/reply-bytes.ts";
import type { ObserveAnswer } from "../../src/query/shapes.ts";
import { openStateFiles } from "../../src/query/state-files.ts";
import { createMasker } from "../../src/store/mask.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { makeRepository, type Repository } from "../support/repository.ts";
import { CLOCK, FAILED_TRACE, fillShop, openStore, spanId } from "./fixture.ts";

/** 60 lines; the fixture's failed charge was thrown at line 42, called at line 7 of server.js. */
const PAYMENT = [
  ...Array.from({ length: 29 }, (_, i) => `// line ${i + 1}`),
  "export async function charge(order) {",
  ...Array.from({ length: 10 }, (_, i) => `  const step${i} = order.items[${i}];`),
  '  const key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";',
  '  throw new TimeoutError("no answer from the bank within 1200 ms");',
  "}",
  ...Array.from({ length: 17 }, (_, i) => `// line ${i + 44}`),
].join("\n");
const SERVER = Array.from({ length: 12 }, (_, i) =>
  i === 6 ? "  await charge(order);" : `// ${i + 1}`,
).join("\n");

let repository: Repository;
let store: TelemetryStore;
let source: ReturnType<typeof openSourcesOnce>;

beforeAll(() => {
  repository = makeRepository();
  repository.write("src/payment.js", PAYMENT);
  repository.write("src/server.js", SERVER);
  repository.write("test/payment.test.js", "test('charges', () => {});\n");
  repository.commit("Give up after a second", "Ann Author", "2025-12-24T10:00:00Z");
  // Written a day before the tests ran, long before the failure.
  for (const path of ["src/payment.js", "src/server.js"]) {
    utimesSync(join(repository.root, path), new Date("2025-12-31"), new Date("2025-12-31"));
  }
  source = openSourcesOnce({
    workspace: repository.root,
    maskText: createMasker().maskText,
    nowMs: CLOCK.nowMs,
  });
  store = openStore();
  fillShop(store);
});
afterAll(async () => {
  await store.close();
  repository.remove();
});

async function askCode(filter: object, into = store, budget_bytes?: number): Promise<ObserveAnswer> {
  const query = parseObserve({
    what: "code",
    filter,
    ...(budget_bytes === undefined ? {} : { budget_bytes }),
  });
  const state = openStateFiles("absent");
  return observe(into, query, {
    clock: CLOCK,
    endpoint: "http://localhost:7890",
    analyst: new Analyst(),
    state,
    source,
  });
}

const CHARGE = {
  place: "src/payment.js:42",
  function: "charge",
  service: "payment",
  error: "TimeoutError: no answer from the bank within 1200 ms",
  fit: "suffix",
  block: { head: "export async function charge(order) {", first_line: 30, last_line: 43 },
  last_change: { author: "Ann Author", subject: "Give up after a second", date: "2025-12-24T10:00:00.000Z" },
  tests: [{ test: "test/payment.test.js", method: "name", confidence: 0.7 }],
  stack: ["1 of libraries", "charge src/payment.js:42", "run src/server.js:7"],
};

test.each([
  ["a trace", { trace_id: FAILED_TRACE }],
  ["its prefix", { trace_id: FAILED_TRACE.slice(0, 8) }],
  ["a span", { span_id: spanId(2005) }],
  ["a route above the failure", { name: "POST /checkout" }],
  ["the service", { service: "payment" }],
  ["a service that only passed the failure on", { service: "web" }],
  ["everything", {}],
])("asked for %s, the answer is the line that threw", async (_name, filter) => {
  const { structured } = await askCode(filter);
  expect(structured.rows![0]).toMatchObject(CHARGE);
  expect(structured.summary).toBe("1 place in the code, 1 where errors began.");
});

test("the line is marked among its neighbours, and its secrets are masked", async () => {
  const { structured, text } = await askCode({ trace_id: FAILED_TRACE });
  const lines = structured.rows![0]!.source as string[];
  expect(lines).toContain('>42 │   throw new TimeoutError("no answer from the bank within 1200 ms");');
  expect(lines).toHaveLength(17);
  expect(text).not.toContain("4eC39HqLyjWDarjtT1zdp7dc");
  expect(text).toMatch(/ 41 │ {3}const key = "?\*/);
  // All of it stands inside the fence: source is no more to be obeyed than telemetry.
  expect(text.indexOf("payment.js")).toBeGreaterThan(text.indexOf("<telemetry"));
});

test("a reply to an agent keeps its budget and still shows the line", async () => {
  const answer = await askCode({ trace_id: FAILED_TRACE }, store, 8_000);
  expect(replyBytes(answer, {})).toBeLessThanOrEqual(8_000);
  expect(answer.text).toContain(">42 │");
});
