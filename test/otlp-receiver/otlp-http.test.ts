import { buffer } from "node:stream/consumers";
import { constants, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import {
  buildLogsRequest,
  buildMetricsRequest,
  buildTracesRequest,
  DEFAULT_TRACE_ID,
} from "../support/otlp-build.ts";
import {
  askHttp1,
  askHttp2,
  type HttpAnswer,
  type HttpQuestion,
  readPartialSuccess,
  readStatus,
} from "./clients.ts";
import { eventually, startTestReceiver, type TestReceiver } from "./harness.ts";

const KIB = 1024;
const ONE_SPAN = buildTracesRequest([{ name: "GET /" }]);
const ONE_SPAN_JSON = JSON.stringify({
  resourceSpans: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] },
      scopeSpans: [{ spans: [{ traceId: DEFAULT_TRACE_ID, spanId: "00000000000000AB", name: "GET /" }] }],
    },
  ],
});
const JSON_TYPE = { "content-type": "application/json" };
const PROTOBUF_TYPE = { "content-type": "application/x-protobuf" };

let target: TestReceiver;
afterEach(() => target.stop());

/** A refusal says its status, is a google.rpc.Status in the request's encoding, and has a sentence with a remedy. */
function expectRefusal(answer: HttpAnswer, status: number, grpcCode: number, message: RegExp): void {
  expect(answer.status).toBe(status);
  const isProtobuf = answer.headers["content-type"] === "application/x-protobuf";
  const body = isProtobuf ? readStatus(answer.body) : JSON.parse(answer.body.toString());
  expect(body.code).toBe(grpcCode);
  expect(body.message).toMatch(message);
  expect(body.message).toMatch(/\.$/);
  expect(target.sink.commits).toBe(0);
}

