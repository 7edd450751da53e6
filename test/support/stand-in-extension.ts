import WebSocket from "ws";
import type {
  BrowserCommand,
  CommandValue,
  ExtensionState,
  FromExtension,
  StepEffect,
  ToExtension,
} from "../../src/model/browser.ts";
import { OWN_EXTENSION_ORIGIN } from "../../src/model/origin.ts";

/** What a command is answered with: a value, the extension's own error, or nothing (it is kept). */
export type Answer = (
  command: BrowserCommand,
) => CommandValue | { readonly error: { code: string; message: string; remedy: string } } | undefined;

export interface Dial {
  readonly token?: string;
  readonly key?: string;
  readonly protocol?: string;
  readonly origin?: string | undefined;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly answer?: Answer;
  readonly inProgress?: readonly string[];
  readonly state?: Partial<ExtensionState>;
}

export const EFFECT: StepEffect = {
  duration_ms: 12.4,
  url: "http://localhost:3000/cart",
  console: [],
  requests: [],
  errors: [],
  dom: "",
};

/** What the stand-in says of itself. */
export const STATE: ExtensionState = {
  extension_version: "0.1.0",
  session_id: "session-1",
  in_progress: [],
  tabs: [{ id: 7, url: "http://localhost:3000/cart", title: "Cart", active: true, captured: true }],
  origins: [],
  delivery: { sent: 10, queued: 0, dropped: 0 },
  problems: [],
};

/**
 * A stand-in for the browser extension: the real wire (a WebSocket client with the extension's origin, subprotocols
 * and messages), and commands answered by a function instead of a page.
 */
export class StandInExtension {
  readonly socket: WebSocket;
  readonly received: ToExtension[] = [];
  readonly #waiting: { readonly match: (message: ToExtension) => boolean; readonly done: () => void }[] = [];

  /** Opens the socket; `hello` is sent by `connect`. */
  constructor(url: string, dial: Dial = {}) {
    const protocols = [dial.protocol ?? "gasoline.v1", `token.${dial.token ?? ""}`];
    if (dial.key !== undefined) protocols.push(`key.${Buffer.from(dial.key).toString("base64url")}`);
    const origin = "origin" in dial ? dial.origin : OWN_EXTENSION_ORIGIN;
    this.socket = new WebSocket(`${url.replace(/^http/, "ws")}${dial.path ?? "/extension"}`, protocols, {
      ...(origin === undefined ? {} : { origin }),
      ...(dial.headers === undefined ? {} : { headers: dial.headers }),
      perMessageDeflate: false,
    });
    // A refusal is seen as `unexpected-response` or as a close.
    this.socket.on("error", () => undefined);
    this.socket.on("message", (data) => this.#receive(JSON.parse(String(data)) as ToExtension, dial.answer));
  }

  /** Connects, greets and waits for the welcome. */
  static async connect(url: string, dial: Dial): Promise<StandInExtension> {
    const extension = new StandInExtension(url, dial);
    await new Promise<void>((resolve, reject) => {
      extension.socket.once("open", resolve);
      extension.socket.once("error", reject);
    });
    extension.send({
      v: 1,
      id: "hello",
      type: "hello",
      ...STATE,
      ...dial.state,
      in_progress: dial.inProgress ?? [],
    });
    await extension.next((message) => message.type === "welcome");
    return extension;
  }

  send(message: FromExtension): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Sends a result, as `answer` would. */
  result(id: string, value: CommandValue): void {
    this.send({ v: 1, id, type: "result", ok: true, value });
  }

  /** The first message that matches, of those received already or later. */
  async next(match: (message: ToExtension) => boolean): Promise<ToExtension> {
    const found = this.received.find(match);
    if (found !== undefined) return found;
    await new Promise<void>((done) => this.#waiting.push({ match, done }));
    return this.received.find(match)!;
  }

  /** Ends the connection and waits until it is gone. */
  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = this.closed();
    this.socket.close();
    await closed;
  }

  /** How the daemon ended the connection. */
  closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return new Promise((resolve) =>
      this.socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  #receive(message: ToExtension, answer: Answer | undefined): void {
    this.received.push(message);
    for (const { match, done } of this.#waiting) if (match(message)) done();
    if (message.type !== "command") return;
    const reply = answer?.(message.command);
    if (reply === undefined) return;
    if ("error" in reply) this.send({ v: 1, id: message.id, type: "result", ok: false, error: reply.error });
    else this.result(message.id, reply);
  }
}
