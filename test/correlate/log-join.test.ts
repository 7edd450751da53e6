import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JOIN_TRUSTED_MIN, joinLogs, withTrustedJoins } from "../../src/correlate/log-join.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import type { LogRecord } from "../../src/model/log.ts";
import { drawTrace, makeLog, makeResource } from "../support/draw-trace.ts";
import { spansOfAnyShape } from "../support/span-shapes.ts";
import { faultyShop } from "./faulty-shop.ts";

const BASE_NS = 1_700_000_000_000_000_000n;
const at = (ms: number) => BASE_NS + BigInt(Math.round(ms * 1_000_000));
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const OTHER = "f".repeat(32);

/** Two requests in one service, the second while the first waits for its payment. */
const spans = [
  ...drawTrace(
    `
    shop server POST /order  |==================|   id=00000000000000a1 session.id=s1
      shop place order        |================|    id=00000000000000a2
        shop client POST        |============|      id=00000000000000a3
  `,
    { baseNs: BASE_NS },
  ),
  ...drawTrace(
    `
    shop server GET /item            |===|          id=00000000000000b1 x-request-id=req-123456
  `,
    { traceId: OTHER, baseNs: at(8) },
  ),
];
const logAt = (ms: number, given: Partial<LogRecord> = {}) =>
  makeLog({ traceId: "", spanId: "", timeNs: at(ms), resource: makeResource("shop"), ...given });

describe("joinLogs", () => {
  it("keeps the ids that a record has", () => {
    expect(joinLogs(spans, [makeLog({ traceId: OTHER, spanId: "12" })])).toEqual([
      { traceId: OTHER, spanId: "12", method: "record_ids", confidence: 1, spanConfidence: 1 },
    ]);
  });

  it("reads ids in the text, whole or halved", () => {
    const texts = [
      `trace_id=${TRACE} span_id=00000000000000a2`,
      `dd.trace_id=${BigInt(`0x${TRACE.slice(16)}`)}`,
    ];
    const joins = joinLogs(
      spans,
      texts.map((body) => logAt(500, { body })),
    );
    expect(joins[0]).toMatchObject({
      traceId: TRACE,
      spanId: "00000000000000a2",
      method: "text_ids",
      confidence: 1,
    });
    expect(joins[1]).toMatchObject({ traceId: TRACE, method: "text_ids" });
  });

  it("goes by the request id that a span carries", () => {
    const byText = logAt(9, { body: "served request_id=req-123456" });
    const byAttribute = logAt(9, { body: "served", attributes: { "x-request-id": "req-123456" } });
    for (const join of joinLogs(spans, [byText, byAttribute])) {
      expect(join).toMatchObject({
        traceId: OTHER,
        spanId: "00000000000000b1",
        method: "request_id",
        confidence: 1,
      });
    }
  });

  it("goes by session and time", () => {
    const [join] = joinLogs(spans, [logAt(9, { body: "clicked", attributes: { "session.id": "s1" } })]);
    expect(join).toMatchObject({ traceId: TRACE, method: "session_time" });
  });

  it("goes by service and time, to where the request entered, and is not sure of the span", () => {
    const [join] = joinLogs(spans, [logAt(0.5, { body: "received" })]);
    expect(join).toMatchObject({ traceId: TRACE, spanId: "00000000000000a1", method: "service_time" });
    expect(join!.confidence).toBeGreaterThan(JOIN_TRUSTED_MIN);
    expect(join!.spanConfidence).toBeLessThan(0.7);
  });

  it("does not think of a span that waits for a call", () => {
    const [join] = joinLogs(spans, [logAt(10, { body: "found" })]);
    expect(join).toMatchObject({ traceId: OTHER, spanId: "00000000000000b1" });
    expect(join!.confidence).toBeGreaterThan(JOIN_TRUSTED_MIN);
  });

  it("learns from records with ids where a statement stands", () => {
    const learned = makeLog({
      traceId: TRACE,
      spanId: "00000000000000a2",
      timeNs: at(1),
      body: "placing order 1",
      resource: makeResource("shop"),
    });
    const [, join] = joinLogs(spans, [learned, logAt(1.4, { body: "placing order 2" })]);
    expect(join).toMatchObject({ traceId: TRACE, spanId: "00000000000000a2", method: "template_time" });
  });

  it("takes lines stamped a little late, not those of another time or service", () => {
    const [late, later, elsewhere] = joinLogs(spans, [
      logAt(19.5, { body: "done" }),
      logAt(400, { body: "done" }),
      logAt(1, { body: "done", resource: makeResource("other") }),
    ]);
    expect(late).toMatchObject({ traceId: TRACE, method: "service_time" });
    expect(later).toEqual({ traceId: "", spanId: "", method: "none", confidence: 0, spanConfidence: 0 });
    expect(elsewhere).toMatchObject({ method: "none" });
  });

  it("puts a shop's records back where they were, and knows when it may be wrong", () => {
    const known = [summarize(...recordsOf(1)), summarize(...recordsOf(2))];
    const [shopSpans, shopLogs] = recordsOf(3);
    const joins = joinLogs(
      shopSpans,
      shopLogs.map((log) => ({ ...log, traceId: "", spanId: "" })),
      known,
    );
    let right = 0;
    let sure = 0;
    let wronglySure = 0;
    joins.forEach(({ traceId, spanId, spanConfidence }, i) => {
      const isRight = traceId === shopLogs[i]!.traceId && spanId === shopLogs[i]!.spanId;
      if (isRight) right += 1;
      if (spanConfidence >= JOIN_TRUSTED_MIN) sure += 1;
      if (spanConfidence >= JOIN_TRUSTED_MIN && !isRight) wronglySure += 1;
    });
    expect(right / joins.length).toBeGreaterThan(0.95);
    expect(sure / joins.length).toBeGreaterThan(0.8);
    expect(wronglySure / sure).toBeLessThan(0.01);
  });

  it("gets an answer whatever the shape of the spans, with shares as confidence", () => {
    const seed = Date.now() % 1_000_000;
    console.info(`join any shape, seed ${seed}`);
    const times = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 5 });
    fc.assert(
      fc.property(spansOfAnyShape(), times, (any, nanos) => {
        const logs = nanos.map((ns) =>
          makeLog({ traceId: "", timeNs: BigInt(ns), resource: makeResource("a"), body: `at ${ns % 2}` }),
        );
        for (const { confidence, spanConfidence, method } of joinLogs(any, logs)) {
          expect(confidence).toBeGreaterThanOrEqual(0);
          expect(confidence).toBeLessThanOrEqual(1 + 1e-9);
          expect(spanConfidence).toBeLessThanOrEqual(confidence + 1e-9);
          expect(method === "none").toBe(confidence === 0);
        }
      }),
      { seed },
    );
  });
});

describe("withTrustedJoins", () => {
  it("gives ids only to records it is sure of, and leaves the given ones alone", () => {
    const bare = [logAt(0.5, { body: "received" }), logAt(400, { body: "received" })];
    const [sure, unsure] = withTrustedJoins(spans, bare);
    expect(sure).toMatchObject({ traceId: TRACE, spanId: "00000000000000a1" });
    expect(unsure).toBe(bare[1]);
    expect(bare[0]!.traceId).toBe("");
  });

  it("gives back the same array when all have ids", () => {
    const logs = [makeLog({ traceId: TRACE })];
    expect(withTrustedJoins(spans, logs)).toBe(logs);
  });
});

function recordsOf(seed: number) {
  const { spans: shopSpans, logs } = faultyShop(seed, 80);
  return [shopSpans, logs] as const;
}
