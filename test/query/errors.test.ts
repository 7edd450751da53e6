import { expect, test } from "vitest";
import { messageTemplate } from "../../src/query/error-groups.ts";
import type { SpanSpec } from "../support/otlp-build.ts";
import { ask, commitLogs, commitSpans, openStore, START_NS, spanId, traceId } from "./fixture.ts";

const MS = 1_000_000n;

interface Group {
  readonly service: string;
  readonly type?: string;
  readonly message: string;
  readonly count: number;
  readonly traces: number;
  readonly operations: readonly string[];
  readonly propagated_to?: readonly string[];
  readonly first_seen: string;
  readonly last_seen: string;
  readonly fingerprint: string;
}

async function groups(store: ReturnType<typeof openStore>, filter: object = {}): Promise<readonly Group[]> {
  const { structured } = await ask(store, { what: "errors", filter });
  return structured.rows as unknown as readonly Group[];
}

/** web → cart → payment, where payment fails and the failure passes up. */
function failure(number: number, message: string): SpanSpec[] {
  const span = (index: number, service: string, own: Partial<SpanSpec> = {}): SpanSpec => ({
    traceId: traceId(number),
    spanId: spanId(number * 10 + index),
    ...(index === 1 ? {} : { parentSpanId: spanId(number * 10 + index - 1) }),
    name: `${service} handle`,
    startNs: START_NS + BigInt(number * 1_000 + index) * MS,
    status: { code: "error" },
    resource: { "service.name": service },
    ...own,
  });
  const exception = { "exception.type": "TimeoutError", "exception.message": message };
  return [
    span(1, "web"),
    span(2, "cart"),
    span(3, "payment", { events: [{ name: "exception", attributes: exception }] }),
  ];
}

test("a failure that passes up a trace is one error, where it began; its repetitions are counted", async () => {
  const store = openStore();
  for (let i = 1; i <= 5; i++) commitSpans(store, failure(i, `no answer in ${i * 100} ms from "bank-${i}"`));
  expect(await groups(store)).toMatchObject([
    {
      service: "payment",
      type: "TimeoutError",
      message: 'no answer in 500 ms from "bank-5"',
      count: 5,
      traces: 5,
      operations: ["payment handle"],
      propagated_to: ["cart", "web"],
      first_seen: "2026-01-01T00:00:01.003Z",
      last_seen: "2026-01-01T00:00:05.003Z",
    },
  ]);
});

test("logs at a failed span belong to its error; an error log elsewhere is one of its own", async () => {
  const store = openStore();
  commitSpans(store, failure(1, "no answer"));
  const at = { traceId: traceId(1), severity: 17, timeNs: START_NS + 2_000n * MS };
  commitLogs(store, [
    { ...at, spanId: spanId(13), body: "charge failed", resource: { "service.name": "payment" } },
    { ...at, spanId: spanId(11), body: "checkout failed", resource: { "service.name": "web" } },
    { ...at, spanId: "", body: "cache is cold", resource: { "service.name": "web" } },
    { severity: 17, timeNs: START_NS + 3_000n * MS, body: "disk full", resource: { "service.name": "db" } },
    { severity: 13, body: "only a warning" },
  ]);
  expect((await groups(store)).map((group) => group.message)).toEqual([
    "disk full",
    "cache is cold",
    "no answer",
  ]);
});

test("parents that form a cycle are errors of no one, and the climb ends", async () => {
  const store = openStore();
  commitSpans(store, [
    { spanId: spanId(1), parentSpanId: spanId(2), name: "a", status: { code: "error" } },
    { spanId: spanId(2), parentSpanId: spanId(1), name: "b", status: { code: "error" } },
    { spanId: spanId(3), parentSpanId: spanId(2), name: "c", status: { code: "error", message: "broke" } },
    { spanId: spanId(4), parentSpanId: spanId(4), name: "own parent", status: { code: "error" } },
  ]);
  expect((await groups(store)).map((group) => group.operations)).toEqual([["own parent"], ["c"]]);
});

test("an error says what it has: type and message, HTTP status, or only the operation", async () => {
  const store = openStore();
  const failed = (i: number, own: Partial<SpanSpec>): SpanSpec => ({
    traceId: traceId(i),
    spanId: spanId(i),
    startNs: START_NS + BigInt(i) * MS,
    status: { code: "error" },
    ...own,
  });
  commitSpans(store, [
    failed(1, { name: "GET /a", attributes: { "http.response.status_code": 503 } }),
    failed(2, { name: "step" }),
    failed(3, {
      name: "call",
      attributes: { "error.type": "ECONNRESET" },
      status: { code: "error", message: "reset" },
    }),
  ]);
  expect(
    (await groups(store)).map(({ type, message, operations }) => [type, message, operations[0]]),
  ).toEqual([
    ["ECONNRESET", "reset", "call"],
    [undefined, "", "step"],
    ["HTTP 503", "", "GET /a"],
  ]);
});

test("asked by a service that only passed a failure on, the answer is where it began", async () => {
  const store = openStore();
  commitSpans(store, [...failure(1, "no answer"), ...failure(2, "no answer")]);
  commitSpans(store, [
    { ...failure(3, "x")[2]!, parentSpanId: "" },
    {
      spanId: spanId(99),
      name: "cron",
      status: { code: "error", message: "cannot run" },
      resource: { "service.name": "web" },
    },
  ]);
  const shown = async (filter: object) =>
    (await groups(store, filter)).map(({ service, message, count }) => [service, message, count]);
  expect(await shown({ service: "cart" })).toEqual([["payment", "no answer", 2]]);
  expect(await shown({ service: "web" })).toEqual([
    ["payment", "no answer", 2],
    ["web", "cannot run", 1],
  ]);
  expect(await shown({ name: "web handle", trace_id: traceId(2) })).toEqual([["payment", "no answer", 1]]);
});

test("a log asked for by its text leads to the failure of its span; level narrows to the critical", async () => {
  const store = openStore();
  commitSpans(store, failure(1, "no answer"));
  commitLogs(store, [
    { traceId: traceId(1), spanId: spanId(11), severity: 17, body: "checkout failed" },
    { severity: 21, body: "out of memory", traceId: "", spanId: "" },
  ]);
  expect(await groups(store, { text: "checkout failed" })).toMatchObject([
    { message: "no answer", count: 1 },
  ]);
  expect(await groups(store, { level: "critical" })).toMatchObject([{ message: "out of memory", count: 1 }]);
});

test("filters narrow the errors, and a fingerprint is the same in every run", async () => {
  const store = openStore();
  commitSpans(store, [...failure(1, "no answer"), ...failure(2, "other trouble")]);
  const [one] = await groups(store, { trace_id: traceId(1) });
  expect(one).toMatchObject({ message: "no answer", fingerprint: "eaa254c6" });
  expect(await groups(store, { service: "payment" })).toHaveLength(2);
  expect(await groups(store, { text: "other" })).toMatchObject([{ message: "other trouble" }]);
});

test.each([
  ["user 12 not found", "user <n> not found"],
  ["no key \"a-1\" in 'b'", "no key <quoted> in <quoted>"],
  ["GET https://x.example/a?b=1 failed", "GET <url> failed"],
  ["order 123e4567-e89b-12d3-a456-426614174000 lost", "order <id> lost"],
  ["pointer 0x7ffde1a2b3c4", "pointer <id>"],
  ["took 1.25 s", "took <n> s"],
])("%j is the same error as %j", (message, template) => {
  expect(messageTemplate(message)).toBe(template);
});
