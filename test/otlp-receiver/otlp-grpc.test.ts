import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { buildLogsRequest, buildMetricsRequest, buildTracesRequest } from "../support/otlp-build.ts";
import { readPartialSuccess, readStatus } from "./clients.ts";
import {
  createGrpcClient,
  exportPath,
  type GrpcAnswer,
  grpcFrame,
  openHttp2,
  sendChunks,
} from "./grpc-client.ts";
import { eventually, openConnection, startTestReceiver, type TestReceiver } from "./harness.ts";
import { frame, OPENING, postHeaders, reset } from "./http2-frames.ts";

const KIB = 1024;
const TRACES = exportPath("traces");
const ONE_SPAN = buildTracesRequest([{ name: "GET /" }]);
const MANY_SPANS = buildTracesRequest(Array.from({ length: 2000 }, (_, i) => ({ name: `operation ${i}` })));

let target: TestReceiver;
const cleanups: (() => void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await target.stop();
});

async function call(
  path: string,
  body: Uint8Array,
  options?: grpc.ClientOptions,
  headers?: Record<string, string>,
) {
  const client = createGrpcClient(target.receiver.port, options);
  cleanups.push(() => client.close());
  return client.call(path, body, headers);
}

function http2Session() {
  const session = openHttp2(target.receiver.port);
  cleanups.push(() => session.destroy());
  return session;
}

/** A refusal has its status, a sentence with a remedy, no RetryInfo unless it may be retried, and kept nothing. */
function expectRefusal(
  { code, details, trailers }: GrpcAnswer,
  expected: grpc.status,
  message: RegExp,
): void {
  expect(code).toBe(expected);
  expect(details).toMatch(message);
  expect(details).toMatch(/\.$/);
  expect(trailers.get("grpc-status-details-bin").length).toBe(expected === grpc.status.UNAVAILABLE ? 1 : 0);
  expect(target.sink.commits).toBe(0);
}

