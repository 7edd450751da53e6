import type { ExtensionState, FromExtension, ToExtension } from "../../src/http/api-types.ts";
import type { ExtensionConfig } from "./config.ts";

const PING_EVERY_MS = 20_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;
/** The worker is ended while it waits; an alarm starts it again. Chrome allows no shorter period. */
const ALARM = "gasoline.reconnect";
const ALARM_MINUTES = 0.5;
/** Results that wait for a connection; what comes beyond was given up by the daemon long ago. */
const RESULTS_MAX = 100;
/** At most one `state` in this time, whatever changes. */
const STATE_EVERY_MS = 500;
/** Close codes that stay until the user acts (model/browser.ts): wrong token, wrong key, other version. */
const LASTING: ReadonlySet<number> = new Set([4401, 4403, 4426]);

/** Whether the daemon can give commands, and if not, why and what helps. */
export type SocketStatus =
  | { readonly state: "connected"; readonly daemonVersion: string }
  | { readonly state: "connecting" }
  | { readonly state: "away"; readonly reason: string };

export type CommandMessage = Extract<ToExtension, { readonly type: "command" }>;
export type CommandOutcome =
  | Omit<Extract<FromExtension, { readonly type: "result"; readonly ok: true }>, "v" | "id" | "type">
  | Omit<Extract<FromExtension, { readonly type: "result"; readonly ok: false }>, "v" | "id" | "type">;

export interface SocketOptions {
  readonly config: ExtensionConfig;
  /** What to say of the extension; `in_progress` is added here. */
  readonly state: () => Promise<Omit<ExtensionState, "in_progress">>;
  /** Carries out a command; the signal ends it. Never rejects. */
  readonly run: (command: CommandMessage, signal: AbortSignal) => Promise<CommandOutcome>;
  readonly onStatus: (status: SocketStatus) => void;
}

/**
 * The extension's end of WebSocket `/extension`: says hello, keeps the worker alive by a ping every 20 s, and gives one
 * result per command, also over a later connection. Reconnects after 0.5 s, then twice as long up to 30 s, and at once
 * on `poke`.
 */
export class CommandSocket {
  readonly #options: SocketOptions;
  readonly #running = new Map<string, AbortController>();
  /** Results that no connection has taken yet. */
  readonly #results = new Map<string, CommandOutcome>();
  #socket: WebSocket | undefined;
  #status: SocketStatus = { state: "connecting" };
  #retryMs = RETRY_MS_MIN;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stateTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Connects, and stays so. Call once, when the worker starts. */
  start(): void {
    chrome.alarms.onAlarm.addListener(({ name }) => {
      if (name === ALARM) this.poke();
    });
    void chrome.alarms.create(ALARM, { periodInMinutes: ALARM_MINUTES });
    this.#connect();
  }

  get status(): SocketStatus {
    return this.#status;
  }

  /** Something happened that makes another attempt worth while, unless one is under way. */
  poke(): void {
    if (this.#socket === undefined) this.#connect();
  }

  /** The extension's state changed: the daemon learns of it within half a second. */
  changed(): void {
    this.#stateTimer ??= setTimeout(() => {
      this.#stateTimer = undefined;
      if (this.#status.state === "connected") void this.#sendState("state");
    }, STATE_EVERY_MS);
  }

  #connect(): void {
    clearTimeout(this.#retry);
    const { endpoint, token, key } = this.#options.config;
    const protocols = ["gasoline.v1", `token.${token}`, ...(key === "" ? [] : [`key.${base64url(key)}`])];
    const socket = new WebSocket(`${endpoint.replace(/^http/, "ws")}/extension`, protocols);
    this.#socket = socket;
    let ping: ReturnType<typeof setInterval> | undefined;
    socket.onopen = () => {
      void this.#sendState("hello");
      ping = setInterval(() => this.#send({ v: 1, id: crypto.randomUUID(), type: "ping" }), PING_EVERY_MS);
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.#receive(data);
    };
    // `close` follows every error, and says more.
    socket.onclose = ({ code, reason }) => {
      clearInterval(ping);
      this.#socket = undefined;
      void this.#away(code, reason);
    };
  }

  async #away(code: number, reason: string): Promise<void> {
    const delayMs = LASTING.has(code) ? RETRY_MS_MAX : this.#retryMs;
    this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
    this.#retry = setTimeout(() => this.poke(), delayMs);
    const why = reason === "" ? await whyNot(this.#options.config) : reason;
    if (this.#socket === undefined) this.#tell({ state: "away", reason: why });
  }

  #receive(data: string): void {
    const message = JSON.parse(data) as ToExtension;
    if (message.type === "welcome") {
      this.#retryMs = RETRY_MS_MIN;
      this.#tell({ state: "connected", daemonVersion: message.version });
    } else if (message.type === "command") void this.#work(message);
    else if (message.type === "cancel") this.#running.get(message.id)?.abort();
  }

  async #work(message: CommandMessage): Promise<void> {
    const { id, timeout_ms } = message;
    if (this.#running.has(id)) return;
    const stop = new AbortController();
    this.#running.set(id, stop);
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(timeout_ms)]);
    const outcome = await this.#options.run(message, signal);
    this.#running.delete(id);
    // A daemon that cancels has given its answer already.
    if (stop.signal.aborted) return;
    this.#results.set(id, outcome);
    for (const [oldest] of this.#results) {
      if (this.#results.size <= RESULTS_MAX) break;
      this.#results.delete(oldest);
    }
    if (this.#status.state === "connected") this.#sendResults();
  }

  #sendResults(): void {
    for (const [id, outcome] of this.#results) {
      if (this.#send({ v: 1, id, type: "result", ...outcome })) this.#results.delete(id);
    }
  }

  async #sendState(type: "hello" | "state"): Promise<void> {
    const state = await this.#options.state();
    this.#send({ v: 1, id: crypto.randomUUID(), type, ...state, in_progress: [...this.#running.keys()] });
    if (type === "hello") this.#sendResults();
  }

  #send(message: FromExtension): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #tell(status: SocketStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}

/** A WebSocket that fails does not say why; whether the daemon's health answers tells most of it. */
async function whyNot({ endpoint, key }: ExtensionConfig): Promise<string> {
  try {
    const headers: HeadersInit = key === "" ? {} : { "x-api-key": key };
    const response = await fetch(`${endpoint}/healthz`, { headers });
    const health = (await response.json()) as { readonly service?: unknown; readonly version?: unknown };
    return health.service === "gasoline"
      ? `The daemon ${String(health.version)} at ${endpoint} refused the connection. Run \`gasoline extension\`, then reload the extension.`
      : `Something else than gasoline answers at ${endpoint}. Set the endpoint in config.json.`;
  } catch {
    return `No daemon answers at ${endpoint}. Start one with \`gasoline\`.`;
  }
}

function base64url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
