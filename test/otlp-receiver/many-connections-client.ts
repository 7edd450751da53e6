import { connect, type Socket } from "node:net";
import { buildTracesRequest } from "../support/otlp-build.ts";

/**
 * Child process of the test of many connections: opens as many as asked to the port given, tells `"open"`, and on
 * any message exports one span over each; then tells how many were answered with 200 and closes them.
 */
const [port, count] = process.argv.slice(2).map(Number) as [number, number];
const CONNECTING_MAX = 256;

const body = buildTracesRequest([{ name: "one of many" }]);
const head =
  "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n" +
  `Content-Length: ${body.length}\r\n\r\n`;
const request = Buffer.concat([Buffer.from(head), body]);

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(socket)).once("error", reject);
  });
}

function isTaken(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("data", (reply) => resolve(reply.toString("latin1").startsWith("HTTP/1.1 200 ")));
    socket.once("close", () => resolve(false));
    socket.write(request);
  });
}

const sockets: Socket[] = [];
let asked = 0;
const lane = async (): Promise<void> => {
  while (asked++ < count) sockets.push(await open());
};
await Promise.all(Array.from({ length: CONNECTING_MAX }, lane));
process.once("message", async () => {
  const taken = await Promise.all(sockets.map(isTaken));
  process.send!({ taken: taken.filter(Boolean).length });
  process.disconnect();
  for (const socket of sockets) socket.destroy();
});
process.send!("open");
