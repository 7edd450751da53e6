import type { Attributes } from "../model/records.ts";
import { redactBody, redactUrl } from "../model/redact.ts";
import { apply, construct, guarded, listen, NativeURL, nowMs } from "./natives.ts";
import type { Recorder } from "./recorder.ts";

/** Messages told of per connection and second; the rest is counted in the next one told. */
const MESSAGES_PER_SECOND = 20;
const CONTENT_CHARS = 500;

/** Records WebSocket and EventSource connections: opened, messages (sampled under load), errors, closed. */
export function captureSockets(recorder: Recorder): void {
  watch(recorder, "WebSocket", (socket, tell) => {
    sentMessages.set(socket, tell);
    listen(socket, "close", (event) => {
      const { code, wasClean } = event as CloseEvent;
      tell("close", { "websocket.close.code": code, "websocket.close.clean": wasClean });
    });
  });
  watch(recorder, "EventSource", () => undefined);
  captureSends();
}

type Tell = (what: "open" | "message" | "error" | "close", attributes: Attributes, data?: unknown) => void;
const sentMessages = new WeakMap<object, Tell>();

function watch(
  recorder: Recorder,
  name: "WebSocket" | "EventSource",
  more: (socket: WebSocket | EventSource, tell: Tell) => void,
): void {
  // The two constructors take different second arguments; both go through as they come.
  const Native = window[name] as unknown as new (url: string) => WebSocket | EventSource;
  const Watched = new Proxy(Native, {
    construct(target, args: [string], newTarget) {
      const socket = construct(target, args, newTarget) as WebSocket | EventSource;
      guarded(() => {
        const tell = teller(recorder, name, new NativeURL(args[0], document.baseURI).href);
        listen(socket, "open", () => tell("open", {}));
        listen(socket, "message", (event) => {
          tell("message", { "websocket.message.direction": "received" }, (event as MessageEvent).data);
        });
        listen(socket, "error", () => tell("error", {}));
        more(socket, tell);
      })();
      return socket;
    },
  });
  Object.defineProperty(window, name, { value: Watched, writable: true, configurable: true });
}

function captureSends(): void {
  const { prototype } = WebSocket;
  prototype.send = new Proxy(prototype.send, {
    apply(target, self: WebSocket, args: unknown[]) {
      guarded(() =>
        sentMessages.get(self)?.("message", { "websocket.message.direction": "sent" }, args[0]),
      )();
      return apply(target, self, args);
    },
  });
}

/** Tells events of one connection under the names OpenTelemetry's Android agent uses. */
function teller(recorder: Recorder, kind: string, url: string): Tell {
  const full = redactUrl(url);
  let second = 0;
  let told = 0;
  let skipped = 0;
  return (what, attributes, data) => {
    if (what === "message") {
      const now = Math.floor(nowMs() / 1000);
      if (now !== second) told = 0;
      second = now;
      if (told >= MESSAGES_PER_SECOND) {
        skipped++;
        return;
      }
      told++;
    }
    const text = typeof data === "string" ? data : undefined;
    const all: Attributes = { "url.full": full, "gasoline.browser.socket": kind, ...attributes };
    if (data !== undefined) all["websocket.message.size"] = sizeOf(data);
    if (skipped > 0) all["gasoline.browser.messages_skipped"] = skipped;
    skipped = 0;
    recorder.event({
      name: `websocket.${what}`,
      severity: what === "error" ? 17 : 9,
      body: text === undefined ? "" : redactBody(text.slice(0, CONTENT_CHARS)),
      attributes: all,
    });
  };
}

function sizeOf(data: unknown): number {
  if (typeof data === "string") return data.length;
  if (data instanceof Blob) return data.size;
  return data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data.byteLength : 0;
}