describe("a grpc-js client", () => {
  it.each([
    ["traces", ONE_SPAN, () => target.sink.spans.length],
    ["logs", buildLogsRequest([{ body: "hello" }]), () => target.sink.logs.length],
    ["metrics", buildMetricsRequest([{ gauge: [{ value: 1 }] }]), () => target.sink.points.length],
  ] as const)("exports %s and gets an empty message", async (signal, body, stored) => {
    target = await startTestReceiver();
    const answer = await call(exportPath(signal), body);
    expect(answer).toMatchObject({ code: 0, message: Buffer.alloc(0) });
    expect(stored()).toBe(1);
  });

  it("exports an empty request, and profiles that are only counted", async () => {
    target = await startTestReceiver();
    expect((await call(TRACES, new Uint8Array(0))).code).toBe(0);
    expect((await call(exportPath("profiles"), new Uint8Array(0))).code).toBe(0);
    expect(target.receiver.stats().signals).toMatchObject({
      traces: { requests: 1 },
      profiles: { requests: 1 },
    });
  });

  it.each([
    ["gzip", grpc.compressionAlgorithms.gzip],
    ["deflate", grpc.compressionAlgorithms.deflate],
  ])("exports with %s, inflated at once and on the thread pool", async (_name, algorithm) => {
    target = await startTestReceiver({ limits: { inflateSyncBytesMax: 4 * KIB } });
    const options = { "grpc.default_compression_algorithm": algorithm };
    expect((await call(TRACES, ONE_SPAN, options)).code).toBe(0);
    expect((await call(TRACES, MANY_SPANS, options)).code).toBe(0);
    expect(target.sink.spans.length).toBe(2001);
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it("gets a partial success for a span with a bad id", async () => {
    target = await startTestReceiver();
    const { code, message } = await call(
      TRACES,
      buildTracesRequest([{ name: "good" }, { spanId: "00".repeat(8) }]),
    );
    expect(code).toBe(0);
    expect(readPartialSuccess(message!)).toMatchObject({
      rejected: 1,
      error_message: expect.stringMatching(/span id/),
    });
    expect(target.sink.spans.map((span) => span.name)).toEqual(["good"]);
  });

  it("is told INVALID_ARGUMENT for bytes that are not OTLP, and may go on", async () => {
    target = await startTestReceiver();
    expectRefusal(
      await call(TRACES, ONE_SPAN.subarray(0, -2)),
      grpc.status.INVALID_ARGUMENT,
      /Malformed protobuf at byte/,
    );
    expect((await call(TRACES, ONE_SPAN)).code).toBe(0);
  });

  it("is told RESOURCE_EXHAUSTED, without RetryInfo, for a message over the limit", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 64 * KIB } });
    for (let round = 0; round < 3; round++) {
      expectRefusal(
        await call(TRACES, Buffer.alloc(64 * KIB + 1)),
        grpc.status.RESOURCE_EXHAUSTED,
        /is 65537 bytes/,
      );
      expectRefusal(
        await call(TRACES, Buffer.alloc(8_192 * KIB)),
        grpc.status.RESOURCE_EXHAUSTED,
        /is 8388608 bytes/,
      );
    }
    expect(target.receiver.stats().bytesReceived).toBeLessThan(4_096 * KIB);
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it("is told RESOURCE_EXHAUSTED for a bomb", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 1024 * KIB } });
    const options = { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip };
    const answer = await call(TRACES, Buffer.alloc(32 * 1024 * KIB), options);
    expectRefusal(answer, grpc.status.RESOURCE_EXHAUSTED, /more than 1048576/);
    expect(target.receiver.stats()).toMatchObject({ bytesDecoded: 0, bytesInFlight: 0 });
  });

  it("is told UNAVAILABLE with RetryInfo when too much is in flight", async () => {
    target = await startTestReceiver({ limits: { inFlightBytesMax: 10 * KIB, retryAfterS: 2 } });
    const answer = await call(TRACES, MANY_SPANS);
    expectRefusal(answer, grpc.status.UNAVAILABLE, /at most 10240 at once.*after 2 s/);
    const details = answer.trailers.get("grpc-status-details-bin")[0] as Buffer;
    expect(readStatus(details)).toEqual({ code: 14, message: answer.details, retryDelayS: 2 });
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it.each([
    "/opentelemetry.proto.collector.trace.v1.TraceService/Import",
    "/grpc.health.v1.Health/Check",
    "/",
  ])("is told UNIMPLEMENTED for the method %s", async (path) => {
    target = await startTestReceiver();
    expectRefusal(
      await call(path, ONE_SPAN),
      grpc.status.UNIMPLEMENTED,
      /expected Export of OTLP's TraceService/,
    );
  });

  it("is asked for its key by the same guard as HTTP, and reads messages in any language", async () => {
    const asked: unknown[] = [];
    target = await startTestReceiver({
      guard: (request) => {
        asked.push(request);
        return new GasolineError("unauthenticated", "Schlüssel „x“ fehlt, 100 %.", "Send x-api-key.");
      },
    });
    const answer = await call(
      TRACES,
      ONE_SPAN,
      {},
      { "x-api-key": "secret", authorization: "Bearer t", origin: "null" },
    );
    expectRefusal(answer, grpc.status.UNAUTHENTICATED, /^Schlüssel „x“ fehlt, 100 %\. Send x-api-key\.$/);
    expect(asked).toEqual([{ origin: "null", authorization: "Bearer t", apiKey: "secret" }]);
  });
});

