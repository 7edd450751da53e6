import { expect, test } from "vitest";
import type { ObserveAnswer } from "../../src/query/shapes.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import {
  ask,
  askShort,
  commitLogs,
  commitSpans,
  openSmallStore,
  openStore,
  START_NS,
  spanId,
  traceId,
} from "./fixture.ts";

const MS = 1_000_000n;

function addLogs(
  store: TelemetryStore,
  from: number,
  to: number,
  atMs = (number: number): number => number * 10,
): void {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  commitLogs(
    store,
    numbers.map((number) => ({
      body: `log ${number}`,
      timeNs: START_NS + BigInt(atMs(number)) * MS,
      traceId: traceId(number),
      spanId: "",
    })),
  );
}

function messages(answer: ObserveAnswer): string[] {
  return answer.structured.events!.map((event) => event.message);
}

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `log ${from + i}`);
}

test("records inserted while paging neither repeat nor hide others, in both directions", async () => {
  const store = openStore();
  addLogs(store, 0, 30);
  const first = await ask(store, { what: "logs", limit: 10 });
  expect(messages(first)).toEqual(names(20, 30).reverse());
  expect(first.structured.metadata.cursor_prev).toBeUndefined();

  // Newer records, and late ones that belong to a page not yet seen.
  addLogs(store, 100, 105, (number) => 1_000 + number);
  addLogs(store, 200, 202, (number) => 151 + number - 200);
  const second = await ask(store, {
    what: "logs",
    limit: 10,
    after_cursor: first.structured.metadata.cursor_next,
  });
  expect(messages(second)).toEqual([
    ...names(16, 20).reverse(),
    "log 201",
    "log 200",
    ...names(12, 16).reverse(),
  ]);

  const back = await ask(store, {
    what: "logs",
    limit: 10,
    before_cursor: second.structured.metadata.cursor_prev,
  });
  expect(messages(back)).toEqual(names(20, 30).reverse());
  const newest = await ask(store, {
    what: "logs",
    limit: 10,
    before_cursor: back.structured.metadata.cursor_prev,
  });
  expect(messages(newest)).toEqual(names(100, 105).reverse());
  expect(newest.structured.metadata.cursor_prev).toBeUndefined();
  const again = await ask(store, {
    what: "logs",
    limit: 10,
    after_cursor: newest.structured.metadata.cursor_next,
  });
  expect(messages(again)).toEqual(names(20, 30).reverse());
});

test("a cursor outlives the eviction of its record; what was lost is said", async () => {
  const store = openSmallStore(64);
  addLogs(store, 0, 40);
  const first = await ask(store, { what: "logs", limit: 10 });
  const cursor = first.structured.metadata.cursor_next;

  // The record that the cursor names, and all before it, make way.
  addLogs(store, 40, 120);
  const older = await ask(store, { what: "logs", limit: 10, after_cursor: cursor });
  expect(messages(older)).toEqual([]);
  expect(older.structured.metadata.why_empty).toMatch(/has been shown or has been evicted/);
  expect(older.structured.metadata.lost).toBeGreaterThan(0);
  const newer = await ask(store, { what: "logs", limit: 10, before_cursor: cursor });
  const held = 120 - newer.structured.metadata.total_count;
  expect(messages(newer)).toEqual(names(held, held + 10).reverse());
});

test("under a byte budget pages follow one another without gaps, in both directions", async () => {
  const store = openStore();
  addLogs(store, 0, 200);
  const seen: string[] = [];
  let cursor: string | undefined;
  let last: ObserveAnswer;
  do {
    last = await askShort(store, { what: "logs", limit: 100, after_cursor: cursor }, 3_000);
    seen.push(...messages(last));
    cursor = last.structured.metadata.cursor_next;
  } while (cursor !== undefined);
  expect(seen).toEqual(names(0, 200).reverse());

  const back: string[] = [...messages(last)];
  for (
    cursor = last.structured.metadata.cursor_prev;
    cursor !== undefined;
    cursor = last.structured.metadata.cursor_prev
  ) {
    last = await askShort(store, { what: "logs", limit: 100, before_cursor: cursor }, 3_000);
    back.unshift(...messages(last));
  }
  expect(back).toEqual(names(0, 200).reverse());
});

