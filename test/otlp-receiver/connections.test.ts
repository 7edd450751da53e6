import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { buildTracesRequest } from "../support/otlp-build.ts";
import { askHttp1 } from "./clients.ts";
import { exportPath, grpcFrame, openHttp2, sendChunks } from "./grpc-client.ts";
import { eventually, openConnection, startTestReceiver, type TestReceiver } from "./harness.ts";
import { END_STREAM, frame, OPENING, PREFACE, postHeaders } from "./http2-frames.ts";

const KIB = 1024;
const ONE_SPAN = buildTracesRequest([{ name: "GET /" }]);

let target: TestReceiver;
afterEach(() => target.stop());

const open = () => openConnection(target.receiver.port);

function postHead(extra = "", contentLength: number | null = ONE_SPAN.length, path = "/v1/traces"): string {
  const length = contentLength === null ? "" : `Content-Length: ${contentLength}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n${length}${extra}\r\n`;
}

const POST = Buffer.concat([Buffer.from(postHead()), ONE_SPAN]);
const isAnswered = (received: string) => received.includes("\r\n\r\n");

describe("one port", () => {
  it("tells HTTP/2 from HTTP/1.1 when the bytes come one at a time", async () => {
    target = await startTestReceiver();
    const call = [
      postHeaders(1, exportPath("traces"), "application/grpc"),
      frame("data", END_STREAM, 1, grpcFrame(ONE_SPAN)),
    ];
    const conversations = [Buffer.concat([OPENING, ...call]), POST];
    let taken = 0;
    for (const bytes of conversations) {
      const { socket } = await open();
      for (const byte of bytes.subarray(0, 40)) {
        socket.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.write(bytes.subarray(40));
      taken++;
      await eventually(() => target.sink.spans.length === taken);
      socket.destroy();
    }
  });

  it.each(["POST", "PUT", "PATCH", "PROPFIND", "PRI"])(
    "takes %s, which begins like the preface, for HTTP/1.1",
    async (method) => {
      target = await startTestReceiver();
      const { socket, until } = await open();
      socket.write("P");
      socket.write(`${method.slice(1)} /else HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
      // node:http destroys a PRI request; any other is the fallback's.
      if (method === "PRI") await once(socket, "close");
      else expect(await until(isAnswered)).toMatch(/^HTTP\/1.1 404/);
    },
  );

  it("serves HTTP and gRPC side by side on one connection each, many requests long", async () => {
    target = await startTestReceiver();
    const session = openHttp2(target.receiver.port);
    const { socket, until } = await open();
    for (let i = 1; i <= 20; i++) {
      socket.write(POST);
      await sendChunks(session, [grpcFrame(ONE_SPAN)]);
      await until((received) => received.split("HTTP/1.1 200").length === i + 1);
    }
    expect(target.sink.spans.length).toBe(40);
    expect(target.receiver.stats()).toMatchObject({ connections: 2, connectionsOpen: 2 });
    session.destroy();
    socket.destroy();
    await eventually(() => target.receiver.stats().connectionsOpen === 0);
  });

  it("answers pipelined requests in order", async () => {
    target = await startTestReceiver();
    const { socket, until } = await open();
    const bad = Buffer.from(
      "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
    );
    socket.write(Buffer.concat([POST, bad, POST]));
    const received = await until((text) => text.split("HTTP/1.1 ").length === 4);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 415", "HTTP/1.1 200"]);
    socket.destroy();
  });

  it("answers a client that closes its sending side after the request", async () => {
    target = await startTestReceiver();
    const { socket, closed } = await open();
    socket.end(POST);
    expect(await closed()).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(target.sink.spans.length).toBe(1);
  });

  it("reads an absolute request target and ignores a query", async () => {
    target = await startTestReceiver();
    for (const path of ["http://localhost:7890/v1/traces", "/v1/traces?x=1"]) {
      const { socket, until } = await open();
      socket.write(Buffer.concat([Buffer.from(postHead("", ONE_SPAN.length, path)), ONE_SPAN]));
      expect(await until(isAnswered)).toMatch(/^HTTP\/1.1 200/);
      socket.destroy();
    }
  });

  it("gives every other path and its body to the fallback", async () => {
    target = await startTestReceiver({
      fallback: (request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => response.end(`${request.method} ${request.url} ${Buffer.concat(chunks)}`));
      },
    });
    const answer = await askHttp1(target.receiver.port, { path: "/api/observe?what=logs", body: "question" });
    expect(answer.body.toString()).toBe("POST /api/observe?what=logs question");
    const options = await askHttp1(target.receiver.port, {
      method: "OPTIONS",
      path: "/v1/tracesX",
      headers: {},
    });
    expect(options.body.toString()).toBe("OPTIONS /v1/tracesX ");
    const expecting = await open();
    expecting.socket.write(
      "POST /mcp HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    await expecting.until((received) => received.startsWith("HTTP/1.1 100 Continue"));
    expecting.socket.write("hi");
    await expecting.until((received) => received.endsWith("POST /mcp hi"));
    expecting.socket.destroy();
  });

  it("says over HTTP/2 that other paths are HTTP/1.1", async () => {
    target = await startTestReceiver();
    const session = openHttp2(target.receiver.port);
    const stream = session.request({ ":path": "/api/observe" });
    let body = "";
    stream.on("data", (chunk: Buffer) => {
      body += chunk;
    });
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(404);
    await once(stream, "close");
    expect(JSON.parse(body).message).toMatch(/"\/api\/observe" is not served over HTTP\/2.*over HTTP\/1\.1/);
    session.destroy();
  });

  it("turns TLS away and says so once", async () => {
    target = await startTestReceiver();
    for (let i = 0; i < 2; i++) {
      const { socket, closed } = await open();
      socket.write(Buffer.from("16030100c8010000c40303", "hex"));
      await closed();
    }
    expect(target.warnings).toEqual([expect.stringMatching(/TLS.*http:\/\//)]);
    expect(target.receiver.stats().connectionsRefused).toBe(2);
  });
});

describe("connections that say too little", () => {
  it.each([
    ["nothing", ""],
    ["a P", "P"],
    ["most of the preface", PREFACE.subarray(0, 23)],
  ])("are closed after %s", async (_name, bytes) => {
    target = await startTestReceiver({ limits: { silentSocketMs: 30 } });
    const { socket, closed } = await open();
    socket.write(bytes);
    expect(await closed()).toBe("");
    await eventually(() => target.receiver.stats().connectionsOpen === 0);
    expect(target.receiver.stats().connectionsRefused).toBe(1);
  });

  it.each([
    ["the preface alone", PREFACE],
    ["preface and settings", OPENING],
    ["preface and half a frame", Buffer.concat([OPENING, postHeaders(1, "/v1/traces", "x").subarray(0, 20)])],
  ])("are closed after %s", async (_name, bytes) => {
    target = await startTestReceiver({ limits: { silentSocketMs: 30 } });
    const { socket, closed } = await open();
    socket.write(bytes);
    await closed();
    await eventually(() => target.receiver.stats().connectionsOpen === 0);
  });

  it("are not counted against a client that just connects and leaves", async () => {
    target = await startTestReceiver();
    for (const bytes of ["", "P", PREFACE, OPENING]) {
      const { socket } = await open();
      socket.end(bytes);
      await eventually(() => target.receiver.stats().connectionsOpen === 0);
    }
    expect(target.receiver.stats()).toMatchObject({ connections: 4, connectionsRefused: 0 });
  });

  // Node starts these timeouts on the "listening" event, which the HTTP server here is only told of.
  it("get 408 when their headers or body do not come in time", async () => {
    target = await startTestReceiver({ limits: { headersTimeoutMs: 60, requestTimeoutMs: 60 } });
    for (const part of [
      "POST /v1/traces HTTP/1.1\r\nHost:",
      postHead(),
      `${postHead()}${Buffer.from(ONE_SPAN.subarray(0, 9)).toString("latin1")}`,
    ]) {
      const { socket, closed } = await open();
      socket.write(part, "latin1");
      expect(await closed()).toMatch(/^HTTP\/1.1 408 /);
    }
    await eventually(() => target.receiver.stats().bytesInFlight === 0);
    expect(target.sink.commits).toBe(0);
  });

  it("are kept for 75 s between requests by default", async () => {
    target = await startTestReceiver();
    const { socket, until } = await open();
    socket.write(POST);
    expect(await until(isAnswered)).toMatch(/\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75\r\n/);
    socket.destroy();
  });
});

describe("bodies that break off or are too large", () => {
  it.each([
    ["Content-Length", Buffer.concat([Buffer.from(postHead("", 10 * KIB)), ONE_SPAN])],
    [
      "chunks",
      Buffer.concat([
        Buffer.from(postHead("Transfer-Encoding: chunked\r\n", null)),
        Buffer.from(`${ONE_SPAN.length.toString(16)}\r\n`),
        ONE_SPAN,
        Buffer.from("\r\n"),
      ]),
    ],
  ])("keep nothing when the connection ends within %s", async (_name, bytes) => {
    target = await startTestReceiver();
    for (const leave of ["end", "destroy"] as const) {
      const { aborted } = target.receiver.stats();
      const { socket } = await open();
      socket.write(bytes);
      await eventually(() => target.receiver.stats().bytesInFlight === ONE_SPAN.length);
      socket[leave]();
      await eventually(() => target.receiver.stats().aborted === aborted + 1);
    }
    expect(target.sink.commits).toBe(0);
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it("are refused at the headers, before a byte of the body", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 4 * 1024 * KIB } });
    const { socket, until } = await open();
    socket.write(postHead("", 1024 * 1024 * KIB));
    expect(await until((received) => received.endsWith("EXPORT_BATCH_SIZE)."))).toMatch(
      /^HTTP\/1\.1 413 Payload Too Large\r\n[\s\S]*connection: close\r\n/i,
    );
    socket.destroy();
  });

  it("are refused to a client that reads only when all is sent", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 4 * 1024 * KIB } });
    const { socket, closed } = await open();
    socket.pause();
    socket.write(postHead("", 1024 * 1024 * KIB));
    // To close at once would reset the connection under the client's writes, and lose the reply.
    for (let i = 0; i < 4; i++) {
      await new Promise<void>((resolve, reject) => {
        socket.write(Buffer.alloc(1024 * KIB), (error) => (error ? reject(error) : resolve()));
      });
    }
    socket.write(Buffer.alloc(1024 * KIB));
    socket.resume();
    expect(await closed()).toMatch(/^HTTP\/1\.1 413 [\s\S]*EXPORT_BATCH_SIZE\)\.$/);
  });

  it("are stopped over HTTP/2 when the client sends on after the refusal", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 64 * KIB } });
    for (const type of ["application/x-protobuf", "application/grpc"]) {
      const session = openHttp2(target.receiver.port);
      const path = type === "application/grpc" ? exportPath("traces") : "/v1/traces";
      const stream = session.request({ ":method": "POST", ":path": path, "content-type": type });
      const endless = (): unknown =>
        stream.closed || stream.write(Buffer.alloc(128 * KIB, 1), () => setImmediate(endless));
      endless();
      stream.resume();
      const [headers] = await once(stream, "response");
      expect(headers[type === "application/grpc" ? "grpc-status" : ":status"]).toEqual(
        type === "application/grpc" ? "8" : 413,
      );
      await once(stream, "close");
      expect(stream.rstCode).toBe(0);
      session.destroy();
    }
  });

  it("are refused once chunks pass the limit, and the client reads the refusal", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 256 * KIB } });
    const { socket, closed } = await open();
    socket.write(postHead("Transfer-Encoding: chunked\r\n", null));
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(64 * KIB), Buffer.from("\r\n")]);
    for (let i = 0; i < 16; i++) socket.write(chunk);
    expect(await closed()).toMatch(/^HTTP\/1\.1 413 [\s\S]*more than 262144 bytes/);
    expect(target.receiver.stats().bytesInFlight).toBe(0);
  });

  it("leave the connection usable when what is left is small", async () => {
    target = await startTestReceiver({ limits: { bodyBytesMax: 512 } });
    const { socket, until } = await open();
    socket.write(Buffer.concat([Buffer.from(postHead("", 600)), Buffer.alloc(600), POST]));
    const received = await until((text) => text.split("HTTP/1.1 ").length === 3);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 200"]);
    socket.destroy();
  });

  it("are waited for with 100 Continue, unless they are refused", async () => {
    target = await startTestReceiver();
    const { socket, until } = await open();
    socket.write(postHead("Expect: 100-continue\r\n"));
    await until((received) => received === "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write(ONE_SPAN);
    await until((received) => received.includes("HTTP/1.1 200 OK"));
    socket.destroy();

    const refused = await open();
    refused.socket.write(postHead("Expect: 100-continue\r\n", 1024 * 1024 * KIB));
    const received = await refused.until((text) => text.includes("EXPORT_BATCH_SIZE"));
    expect(received).toMatch(/^HTTP\/1\.1 413 /);
    refused.socket.destroy();
  });
});

it("waits for 100 Continue over HTTP/2 as well", async () => {
  target = await startTestReceiver();
  const session = openHttp2(target.receiver.port);
  const stream = session.request({
    ":method": "POST",
    ":path": "/v1/traces",
    "content-type": "application/x-protobuf",
    expect: "100-continue",
  });
  await once(stream, "continue");
  stream.end(ONE_SPAN);
  const [headers] = await once(stream, "response");
  expect(headers[":status"]).toBe(200);
  expect(target.sink.spans.length).toBe(1);
  session.destroy();
});

describe("upgrades", () => {
  const websocket = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

  it.each(["h2c", "websocket, h2c", "h2c, websocket"])(
    "do not swallow an export that offers %s",
    async (protocols) => {
      target = await startTestReceiver({ upgrade: (_request, socket) => socket.destroy() });
      const { socket, until } = await open();
      const offer = `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocols}\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n`;
      socket.write(Buffer.concat([Buffer.from(postHead(offer)), ONE_SPAN]));
      expect(await until(isAnswered)).toMatch(/^HTTP\/1\.1 200 OK/);
      expect(target.sink.spans.length).toBe(1);
      socket.destroy();
    },
  );

  it.each(["websocket", "WebSocket", "h2c, websocket"])(
    "to %s are handed on with their first bytes",
    async (protocols) => {
      target = await startTestReceiver({
        upgrade: (request, socket, head) =>
          socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${request.url} ${head}`),
      });
      const { socket, closed } = await open();
      socket.write(
        `GET /extension HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocols}\r\n${websocket}\r\nfirst`,
      );
      expect(await closed()).toBe("HTTP/1.1 101 Switching Protocols\r\n\r\n/extension first");
    },
  );

  it("to a WebSocket are refused when nobody takes them", async () => {
    target = await startTestReceiver();
    const { socket, closed } = await open();
    socket.write(
      `GET /extension HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${websocket}\r\n`,
    );
    expect(await closed()).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[\s\S]*not served at this address\.\n$/);
  });

  it("on an OTLP path are answered as plain requests", async () => {
    target = await startTestReceiver({ upgrade: (_request, socket) => socket.destroy() });
    const { socket, until } = await open();
    socket.write(
      `GET /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${websocket}\r\n`,
    );
    expect(await until(isAnswered)).toMatch(/^HTTP\/1\.1 405 /);
    socket.destroy();
  });
});