describe("gRPC frames written by hand", () => {
  it("are read however they are split", async () => {
    target = await startTestReceiver();
    const session = http2Session();
    const whole = grpcFrame(ONE_SPAN);
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.info(`frames split with seed ${seed}`);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (drawn) => {
        const edges = [0, ...drawn.sort((a, b) => a - b), whole.length];
        const chunks = edges.slice(1).map((end, i) => whole.subarray(edges[i], end));
        const before = target.sink.spans.length;
        const answer = await sendChunks(session, chunks);
        expect(answer).toMatchObject({
          body: Buffer.alloc(5),
          trailers: { "grpc-status": "0" },
          resetCode: 0,
        });
        expect(target.sink.spans.length).toBe(before + 1);
      }),
      { seed, numRuns: 40 },
    );
    const bytewise = Array.from(whole, (byte) => Buffer.of(byte));
    expect(await sendChunks(session, bytewise)).toMatchObject({ trailers: { "grpc-status": "0" } });
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it.each([
    ["zstd", zstdCompressSync(ONE_SPAN)],
    ["gzip", gzipSync(ONE_SPAN)],
    ["deflate", deflateSync(ONE_SPAN)],
  ])("may hold %s", async (encoding, message) => {
    target = await startTestReceiver();
    const answer = await sendChunks(http2Session(), [grpcFrame(message, 1)], { "grpc-encoding": encoding });
    expect(answer.trailers["grpc-status"]).toBe("0");
    expect(target.sink.spans.length).toBe(1);
  });

  it("may be uncompressed although an encoding is named", async () => {
    target = await startTestReceiver();
    const answer = await sendChunks(http2Session(), [grpcFrame(ONE_SPAN)], { "grpc-encoding": "gzip" });
    expect(answer.trailers["grpc-status"]).toBe("0");
  });

  const framings: readonly [
    string,
    readonly Uint8Array[],
    Readonly<Record<string, string>>,
    number,
    RegExp,
  ][] = [
    ["nothing at all", [], {}, 3, /ended after 0 bytes/],
    [
      "half a head",
      [grpcFrame(ONE_SPAN).subarray(0, 3)],
      {},
      3,
      /ended after 3 bytes, within the 5-byte head/,
    ],
    ["half a message", [grpcFrame(ONE_SPAN).subarray(0, 20)], {}, 3, /ended after 15 of \d+ bytes/],
    ["two messages", [grpcFrame(ONE_SPAN), grpcFrame(ONE_SPAN)], {}, 3, /follow the message/],
    ["an unknown flag", [grpcFrame(ONE_SPAN, 2)], {}, 3, /compression flag is 2/],
    [
      "a compressed message without encoding",
      [grpcFrame(gzipSync(ONE_SPAN), 1)],
      {},
      3,
      /no grpc-encoding header/,
    ],
    ["bad gzip", [grpcFrame(ONE_SPAN, 1)], { "grpc-encoding": "gzip" }, 3, /not valid gzip/],
    [
      "an unknown encoding",
      [grpcFrame(ONE_SPAN)],
      { "grpc-encoding": "snappy" },
      12,
      /expected one of identity,gzip/,
    ],
  ];
  it.each(framings)("are refused with %s", async (_name, chunks, headers, status, message) => {
    target = await startTestReceiver();
    const answer = await sendChunks(http2Session(), chunks, headers);
    expect(answer.headers).toMatchObject({
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": String(status),
      "grpc-accept-encoding": "identity,gzip,zstd,deflate",
    });
    expect(decodeURIComponent(String(answer.headers["grpc-message"]))).toMatch(message);
    expect(target.sink.commits).toBe(0);
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it.each(["reset", "vanish"])(
    "are given up with what they held when the client leaves by %s",
    async (how) => {
      target = await startTestReceiver();
      const whole = grpcFrame(MANY_SPANS);
      for (const path of [TRACES, "/v1/traces"]) {
        // Over OTLP/HTTP, what came before the reset is a well-formed request in itself: it must not be taken for one.
        const type = path === TRACES ? "application/grpc" : "application/x-protobuf";
        const part = path === TRACES ? whole.subarray(0, 12_000) : ONE_SPAN;
        const { aborted } = target.receiver.stats();
        const { socket } = await openConnection(target.receiver.port);
        socket.write(Buffer.concat([OPENING, postHeaders(1, path, type), frame("data", 0, 1, part)]));
        await eventually(() => target.receiver.stats().bytesInFlight === part.length);
        if (how === "reset") socket.write(reset(1));
        else socket.destroy();
        await eventually(() => target.receiver.stats().aborted === aborted + 1);
        expect(target.receiver.stats()).toMatchObject({ bytesInFlight: 0, refused: {} });
        socket.destroy();
      }
      expect(target.sink.commits).toBe(0);
    },
  );

  it("are cancelled when a stream is not whole in time", async () => {
    target = await startTestReceiver({ limits: { requestTimeoutMs: 50 } });
    const session = http2Session();
    const stream = session.request({
      ":method": "POST",
      ":path": TRACES,
      "content-type": "application/grpc",
    });
    stream.on("error", () => undefined);
    stream.write(grpcFrame(ONE_SPAN).subarray(0, 9));
    await new Promise((resolve) => stream.once("close", resolve));
    expect(stream.rstCode).toBe(8);
    await eventually(() => target.receiver.stats().bytesInFlight === 0);
    expect(target.sink.commits).toBe(0);
  });
});