test("inside one trace the oldest come first, and pages go on from there", async () => {
  const store = openStore();
  const trace_id = traceId(7);
  commitLogs(
    store,
    Array.from({ length: 25 }, (_, i) => ({
      body: `log ${i}`,
      timeNs: START_NS + BigInt(i) * MS,
      traceId: trace_id,
    })),
  );
  const first = await ask(store, { what: "logs", limit: 10, filter: { trace_id } });
  expect(messages(first)).toEqual(names(0, 10));
  const second = await ask(store, {
    what: "logs",
    limit: 10,
    trace_id,
    after_cursor: first.structured.metadata.cursor_next,
  });
  expect(messages(second)).toEqual(names(10, 20));
  const back = await ask(store, {
    what: "logs",
    limit: 10,
    trace_id,
    before_cursor: second.structured.metadata.cursor_prev,
  });
  expect(messages(back)).toEqual(names(0, 10));
});

test("a since cursor shows what arrived later, late records too, and nothing twice", async () => {
  const store = openStore();
  const nothing = await ask(store, { what: "logs" });
  addLogs(store, 0, 3);
  const first = await ask(store, {
    what: "logs",
    filter: { since: nothing.structured.metadata.cursor_since },
  });
  expect(messages(first)).toEqual(names(0, 3).reverse());
  addLogs(store, 10, 11, () => -60_000);
  const later = await ask(store, { what: "logs", filter: { since: first.structured.metadata.cursor_since } });
  expect(messages(later)).toEqual(["log 10"]);
  const end = await ask(store, { what: "logs", filter: { since: later.structured.metadata.cursor_since } });
  expect(messages(end)).toEqual([]);
  expect(end.structured.metadata.why_empty).toMatch(/Nothing that matches has arrived since/);
});

test("pages of traces, both ways", async () => {
  const store = openStore();
  const add = (from: number, to: number): void =>
    commitSpans(
      store,
      Array.from({ length: to - from }, (_, i) => ({
        traceId: traceId(from + i),
        spanId: spanId(from + i + 1),
        startNs: START_NS + BigInt(from + i) * MS,
      })),
    );
  const shown = (answer: ObserveAnswer): unknown[] => answer.structured.rows!.map((row) => row.trace_id);
  const ids = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, i) => traceId(from + i)).reverse();
  add(0, 30);
  const first = await ask(store, { what: "traces", limit: 10 });
  expect(shown(first)).toEqual(ids(20, 30));
  add(50, 60);
  const second = await ask(store, {
    what: "traces",
    limit: 10,
    after_cursor: first.structured.metadata.cursor_next,
  });
  expect(shown(second)).toEqual(ids(10, 20));
  const back = await ask(store, {
    what: "traces",
    limit: 10,
    before_cursor: second.structured.metadata.cursor_prev,
  });
  expect(shown(back)).toEqual(ids(20, 30));
  const newest = await ask(store, {
    what: "traces",
    limit: 10,
    before_cursor: back.structured.metadata.cursor_prev,
  });
  expect(shown(newest)).toEqual(ids(50, 60));
  expect(newest.structured.metadata.cursor_prev).toBeUndefined();
});

test("pages of errors, both ways; one that is seen again moves to the front", async () => {
  const store = openStore();
  const letters = "abcdefghijklmnopqrst";
  const fail = (i: number, atMs: number): void =>
    commitLogs(store, [
      {
        body: `cannot ${letters[i]}`,
        severity: 17,
        timeNs: START_NS + BigInt(atMs) * MS,
        traceId: "",
        spanId: "",
      },
    ]);
  for (let i = 0; i < 20; i++) fail(i, i);
  const shown = (answer: ObserveAnswer): string =>
    answer.structured.rows!.map((row) => String(row.message).at(-1)).join("");
  const first = await ask(store, { what: "errors", limit: 5 });
  expect(shown(first)).toBe("tsrqp");
  fail(3, 100);
  const second = await ask(store, {
    what: "errors",
    limit: 5,
    after_cursor: first.structured.metadata.cursor_next,
  });
  expect(shown(second)).toBe("onmlk");
  const back = await ask(store, {
    what: "errors",
    limit: 5,
    before_cursor: second.structured.metadata.cursor_prev,
  });
  expect(shown(back)).toBe("tsrqp");
  const front = await ask(store, {
    what: "errors",
    limit: 5,
    before_cursor: back.structured.metadata.cursor_prev,
  });
  expect(shown(front)).toBe("d");
  const short = await askShort(
    store,
    { what: "errors", before_cursor: second.structured.metadata.cursor_prev },
    2_000,
  );
  expect(shown(short)).toMatch(/p$/);
});
