import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { buildTracesRequest } from "../support/otlp-build.ts";
import { exportPath, grpcFrame, openHttp2 } from "./grpc-client.ts";
import { eventually, openConnection, startTestReceiver, type TestReceiver } from "./harness.ts";

const ONE_SPAN = buildTracesRequest([{ name: "GET /" }]);
const REQUEST_HEAD = `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${ONE_SPAN.length}\r\n\r\n`;

const targets: TestReceiver[] = [];
const holders: Server[] = [];
afterEach(async () => {
  for (const target of targets.splice(0)) await target.stop();
  for (const holder of holders.splice(0)) holder.close();
});

async function start(overrides: Parameters<typeof startTestReceiver>[0] = {}): Promise<TestReceiver> {
  const target = await startTestReceiver(overrides);
  targets.push(target);
  return target;
}

/** Somebody else's server. */
async function hold(host: string, port = 0): Promise<number> {
  const holder = createServer();
  holders.push(holder);
  holder.listen({ host, port, ipv6Only: true });
  await once(holder, "listening");
  const address = holder.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function hasIpv6(): Promise<boolean> {
  return hold("::1").then(
    () => true,
    () => false,
  );
}

/** A port nobody listens on: one that was just given back. */
async function freePort(): Promise<number> {
  const port = await hold("127.0.0.1");
  const holder = holders.pop()!;
  holder.close();
  await once(holder, "close");
  return port;
}

describe("the port", () => {
  it("is the same on 127.0.0.1 and ::1 when any will do", async (context) => {
    if (!(await hasIpv6())) context.skip("this machine has no IPv6 loopback");
    const { receiver } = await start();
    expect(receiver.port).toBeGreaterThan(0);
    expect(receiver.endpoints).toEqual([
      { host: "127.0.0.1", port: receiver.port },
      { host: "::1", port: receiver.port },
    ]);
    for (const host of ["127.0.0.1", "[::1]"]) {
      const answer = await fetch(`http://${host}:${receiver.port}/v1/traces`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body: ONE_SPAN,
      });
      expect(answer.status).toBe(200);
    }
  });

  it("is only where the host says when one is given", async () => {
    const { receiver } = await start({ host: "127.0.0.2" });
    expect(receiver.endpoints).toEqual([{ host: "127.0.0.2", port: receiver.port }]);
  });

  it("that is taken is an error with a remedy", async () => {
    const port = await hold("127.0.0.1");
    const error: unknown = await startTestReceiver({ port }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(GasolineError);
    expect(error).toMatchObject({
      code: "port_taken",
      message: expect.stringMatching(
        new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is already in use\\. .*--port.*GASOLINE_PORT`),
      ),
    });
  });

  it("that is taken on ::1 alone is given up on 127.0.0.1 too, since localhost may be either", async (context) => {
    if (!(await hasIpv6())) context.skip("this machine has no IPv6 loopback");
    const port = await hold("::1");
    await expect(startTestReceiver({ port })).rejects.toMatchObject({ code: "port_taken" });
    await hold("127.0.0.1", port);
  });

  it("cannot be had at an address of another machine, which is said", async () => {
    await expect(startTestReceiver({ host: "192.0.2.1" })).rejects.toMatchObject({
      code: "bad_parameter",
      message: expect.stringMatching(/Cannot listen on 192\.0\.2\.1 .*--host/),
    });
  });
});

describe("aliases", () => {
  it("are taken when they are free, and left alone when they are not", async () => {
    const [free, taken] = [await freePort(), await hold("127.0.0.1")];
    const { receiver, sink } = await start({ aliases: [taken, free] });
    const ports = new Set(receiver.endpoints.map((endpoint) => endpoint.port));
    expect([...ports]).toEqual([receiver.port, free]);
    const { socket, until } = await openConnection(free);
    socket.write(Buffer.concat([Buffer.from(REQUEST_HEAD), ONE_SPAN]));
    await until((received) => received.startsWith("HTTP/1.1 200"));
    expect(sink.spans.length).toBe(1);
    socket.destroy();
  });

  it("may name the port itself", async () => {
    const port = await freePort();
    const { receiver } = await start({ port, aliases: [port] });
    expect(new Set(receiver.endpoints.map((endpoint) => endpoint.port))).toEqual(new Set([port]));
  });
});

describe("close", () => {
  it("frees the port and lets go of silent, idle and half-open connections at once", async () => {
    const { receiver } = await start();
    const silent = await openConnection(receiver.port);
    const idle = await openConnection(receiver.port);
    idle.socket.write(Buffer.concat([Buffer.from(REQUEST_HEAD), ONE_SPAN]));
    await idle.until((received) => received.includes("\r\n\r\n"));
    const session = openHttp2(receiver.port);
    await once(session, "remoteSettings");
    // The grace for requests under way never ends here: nothing may wait for it.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    await receiver.close();
    vi.useRealTimers();
    await Promise.all([silent.closed(), idle.closed()]);
    await eventually(() => receiver.stats().connectionsOpen === 0);
    await hold("127.0.0.1", receiver.port);
  });

  it("lets requests under way end", async () => {
    const { receiver, sink } = await start();
    const http = await openConnection(receiver.port);
    http.socket.write(REQUEST_HEAD);
    http.socket.write(ONE_SPAN.subarray(0, 10));
    const session = openHttp2(receiver.port);
    const stream = session.request({
      ":method": "POST",
      ":path": exportPath("traces"),
      "content-type": "application/grpc",
    });
    const call = grpcFrame(ONE_SPAN);
    stream.resume();
    stream.write(call.subarray(0, 10));
    await eventually(() => receiver.stats().bytesInFlight === 20);
    const closed = receiver.close();
    http.socket.write(ONE_SPAN.subarray(10));
    stream.end(call.subarray(10));
    const [trailers] = await once(stream, "trailers");
    expect(trailers["grpc-status"]).toBe("0");
    expect(await http.closed()).toMatch(/^HTTP\/1\.1 200 /);
    await closed;
    expect(sink.spans.length).toBe(2);
  });

  it("does not wait for a client that never ends its request", async () => {
    const { receiver } = await start();
    const { socket, closed } = await openConnection(receiver.port);
    socket.write(REQUEST_HEAD);
    await eventually(() => receiver.stats().connections === 1);
    await receiver.close();
    expect(await closed()).toBe("");
  });
});
