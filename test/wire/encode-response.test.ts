import { expect, test } from "vitest";
import {
  encodePartialSuccess,
  encodePartialSuccessJson,
  encodeStatus,
  encodeStatusJson,
  type Signal,
} from "../../src/wire/encode-response.ts";
import { otlpType } from "../support/otlp-proto.ts";

const seen = (type: string, bytes: Uint8Array) =>
  otlpType(type).toObject(otlpType(type).decode(bytes), { longs: String });

test.each<[Signal, string]>([
  ["traces", "rejectedSpans"],
  ["logs", "rejectedLogRecords"],
  ["metrics", "rejectedDataPoints"],
  ["profiles", "rejectedProfiles"],
])("the reply to %s says nothing, how many were rejected, or a warning", (signal, name) => {
  expect(encodePartialSuccess(signal, 0, "")).toHaveLength(0);
  expect(encodePartialSuccessJson(signal, 0, "")).toBe("{}");
  expect(seen("ExportResponse", encodePartialSuccess(signal, 300, "why"))).toEqual({
    partialSuccess: { rejected: "300", errorMessage: "why" },
  });
  expect(JSON.parse(encodePartialSuccessJson(signal, 300, "why"))).toEqual({
    partialSuccess: { [name]: "300", errorMessage: "why" },
  });
  expect(seen("ExportResponse", encodePartialSuccess(signal, 0, "mind"))).toEqual({
    partialSuccess: { errorMessage: "mind" },
  });
  expect(JSON.parse(encodePartialSuccessJson(signal, 0, "mind"))).toEqual({
    partialSuccess: { [name]: "0", errorMessage: "mind" },
  });
});

test("a status has code and message", () => {
  expect(seen("RpcStatus", encodeStatus(3, "bad é"))).toEqual({ code: 3, message: "bad é" });
  expect(JSON.parse(encodeStatusJson(3, "bad é"))).toEqual({ code: 3, message: "bad é" });
});

test.each([
  [1, { seconds: "1" }],
  [0.25, { nanos: 250_000_000 }],
  [90.5, { seconds: "90", nanos: 500_000_000 }],
  [1.9999999999, { seconds: "2" }],
  [0, {}],
])("a status to be retried after %d s holds a RetryInfo", (retryAfterS, retryDelay) => {
  const status = seen("RpcStatus", encodeStatus(14, "busy", retryAfterS));
  expect(status).toMatchObject({
    code: 14,
    details: [{ typeUrl: "type.googleapis.com/google.rpc.RetryInfo" }],
  });
  expect(seen("RetryInfo", status.details[0].value)).toEqual({ retryDelay });
  expect(JSON.parse(encodeStatusJson(14, "busy", retryAfterS)).details).toEqual([
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterS}s` },
  ]);
});