describe.each([
  ["HTTP/1.1", askHttp1],
  ["HTTP/2 with prior knowledge", askHttp2],
])("OTLP over %s", (_transport, askOver) => {
  const ask = (question: HttpQuestion) => askOver(target.receiver.port, question);

  it.each([
    ["/v1/traces", ONE_SPAN, () => target.sink.spans.length],
    ["/v1/logs", buildLogsRequest([{ body: "hello" }]), () => target.sink.logs.length],
    ["/v1/metrics", buildMetricsRequest([{ gauge: [{ value: 1 }] }]), () => target.sink.points.length],
  ])("takes protobuf at %s and answers with zero bytes", async (path, body, stored) => {
    target = await startTestReceiver();
    const answer = await ask({ path, body });
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "application/x-protobuf", "content-length": "0" },
    });
    expect(answer.body.length).toBe(0);
    expect(stored()).toBe(1);
  });

  it.each([
    ["/v1/traces", ONE_SPAN_JSON, () => target.sink.spans.length],
    [
      "/v1/logs",
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hi"}}]}]}]}',
      () => target.sink.logs.length,
    ],
    [
      "/v1/metrics",
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"7"}]}}]}]}]}',
      () => target.sink.points.length,
    ],
  ])("takes JSON at %s and answers {}", async (path, body, stored) => {
    target = await startTestReceiver();
    const answer = await ask({ path, body, headers: JSON_TYPE });
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    expect(answer.body.toString()).toBe("{}");
    expect(stored()).toBe(1);
  });

  it.each([
    ["/v1/traces", ""],
    ["/v1/logs", ""],
    ["/v1/metrics", ""],
  ])("takes an empty request at %s", async (path) => {
    target = await startTestReceiver();
    expect((await ask({ path })).status).toBe(200);
    expect((await ask({ path, headers: JSON_TYPE, body: "{}" })).status).toBe(200);
  });

  it("accepts and counts profiles", async () => {
    target = await startTestReceiver();
    const path = "/v1development/profiles";
    expect((await ask({ path, body: "" })).status).toBe(200);
    const json = '{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{},{}]}]}]}';
    const answer = await ask({ path, headers: JSON_TYPE, body: json });
    expect(answer.status).toBe(200);
    expect(target.receiver.stats().signals.profiles).toMatchObject({ requests: 2, accepted: 2 });
  });

  it.each(["application/x-protobuf; charset=utf-8", "Application/X-Protobuf", "application/x-protobuf ;v=1"])(
    "reads the content type %j",
    async (type) => {
      target = await startTestReceiver();
      const answer = await ask({ body: ONE_SPAN, headers: { "content-type": type } });
      expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/x-protobuf" } });
      expect(target.sink.spans.length).toBe(1);
    },
  );

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/grpc-web",
  ])("refuses the content type %s with 415", async (type) => {
    target = await startTestReceiver();
    expectRefusal(
      await ask({ body: ONE_SPAN, headers: { "content-type": type } }),
      415,
      3,
      /expected application\/x-protobuf/,
    );
  });

  it("refuses a request without content type with 415", async () => {
    target = await startTestReceiver();
    expectRefusal(await ask({ body: ONE_SPAN, headers: {} }), 415, 3, /OTEL_EXPORTER_OTLP_PROTOCOL/);
  });

  it.each(["GET", "PUT", "DELETE", "PATCH"])("refuses %s with 405 and Allow", async (method) => {
    target = await startTestReceiver();
    const answer = await ask({ method, headers: {} });
    expectRefusal(answer, 405, 12, /expected POST/);
    expect(answer.headers.allow).toBe("POST, OPTIONS");
  });

  const compressions: readonly [string, (body: Uint8Array) => Buffer][] = [
    ["identity", (body) => Buffer.from(body)],
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
  ];
  it.each(compressions)("inflates %s at once and on the thread pool", async (encoding, compress) => {
    target = await startTestReceiver({ limits: { inflateSyncBytesMax: 4 * KIB } });
    const many = buildTracesRequest(
      Array.from({ length: 3000 }, (_, i) => ({ name: `${(i * 2654435761) % 4294967296}` })),
    );
    expect(compress(many).length).toBeGreaterThan(4 * KIB);
    const headers = { ...PROTOBUF_TYPE, "content-encoding": encoding };
    expect((await ask({ body: compress(Buffer.alloc(0)), headers })).status).toBe(200);
    expect((await ask({ body: compress(ONE_SPAN), headers })).status).toBe(200);
    expect(target.sink.spans.length).toBe(1);
    expect((await ask({ body: compress(many), headers })).status).toBe(200);
    expect(target.sink.spans.length).toBe(3001);
    expect(target.receiver.stats()).toMatchObject({ bytesInFlight: 0 });
  });

  it.each(["br", "compress", "gzip, gzip", "*"])(
    "refuses the encoding %j with 400 and names what is read",
    async (encoding) => {
      target = await startTestReceiver();
      const answer = await ask({
        body: ONE_SPAN,
        headers: { ...PROTOBUF_TYPE, "content-encoding": encoding },
      });
      expectRefusal(answer, 400, 12, /expected one of identity,gzip,zstd,deflate/);
      expect(answer.headers["accept-encoding"]).toBe("identity,gzip,zstd,deflate");
    },
  );

  it.each(compressions.slice(1))(
    "refuses %s that is cut off or is not what it says",
    async (encoding, compress) => {
      target = await startTestReceiver({ limits: { inflateSyncBytesMax: 1 * KIB } });
      const headers = { ...PROTOBUF_TYPE, "content-encoding": encoding };
      const incompressible = buildTracesRequest(
        Array.from({ length: 300 }, (_, i) => ({ name: `${(i * 2654435761) % 4294967296}` })),
      );
      for (const whole of [compress(ONE_SPAN), compress(incompressible)]) {
        expectRefusal(
          await ask({ body: whole.subarray(0, whole.length / 2), headers }),
          400,
          3,
          /Check that it was compressed once/,
        );
      }
      expectRefusal(await ask({ body: ONE_SPAN, headers }), 400, 3, /not valid/);
      expectRefusal(await ask({ body: Buffer.alloc(9 * KIB, 7), headers }), 400, 3, /not valid/);
      expect(target.receiver.stats()).toMatchObject({ bytesInFlight: 0, refused: { malformed_body: 4 } });
    },
  );

  it.each(compressions.slice(1))("stops a %s bomb at the limit", async (encoding, compress) => {
    const bomb = compress(Buffer.alloc(64 * 1024 * KIB));
    const headers = { ...PROTOBUF_TYPE, "content-encoding": encoding };
    for (const inflateSyncBytesMax of [0, bomb.length]) {
      target = await startTestReceiver({ limits: { bodyBytesMax: 1024 * KIB, inflateSyncBytesMax } });
      expectRefusal(await ask({ body: bomb, headers }), 413, 8, /more than 1048576 bytes/);
      expect(target.receiver.stats()).toMatchObject({ bytesInFlight: 0, bytesDecoded: 0 });
      await target.stop();
    }
  });

  it("refuses zstd that asks for a window above 8 MiB", async () => {
    target = await startTestReceiver();
    const compressor = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 24 } });
    compressor.end(ONE_SPAN);
    const body = await buffer(compressor);
    const headers = { ...PROTOBUF_TYPE, "content-encoding": "zstd" };
    expectRefusal(await ask({ body, headers }), 400, 3, /not valid zstd/);
  });

  it("refuses a body over the limit at its headers", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 1 * KIB } });
    const body = Buffer.alloc(1 * KIB + 1);
    const headers = { ...PROTOBUF_TYPE, "content-length": String(body.length) };
    expectRefusal(await ask({ body, headers }), 413, 8, /is 1025 bytes, and at most 1024/);
    expect(target.receiver.stats().bytesReceived).toBe(0);
    expect((await ask({ body: ONE_SPAN })).status).toBe(200);
  });

  it.each([
    ["protobuf", PROTOBUF_TYPE, ONE_SPAN.subarray(0, ONE_SPAN.length - 3)],
    ["JSON", JSON_TYPE, ONE_SPAN_JSON.slice(0, -3)],
    ["JSON sent as protobuf", PROTOBUF_TYPE, ONE_SPAN_JSON],
    ["protobuf sent as JSON", JSON_TYPE, ONE_SPAN],
  ])("refuses malformed %s with 400 in its encoding and keeps nothing", async (_name, headers, body) => {
    target = await startTestReceiver();
    const answer = await ask({ headers, body });
    expectRefusal(answer, 400, 3, /\S+ .*check that the body was not cut off/i);
    expect(answer.headers["content-type"]).toBe(headers["content-type"]);
    expect(target.receiver.stats().refused).toEqual({ malformed_body: 1 });
  });

  it("says that hex is expected when JSON ids are base64", async () => {
    target = await startTestReceiver();
    const body = ONE_SPAN_JSON.replace(DEFAULT_TRACE_ID, "AAAAAAAAAAAAAAAAAAAAAQ==");
    expectRefusal(await ask({ headers: JSON_TYPE, body }), 400, 3, /hex.*base64/i);
  });

  it("answers a partial success for a span with a bad id, in both encodings", async () => {
    target = await startTestReceiver();
    const body = buildTracesRequest([{ name: "good" }, { traceId: "00".repeat(16) }, { spanId: "" }]);
    const partial = readPartialSuccess((await ask({ body })).body);
    expect(partial).toMatchObject({
      rejected: 2,
      error_message: expect.stringMatching(/trace id is all zero/),
    });
    expect(target.sink.spans.map((span) => span.name)).toEqual(["good"]);

    const json = ONE_SPAN_JSON.replace(DEFAULT_TRACE_ID, "0".repeat(32));
    const answer = await ask({ headers: JSON_TYPE, body: json });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toEqual({
      partialSuccess: { rejectedSpans: "1", errorMessage: expect.stringMatching(/trace id/) },
    });
    expect(target.receiver.stats()).toMatchObject({
      partialSuccesses: 2,
      signals: { traces: { accepted: 1, rejected: 3 } },
    });
  });

  it("answers a partial success for records that the sink could not keep", async () => {
    target = await startTestReceiver();
    target.sink.dropped = 1;
    target.sink.droppedReason = "1 log record is larger than what can be kept.";
    const body = buildLogsRequest([{ body: "a" }, { body: "b" }]);
    const partial = readPartialSuccess((await ask({ path: "/v1/logs", body })).body);
    expect(partial).toEqual({ rejected: 1, error_message: "1 log record is larger than what can be kept." });
    expect(target.receiver.stats().signals.logs).toMatchObject({ accepted: 1, dropped: 1, rejected: 0 });
  });

  it("asks for a retry when too many bytes are in flight", async () => {
    target = await startTestReceiver({ limits: { inFlightBytesMax: 100, retryAfterS: 3 } });
    const answer = await ask({ body: buildTracesRequest([{ name: "x".repeat(200) }]) });
    expectRefusal(answer, 503, 14, /takes at most 100 at once.*after 3 s/);
    expect(answer.headers["retry-after"]).toBe("3");
    expect(readStatus(answer.body).retryDelayS).toBe(3);
    const json = await ask({ headers: JSON_TYPE, body: ONE_SPAN_JSON });
    expect(JSON.parse(json.body.toString()).details).toEqual([
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "3s" },
    ]);
    expect(target.receiver.stats()).toMatchObject({ bytesInFlight: 0, refused: { overloaded: 2 } });

    // A length that is announced is refused before the body.
    const { bytesReceived } = target.receiver.stats();
    const announced = { ...JSON_TYPE, "content-length": String(ONE_SPAN_JSON.length) };
    expect((await ask({ headers: announced, body: ONE_SPAN_JSON })).status).toBe(503);
    expect(target.receiver.stats().bytesReceived).toBe(bytesReceived);
  });

  it("asks for a retry when a body that is inflated finds no room", async () => {
    target = await startTestReceiver({ limits: { inFlightBytesMax: 64 * KIB, inflateSyncBytesMax: 0 } });
    const headers = { ...PROTOBUF_TYPE, "content-encoding": "gzip" };
    expectRefusal(
      await ask({ headers, body: gzipSync(Buffer.alloc(1024 * KIB)) }),
      503,
      14,
      /bytes of request bodies/,
    );
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it("asks the guard before it reads, and says its no", async () => {
    const asked: unknown[] = [];
    target = await startTestReceiver({
      guard: (request) => {
        asked.push(request);
        return new GasolineError("unauthenticated", "No key was sent.", "Send x-api-key.");
      },
    });
    const answer = await ask({
      body: ONE_SPAN,
      headers: {
        ...PROTOBUF_TYPE,
        origin: "http://localhost:3000",
        "x-api-key": "k",
        authorization: "Bearer t",
      },
    });
    expectRefusal(answer, 401, 16, /No key was sent\. Send x-api-key\./);
    expect(asked).toEqual([{ origin: "http://localhost:3000", authorization: "Bearer t", apiKey: "k" }]);
    expect(answer.headers["access-control-allow-origin"]).toBe("http://localhost:3000");
    expect(target.receiver.stats()).toMatchObject({ bytesReceived: 0, refused: { unauthenticated: 1 } });
  });

  it("refuses foreign origins without letting the page read why", async () => {
    target = await startTestReceiver({
      guard: ({ origin }) =>
        new GasolineError("forbidden_origin", `Origin ${origin} is foreign.`, "Use localhost."),
    });
    const headers = { ...PROTOBUF_TYPE, origin: "https://evil.example" };
    const answer = await ask({ body: ONE_SPAN, headers });
    expectRefusal(answer, 403, 7, /https:\/\/evil\.example is foreign/);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    const preflight = await ask({
      method: "OPTIONS",
      headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(403);
    expect(preflight.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it.each([
    "http://localhost:3000",
    "https://127.0.0.1",
    "http://[::1]:8080",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://9f2e-11",
  ])("answers the preflight of %s, and lets it read the reply", async (origin) => {
    target = await startTestReceiver({
      guard: () => new GasolineError("unauthenticated", "No key.", "Send one."),
    });
    const preflight = await ask({
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key",
        "access-control-request-private-network": "true",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers["content-length"]).toBeUndefined();
    expect(preflight.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-private-network": "true",
      "access-control-allow-methods": "POST, OPTIONS",
    });
    const allowed = String(preflight.headers["access-control-allow-headers"]).split(", ");
    expect(allowed).toEqual(
      expect.arrayContaining([
        "content-type",
        "content-encoding",
        "authorization",
        "x-api-key",
        "traceparent",
      ]),
    );
    await target.stop();
    target = await startTestReceiver();
    const answer = await ask({ body: ONE_SPAN, headers: { ...PROTOBUF_TYPE, origin } });
    expect(answer).toMatchObject({
      status: 200,
      headers: { "access-control-allow-origin": origin, vary: "origin" },
    });
  });

  it("answers 500 with a sentence, and warns, when the sink breaks its promise", async () => {
    target = await startTestReceiver({
      sink: {
        commitSpans: () => {
          throw new TypeError("ring on fire");
        },
        commitLogs: () => ({ stored: 0, dropped: 0, droppedReason: "" }),
        commitPoints: () => ({ stored: 0, dropped: 0, droppedReason: "" }),
      },
    });
    expectRefusal(await ask({ body: ONE_SPAN }), 500, 13, /internal error/);
    expect(target.warnings).toEqual([expect.stringContaining("ring on fire")]);
    await eventually(() => target.receiver.stats().bytesInFlight === 0);
  });
});
