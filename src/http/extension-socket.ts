import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { RawData, WebSocket, WebSocketServer } from "ws";
import type { Config } from "../config.ts";
import type {
  BrowserCommand,
  CommandValue,
  ExtensionState,
  FromExtension,
  ToExtension,
} from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { type Browser, type BrowserStatus, notPaired, type ValueOf } from "../query/browser-link.ts";
import { VERSION } from "../version.ts";
import { CommandQueue } from "./command-queue.ts";
import {
  CLOSE,
  closeWith,
  openWebSocketServer,
  otherVersion,
  type Refusal,
  refusalOf,
  refuseHandshake,
} from "./extension-handshake.ts";
import { readFrame } from "./extension-messages.ts";
import { extensionGuard } from "./guard.ts";

type SocketConfig = Pick<Config, "apiKey" | "allowHosts" | "host" | "stateDir">;

/** The extension pings every 20 s. */
const SILENCE_MS = 65_000;
const HELLO_MS = 5_000;
/** Commands wait this long for an extension that went: its worker is ended and started again at any time. */
export const RECONNECT_MS = 5_000;

interface Connection {
  readonly socket: WebSocket;
  /** Ends a connection that has been silent for too long. */
  silence: NodeJS.Timeout;
  greeted: boolean;
}

/**
 * The daemon's end of WebSocket `/extension`. One extension at a time: a newer one takes the place of the older, which
 * is told. Nothing is loaded or written before the first connects.
 */
export class ExtensionSocket implements Browser {
  readonly #config: SocketConfig;
  readonly #clock: Clock;
  readonly #maskText: (text: string) => string;
  readonly #guard: ReturnType<typeof extensionGuard>;
  readonly #queue = new CommandQueue(`${randomBytes(4).toString("hex")}-`);
  #server: Promise<WebSocketServer> | undefined;
  #current: Connection | undefined;
  /** Set while the extension that was here may come back. */
  #awaited: NodeJS.Timeout | undefined;
  #known: Omit<BrowserStatus, "connected"> = {};

  /** `maskText` masks secrets in what pages show, like everything that leaves gasoline. */
  constructor(config: SocketConfig, clock: Clock, maskText: (text: string) => string) {
    this.#config = config;
    this.#clock = clock;
    this.#maskText = maskText;
    this.#guard = extensionGuard(config);
  }

