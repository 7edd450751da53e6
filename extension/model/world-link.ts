import type { CaptureSettings, OriginReport, RedirectHop, RedirectQuestion } from "./messages.ts";
import type { Attributes, BrowserRecord, SpanReference } from "./records.ts";
import { randomHex } from "./traceparent.ts";

/*
 * The two content scripts of a frame share its DOM and nothing else. They talk by events on `window` whose name is a
 * random one, handed over once, before any script of the page runs:
 *
 *   relay   ── hello {name} ──►  main      (again on `ready`, for whichever of the two starts first)
 *   main    ── ready ─────────►  relay
 *   both    ◄── name + direction ──►       synchronous, so that a click's context stands before the page's handlers
 *
 * What either of them listens to on a known name ends with the handshake; a page that comes later can neither learn
 * the name nor send under it. Main's natives are taken at its start, so that a page cannot put its own in between.
 */

/** Main → relay. */
export type FromMain =
  | { readonly type: "joined" }
  | { readonly type: "records"; readonly records: readonly BrowserRecord[]; readonly dropped: number }
  | { readonly type: "context"; readonly of: "page" | "interaction"; readonly span: SpanReference }
  | { readonly type: "busy"; readonly requestsInFlight: number }
  | { readonly type: "origin"; readonly report: OriginReport }
  | { readonly type: "redirect"; readonly id: number; readonly question: RedirectQuestion };

/** Relay → main. */
export type FromRelay =
  | { readonly type: "settings"; readonly settings: CaptureSettings }
  /** Answers the question of that id. */
  | { readonly type: "redirect"; readonly id: number; readonly hop: RedirectHop | null }
  /** The user acted; the page's own handlers run right after. */
  | {
      readonly type: "action";
      readonly name: string;
      readonly attributes: Attributes;
      /** Whether it goes on with the action before it, as the submit that a click caused. */
      readonly joins: boolean;
    };

export interface WorldLink<In, Out> {
  send(message: Out): void;
  receive(handler: (message: In) => void): void;
}

const HELLO = "gasoline360:hello";
const READY = "gasoline360:ready";

/** The natives that events need, taken before the page can replace them. */
function eventNatives() {
  const { apply } = Reflect;
  const { dispatchEvent, addEventListener, removeEventListener } = EventTarget.prototype;
  const detailOf = Object.getOwnPropertyDescriptor(CustomEvent.prototype, "detail")!.get!;
  const Make = CustomEvent;
  return {
    fire: (name: string, detail?: unknown): void => {
      apply(dispatchEvent, window, [new Make(name, { detail })]);
    },
    on: (name: string, handler: (detail: unknown) => void): (() => void) => {
      const listener = (event: Event): void => {
        apply(Event.prototype.stopImmediatePropagation, event, []);
        handler(apply(detailOf, event, []));
      };
      apply(addEventListener, window, [name, listener, true]);
      return () => apply(removeEventListener, window, [name, listener, true]);
    },
  };
}

/** The relay's end. It makes the name, and lets go of the known ones when main has joined. */
export function openRelayLink(): WorldLink<FromMain, FromRelay> {
  const { fire, on } = eventNatives();
  // Unlike `randomUUID` it is there in pages without a secure context too.
  const name = randomHex(16);
  const sayHello = (): void => fire(HELLO, name);
  const stop = on(READY, sayHello);
  const stopJoined = on(`${name}:relay`, (message) => {
    if ((message as FromMain).type !== "joined") return;
    stop();
    stopJoined();
  });
  sayHello();
  return {
    send: (message) => fire(`${name}:main`, message),
    receive: (handler) => {
      on(`${name}:relay`, (message) => handler(message as FromMain));
    },
  };
}

/** Main's end; `joined` is called once the relay is there, which is before this returns when the relay came first. */
export function openMainLink(joined: (link: WorldLink<FromRelay, FromMain>) => void): void {
  const { fire, on } = eventNatives();
  const stop = on(HELLO, (name) => {
    if (typeof name !== "string") return;
    stop();
    fire(`${name}:relay`, { type: "joined" });
    joined({
      send: (message) => fire(`${name}:relay`, message),
      receive: (handler) => {
        on(`${name}:main`, (message) => handler(message as FromRelay));
      },
    });
  });
  fire(READY);
}
