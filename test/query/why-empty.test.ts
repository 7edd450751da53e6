import { expect, test } from "vitest";
import {
  ask,
  askShort,
  commitLogs,
  commitSpans,
  fillShop,
  openSmallStore,
  openStore,
  spanId,
  traceId,
} from "./fixture.ts";

async function why(store: ReturnType<typeof openStore>, input: object): Promise<string | undefined> {
  const { structured, text } = await askShort(store, input);
  const reason = structured.metadata.why_empty;
  if (reason !== undefined) expect(text).toContain(reason);
  return reason;
}

test("nothing has been received", async () => {
  const store = openStore();
  for (const what of ["traces", "timeline", "logs", "errors"]) {
    expect(await why(store, { what })).toMatch(
      /Nothing has been received yet\. Set OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/localhost:7890/,
    );
  }
});

test.each<[input: object, reason: RegExp | undefined]>([
  [{ what: "logs" }, undefined],
  [{ what: "logs", service: "paymnt" }, /No service is named "paymnt"\. Did you mean "payment"\?/],
  [{ what: "logs", service: "zzz" }, /Services that are held: "cart", "catalog", "payment"/],
  [
    { what: "logs", service: "catalog" },
    /Without service there are 5 matches|No log records match; 49 other records do/,
  ],
  [{ what: "logs", text: "no such words" }, /Without text there are 5 matches; with it none/],
  [{ what: "logs", level: "critical" }, /Without level or status there are 5 matches/],
  [
    { what: "logs", until: "2025-01-01T00:00:00Z" },
    /The window ends before the oldest record that is held \(2026-01-01T00:01:00\.009Z\)/,
  ],
  [{ what: "logs", since: "-1m", until: "-2m" }, /The window is empty/],
  [{ what: "logs", since: "-1m" }, /Without since there are 5 matches/],
  [{ what: "logs", attributes: { nope: 1 } }, /Without attributes, url/],
  [{ what: "logs", offset: 100 }, /offset 100 lies past the last match/],
  [
    { what: "errors", service: "catalog" },
    /Nothing failed: 49 spans and logs match, none of them with an error/,
  ],
  [{ what: "traces", service: "catlog" }, /Did you mean "catalog"/],
  [
    { what: "logs", filter: { trace_id: "0123456789abcdef0123456789abcdef" } },
    /Without trace_id there are 5 matches/,
  ],
  [
    { what: "logs", filter: { trace_id: "01234567" } },
    /No trace whose id begins with 01234567 has been received\. If it is still on its way/,
  ],
  [{ what: "logs", filter: { id: "li001pqc" } }, /No record li001pqc has been received/],
  [{ what: "logs", filter: { id: "labc0" } }, /from before the restart/],
])("%j", async (input, reason) => {
  const store = openStore();
  fillShop(store);
  const found = await why(store, input);
  if (reason === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(reason);
});

test("the ways in which a trace is not there are told apart", async () => {
  const store = openSmallStore(64);
  for (let i = 1; i <= 20; i++) {
    commitSpans(
      store,
      Array.from({ length: 16 }, (_, j) => ({ traceId: traceId(i), spanId: spanId(i * 100 + j) })),
    );
  }
  const trace = (filter: object) => ask(store, { what: "trace", filter });
  await expect(trace({ trace_id: traceId(1) })).rejects.toMatchObject({ code: "evicted" });
  await expect(trace({ trace_id: traceId(99) })).rejects.toMatchObject({
    code: "not_found",
    message: /wait_ms/,
  });
  await expect(trace({ span_id: "sabc0" })).rejects.toMatchObject({ code: "before_restart" });
  await expect(trace({ span_id: spanId(77_777) })).rejects.toMatchObject({ code: "not_found" });
  await expect(trace({})).rejects.toMatchObject({ code: "bad_parameter" });
  await expect(trace({ trace_id: traceId(20), span_id: spanId(1) })).rejects.toMatchObject({
    code: "not_found",
  });
});

test("a trace that lost records says so", async () => {
  const store = openSmallStore(64);
  commitSpans(
    store,
    Array.from({ length: 100 }, (_, i) => ({ spanId: spanId(i + 2), parentSpanId: spanId(1) })),
  );
  const { structured, text } = await ask(store, {
    what: "trace",
    filter: { trace_id: "00000000000000000000000000000001" },
  });
  expect(structured.metadata.lost).toBeGreaterThanOrEqual(36);
  expect(text).toMatch(/partial: \d+ records evicted; \d+ spans whose parent is not held, 1 parent missing/);
});

test("waiting ends when what was asked for arrives, or at its limit", async () => {
  const store = openStore();
  const waiting = ask(store, { what: "logs", wait_ms: 20_000, filter: { text: "ready" } });
  const trace = ask(store, { what: "trace", wait_ms: 20_000, filter: { trace_id: traceId(5) } });
  commitLogs(store, [{ body: "starting" }]);
  commitLogs(store, [{ body: "ready" }]);
  commitSpans(store, [{ traceId: traceId(5) }]);
  expect((await waiting).structured.events).toMatchObject([{ message: "ready" }]);
  expect((await trace).structured.metadata.total_count).toBe(1);
});