  status(): BrowserStatus {
    return { ...this.#known, connected: this.#current !== undefined };
  }

  async run<C extends BrowserCommand>(
    command: C,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<ValueOf<C["name"]>> {
    if (this.#current === undefined && this.#awaited === undefined) throw notPaired(this.status());
    const value = await this.#queue.run(command, timeoutMs, signal);
    // The queue has seen to it that the value's name is the command's.
    return maskValue(value, this.#maskText) as ValueOf<C["name"]>;
  }

  /** Takes any WebSocket upgrade. Who is not our extension gets an HTTP error; our extension, a close that says why. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A reset while `ws` loads is no news.
    socket.on("error", () => undefined);
    const { host, origin } = request.headers;
    const refusal =
      request.url?.split("?", 1)[0] === "/extension"
        ? this.#guard({ host, origin })
        : new GasolineError("unknown_path", "No WebSocket is served at this path.", "It is /extension.");
    if (refusal !== undefined) {
      refuseHandshake(socket, refusal);
      return;
    }
    this.#server ??= openWebSocketServer();
    this.#server
      .then((server) => server.handleUpgrade(request, socket, head, (opened) => this.#admit(opened, request)))
      .catch((error: unknown) => {
        this.#known = { ...this.#known, refused: error instanceof Error ? error.message : String(error) };
        socket.destroy();
      });
  }

  close(): void {
    this.#queue.fail(new GasolineError("browser_failed", "The daemon stops.", ""));
    if (this.#current !== undefined) this.#drop(this.#current, CLOSE.going, "The daemon stops.");
    clearTimeout(this.#awaited);
  }

  #admit(socket: WebSocket, request: IncomingMessage): void {
    // What is wrong with a frame ends the connection; `close` follows.
    socket.on("error", () => undefined);
    const refusal = refusalOf(request, this.#config);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    const silence = setTimeout(() => this.#drop(connection, CLOSE.silent, "No hello within 5 s."), HELLO_MS);
    const connection: Connection = { socket, silence, greeted: false };
    socket.on("message", (data, isBinary) => this.#receive(connection, data, isBinary));
    socket.on("close", () => this.#leave(connection));
  }

  #receive(connection: Connection, data: RawData, isBinary: boolean): void {
    if (connection.greeted && connection !== this.#current) return;
    const read = isBinary ? { problem: "it is binary" } : readFrame(data.toString());
    if ("problem" in read) {
      const { version = 1, problem } = read;
      const unreadable = { code: CLOSE.unreadable, reason: `A frame cannot be read: ${problem}.` };
      this.#refuse(connection.socket, version === 1 ? unreadable : otherVersion(`v${version}`));
      return;
    }
    const { message } = read;
    if (!connection.greeted && message.type !== "hello") {
      const reason = "A frame cannot be read: the first message is a hello.";
      this.#refuse(connection.socket, { code: CLOSE.unreadable, reason });
      return;
    }
    clearTimeout(connection.silence);
    connection.silence = setTimeout(
      () => this.#drop(connection, CLOSE.silent, "Nothing came for 65 s."),
      SILENCE_MS,
    );
    this.#known = { ...this.#known, seenMs: this.#clock.nowMs() };
    this.#answer(connection, message);
  }

  #answer(connection: Connection, message: FromExtension): void {
    switch (message.type) {
      case "hello":
        this.#welcome(connection, message);
        break;
      case "state":
        this.#known = { ...this.#known, state: stateOf(message) };
        break;
      case "ping":
        send(connection.socket, { v: 1, id: message.id, type: "pong" });
        break;
      case "result":
        this.#queue.receive(message.id, message);
    }
  }

  #welcome(connection: Connection, message: Extract<FromExtension, { type: "hello" }>): void {
    if (connection.greeted) return;
    connection.greeted = true;
    if (this.#current !== undefined) {
      this.#drop(this.#current, CLOSE.replaced, "Another extension has connected; there is one at a time.");
    }
    clearTimeout(this.#awaited);
    this.#awaited = undefined;
    this.#current = connection;
    this.#known = { seenMs: this.#clock.nowMs(), state: stateOf(message) };
    send(connection.socket, { v: 1, id: message.id, type: "welcome", version: VERSION });
    this.#queue.attach((command) => send(connection.socket, command), message.in_progress);
  }

  #refuse(socket: WebSocket, refusal: Refusal): void {
    this.#known = { ...this.#known, refused: refusal.reason };
    closeWith(socket, refusal);
  }

  #drop(connection: Connection, code: number, reason: string): void {
    closeWith(connection.socket, { code, reason });
    this.#leave(connection);
  }

  #leave(connection: Connection): void {
    clearTimeout(connection.silence);
    if (connection !== this.#current) return;
    this.#current = undefined;
    this.#queue.detach();
    this.#awaited = setTimeout(() => {
      this.#awaited = undefined;
      this.#queue.fail(notPaired(this.status()));
    }, RECONNECT_MS);
  }
}

function send(socket: WebSocket, message: ToExtension): void {
  socket.send(JSON.stringify(message));
}

/**
 * Every text of a value, masked. Not the image, which has none; and not a recording, which would no longer do what was
 * recorded: it goes into a file of the user's own, and the extension has left out what was typed into secret fields.
 */
function maskValue(value: CommandValue, maskText: (text: string) => string): CommandValue {
  if (value.name === "screenshot" || value.name === "record_stop") return value;
  const walk = (inner: unknown): unknown => {
    if (typeof inner === "string") return maskText(inner);
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, each]) => [key, walk(each)]));
  };
  return walk(value) as CommandValue;
}

function stateOf(message: ExtensionState): ExtensionState {
  const { extension_version, session_id, in_progress, tabs, origins, delivery, problems } = message;
  return { extension_version, session_id, in_progress, tabs, origins, delivery, problems };
}
