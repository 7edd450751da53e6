import { describe, expect, it } from "vitest";
import { contextIdsOf } from "../../src/correlate/context-ids.ts";
import { requestIdInText, requestIdsOf } from "../../src/correlate/request-id.ts";
import type { AttributeValue } from "../../src/model/attributes.ts";
import { makeLog } from "../support/draw-trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("contextIdsOf", () => {
  it.each<[string, AttributeValue]>([
    ["traceparent", `handling 00-${TRACE}-${SPAN}-01 now`],
    ["key=value", `trace_id=${TRACE} span_id=${SPAN} paid`],
    ["logfmt with quotes", `level=info trace.id="${TRACE}" span.id="${SPAN}"`],
    ["words", `TraceID: ${TRACE} SpanID: ${SPAN} paid`],
    ["JSON text", `{"traceId":"${TRACE}","spanId":"${SPAN}","msg":"paid"}`],
    ["upper case", `trace_id=${TRACE.toUpperCase()} span_id=${SPAN.toUpperCase()}`],
    ["a structured body", { trace_id: TRACE, span_id: SPAN }],
    ["python", { otelTraceID: TRACE, otelSpanID: SPAN }],
    ["Serilog", { "@tr": TRACE, "@sp": SPAN }],
  ])("reads both ids: %s", (_, body) => {
    expect(contextIdsOf(makeLog({ body }))).toEqual({ traceId: TRACE, spanId: SPAN });
  });

  it.each<[string, AttributeValue, string]>([
    ["Amazon", `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)}`, TRACE],
    ["Google Cloud", { "logging.googleapis.com/trace": `projects/shop/traces/${TRACE}` }, TRACE],
    ["Datadog", `dd.trace_id=${BigInt(`0x${TRACE.slice(16)}`)} paid`, TRACE.slice(16)],
    ["a trace alone", `traceId=${TRACE}`, TRACE],
  ])("reads the trace's id: %s", (_, body, traceId) => {
    expect(contextIdsOf(makeLog({ body }))).toEqual({ traceId, spanId: "" });
  });

  it("reads attributes before the text", () => {
    const log = makeLog({
      body: `trace_id=${"f".repeat(32)}`,
      attributes: { trace_id: TRACE, span_id: SPAN },
    });
    expect(contextIdsOf(log)).toEqual({ traceId: TRACE, spanId: SPAN });
  });

  it.each<[string, AttributeValue]>([
    ["nothing", "paid"],
    ["a hash that is no trace", `commit ${TRACE}`],
    ["zeros", `trace_id=${"0".repeat(32)}`],
    ["a shorter id", "trace_id=abc123"],
    ["more digits than 64 bits hold", `dd.trace_id=${"9".repeat(20)}`],
    ["no text", 5],
  ])("finds none: %s", (_, body) => {
    expect(contextIdsOf(makeLog({ body }))).toBeUndefined();
  });
});

describe("request ids", () => {
  it("are read from headers, attributes and texts", () => {
    expect(requestIdsOf({ "http.request.header.x-request-id": ["req-123456"] })).toEqual(["req-123456"]);
    expect(requestIdsOf({ request_id: "req-123456", correlation_id: "cor-123456" })).toEqual([
      "req-123456",
      "cor-123456",
    ]);
    expect(
      requestIdsOf({ "x-amzn-trace-id": "Self=1-0-0;Root=1-0af76519-16cd43dd8448eb211c80319c" }),
    ).toEqual(["1-0af76519-16cd43dd8448eb211c80319c"]);
    expect(requestIdInText("GET /pay request_id=req-123456 200")).toBe("req-123456");
    expect(requestIdInText('{"x-correlation-id": "cor-123456"}')).toBe("cor-123456");
  });

  it("are not placeholders", () => {
    expect(requestIdsOf({ request_id: "-" })).toEqual([]);
    expect(requestIdInText("no id here")).toBeUndefined();
  });
});
