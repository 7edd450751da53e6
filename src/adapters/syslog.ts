import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { GasolineError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { createLineReader, type LineReader } from "./line-reader.ts";
import type { OtlpClient, SendableAttributes } from "./otlp-client.ts";
import { createSyslogFrames } from "./syslog-frames.ts";
import { parseSyslog, type SyslogMessage } from "./syslog-message.ts";

export interface SyslogOptions {
  /** Address to listen at, UDP and TCP. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly client: OtlpClient;
  readonly clock: Clock;
}

/** Receives syslog messages. */
export interface SyslogReceiver {
  readonly port: number;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 256;
/** What the kernel holds of datagrams while we are busy; it may grant less. */
const DATAGRAM_BUFFER_BYTES = 4 * 1024 ** 2;
const NO_ROOM_MS = 5;

/** Throws GasolineError `bad_parameter` when the port cannot be had. */
export async function startSyslog(options: SyslogOptions): Promise<SyslogReceiver> {
  const { host, client, clock } = options;
  const sources = createSyslogSources(client, clock);
  const sockets = new Set<Socket>();
  const take = (text: string, bytes?: number): void => sources.take(parseSyslog(text, clock.nowMs()), bytes);

  const tcp = createServer((socket) => {
    sockets.add(socket);
    const frames = createSyslogFrames(take);
    socket.on("data", (chunk) => {
      frames.push(chunk);
      if (!client.hasRoom()) waitForRoom(socket, client);
    });
    // A sender that goes away in the middle of a message: what came of it still counts.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      frames.end();
      sockets.delete(socket);
    });
  });
  tcp.maxConnections = CONNECTIONS_MAX;
  const udp = createSocket(host.includes(":") ? "udp6" : "udp4");
  udp.on("message", (datagram) => take(datagram.toString("utf8").replace(/[\n\0]+$/, "")));

  const port = await listen(tcp, udp, host, options.port);
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
      sources.end();
    },
  };
}

/** The same port for both, the one TCP got when any will do. */
async function listen(tcp: Server, udp: DatagramSocket, host: string, wanted: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      tcp.once("error", reject);
      tcp.listen(wanted, host, resolve);
    });
    const address = tcp.address();
    const port = typeof address === "object" && address !== null ? address.port : wanted;
    await new Promise<void>((resolve, reject) => {
      udp.once("error", reject);
      udp.bind(port, host, () => {
        udp.setRecvBufferSize(DATAGRAM_BUFFER_BYTES);
        resolve();
      });
    });
    return port;
  } catch (error) {
    tcp.close();
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new GasolineError(
      "bad_parameter",
      `Syslog cannot listen on ${host} port ${wanted}: ${code}.`,
      "Choose a free port above 1023: `gasoline syslog --port 5515`, or `serve --syslog=5515`.",
    );
  }
}

/** TCP can wait: the sender's queue then holds what ours cannot. */
function waitForRoom(socket: Socket, client: OtlpClient): void {
  socket.pause();
  const timer = setInterval(() => {
    if (!client.hasRoom() && !socket.destroyed) return;
    clearInterval(timer);
    socket.resume();
  }, NO_ROOM_MS);
}

/**
 * Anyone may send any name, so that only so many become services of their own at a time; the rest share one. A name
 * that was silent for long makes room, so that a flood of names harms later senders no longer than that.
 */
const SOURCES_MAX = 256;
const SILENT_MS = 60_000;
const OTHERS = "syslog";

interface SyslogSources {
  take(message: SyslogMessage, bytes: number | undefined): void;
  end(): void;
}

interface Sender {
  readonly reader: LineReader;
  heardMs: number;
}

/** One reader for each host and program, so that a stack sent line by line is joined and not mixed with others'. */
function createSyslogSources(client: OtlpClient, clock: Clock): SyslogSources {
  /** By host and program; the one silent the longest first. */
  const senders = new Map<string, Sender>();
  const others = readerFor({ "service.name": OTHERS });

  function readerFor(resource: SendableAttributes): LineReader {
    const source = client.source(resource);
    return createLineReader({ clock, attributes: {}, onRecord: (record) => source.log(record) });
  }

  function readerOf({ host, app }: SyslogMessage): LineReader {
    const key = `${host} ${app}`;
    const nowMs = clock.nowMs();
    const known = senders.get(key);
    if (known !== undefined) {
      known.heardMs = nowMs;
      // Behind the others, which are in the order they were heard in.
      senders.delete(key);
      senders.set(key, known);
      return known.reader;
    }
    if (senders.size >= SOURCES_MAX && !forgetSilent(nowMs)) return others;
    const reader = readerFor({
      "service.name": app || host || OTHERS,
      ...(host === "" ? {} : { "host.name": host }),
    });
    senders.set(key, { reader, heardMs: nowMs });
    return reader;
  }

  /** Makes room for one; false when none was silent for long enough. */
  function forgetSilent(nowMs: number): boolean {
    const [key, { reader, heardMs }] = senders.entries().next().value!;
    if (nowMs - heardMs < SILENT_MS) return false;
    reader.end();
    senders.delete(key);
    return true;
  }

  return {
    take: (message, bytes) => {
      const { time, severity, ids } = message;
      const carrier = { time, severity, ids, attributes: attributesOf(message) };
      readerOf(message).pushLine(message.message, carrier, bytes);
    },
    end: () => {
      for (const { reader } of senders.values()) reader.end();
      others.end();
    },
  };
}

function attributesOf(message: SyslogMessage): SendableAttributes {
  const { facility, host, app, processId, messageId, structured, malformed } = message;
  const { opentelemetry: _ids, ...others } = structured;
  const isNumber = /^\d{1,9}$/.test(processId);
  return {
    ...(facility === "" ? {} : { "gasoline.syslog.facility": facility }),
    ...(host === "" ? {} : { "host.name": host }),
    ...(app === "" ? {} : { "gasoline.syslog.app": app }),
    ...(isNumber ? { "process.pid": Number(processId) } : {}),
    ...(messageId === "" ? {} : { "gasoline.syslog.message_id": messageId }),
    ...(Object.keys(others).length === 0 ? {} : { "gasoline.syslog.structured_data": others }),
    ...(malformed === "" ? {} : { "gasoline.syslog.malformed": malformed }),
  };
}
