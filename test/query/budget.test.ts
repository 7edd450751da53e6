import { expect, test } from "vitest";
import { replyBytes } from "../../src/query/reply-bytes.ts";
import type { ObserveAnswer } from "../../src/query/shapes.ts";
import type { SpanSpec } from "../support/otlp-build.ts";
import { askShort, commitLogs, commitSpans, openStore, START_NS, spanId, traceId } from "./fixture.ts";

const SPANS = 10_000;
const MS = 1_000_000n;

/** Shapes of a 10,000-span trace; in each, the span numbered 7,777 fails. `parent` gives a span's parent number. */
const SHAPES: readonly {
  readonly name: string;
  readonly parent: (i: number) => number;
  readonly spanName: (i: number) => string;
}[] = [
  { name: "one loop of 9,999 calls", parent: () => 0, spanName: () => "SELECT row" },
  {
    name: "9,999 calls of different names",
    parent: () => 0,
    spanName: (i) => `step ${String.fromCharCode(97 + (i % 26))}${"x".repeat(i % 97)}`,
  },
  { name: "a chain 10,000 deep", parent: (i) => i - 1, spanName: (i) => `level ${i}` },
  {
    name: "a bush of ten children each",
    parent: (i) => Math.floor((i - 1) / 10),
    spanName: (i) => `handle ${"abcdefghij"[i % 10]}`,
  },
  { name: "10,000 orphans", parent: (i) => 1_000_000 + i, spanName: (i) => `orphan ${"abcdefghij"[i % 10]}` },
];

test.each(SHAPES)("$name: at most 8,000 bytes, and the failure is in them", async ({ parent, spanName }) => {
  const store = openStore();
  commitSpans(
    store,
    Array.from(
      { length: SPANS },
      (_, i): SpanSpec => ({
        spanId: spanId(i + 1),
        ...(i === 0 ? {} : { parentSpanId: spanId(parent(i) + 1) }),
        name: spanName(i),
        startNs: START_NS + BigInt(i) * MS,
        endNs: START_NS + BigInt(i + 3) * MS,
        ...(i === 7_777 ? { status: { code: "error", message: "the disk is full" } } : {}),
      }),
    ),
  );
  const answer = await askShort(store, {
    what: "trace",
    filter: { trace_id: "00000000000000000000000000000001" },
  });
  expect(replyBytes(answer, {})).toBeLessThanOrEqual(8_000);
  expect(answer.text).toContain("the disk is full");
  expect(JSON.stringify(answer.structured.rows)).toContain("the disk is full");
  expect(answer.structured.metadata.total_count).toBe(SPANS);
  expect(accountedFor(answer)).toBe(SPANS);
});

/** Spans of the rows shown, and those that the reply says it hides. */
function accountedFor(answer: ObserveAnswer): number {
  const rows = (answer.structured.rows ?? []) as readonly { id?: string; count?: number }[];
  const shown = rows.reduce((sum, row) => sum + (row.id === undefined ? 0 : (row.count ?? 1)), 0);
  const hidden = /([\d,]+) spans? in/.exec(answer.structured.metadata.left_out ?? "0 spans in")![1]!;
  return shown + Number(hidden.replaceAll(",", ""));
}

test("ten thousand failures of different kinds still fit, and say how many are left out", async () => {
  const store = openStore();
  commitSpans(
    store,
    Array.from(
      { length: SPANS },
      (_, i): SpanSpec => ({
        spanId: spanId(i + 1),
        ...(i === 0 ? {} : { parentSpanId: spanId(1) }),
        name: `task ${"abcdefghijklmnopqrstuvwxyz"[i % 26]}${"y".repeat(i % 53)}`,
        status: { code: "error", message: `failed ${"z".repeat(i % 71)}` },
      }),
    ),
  );
  const trace = await askShort(store, {
    what: "trace",
    filter: { trace_id: "00000000000000000000000000000001" },
  });
  expect(replyBytes(trace, {})).toBeLessThanOrEqual(8_000);
  expect(accountedFor(trace)).toBe(SPANS);
  const errors = await askShort(store, { what: "errors" });
  expect(replyBytes(errors, {})).toBeLessThanOrEqual(8_000);
  expect(errors.structured.metadata.left_out).toMatch(/distinct errors, to keep the reply short/);
});

test("a log of a megabyte is cut, says by how much, and does not push out its neighbours", async () => {
  const store = openStore();
  commitLogs(store, [{ body: "before" }, { body: `start ${"a".repeat(1_000_000)}` }, { body: "after" }]);
  const answer = await askShort(store, { what: "logs" });
  expect(replyBytes(answer, {})).toBeLessThanOrEqual(8_000);
  expect(answer.structured.metadata.shown).toBe(3);
  expect(answer.text).toMatch(/start a+…\[\+\d+ characters\]/);
});

test.each([2_000, 3_000, 10_000])("a budget of %i bytes holds for every mode", async (budget) => {
  const store = openStore();
  const names = Array.from(
    { length: 300 },
    (_, i) => `name ${i} with some “wide” characters and \\ escapes "${i}"`,
  );
  commitSpans(
    store,
    names.map((name, i) => ({
      traceId: traceId(i % 40),
      spanId: spanId(i + 1),
      name,
      status: { code: "error" },
    })),
  );
  commitLogs(
    store,
    names.map((body, i) => ({ traceId: traceId(i % 40), body, severity: 17 })),
  );
  for (const input of [
    { what: "traces" },
    { what: "trace", filter: { trace_id: traceId(3) } },
    { what: "timeline" },
    { what: "logs" },
    { what: "errors" },
  ]) {
    const answer = await askShort(store, input, budget);
    expect(replyBytes(answer, {})).toBeLessThanOrEqual(budget);
    const { shown, total_count, left_out, cursor_next } = answer.structured.metadata;
    if (input.what === "trace") expect(accountedFor(answer)).toBe(total_count);
    else if (shown < total_count) expect(left_out ?? cursor_next).toBeDefined();
  }
});

test("without a budget nothing is cut", async () => {
  const store = openStore();
  const body = "b".repeat(50_000);
  commitLogs(store, [{ body, attributes: { big: "c".repeat(10_000) } }]);
  const answer = await askShort(store, { what: "logs", budget_bytes: undefined });
  expect(answer.structured.events![0]!.message).toBe(body);
  expect(answer.structured.events![0]!.metadata.attributes).toMatchObject({ big: "c".repeat(10_000) });
});
