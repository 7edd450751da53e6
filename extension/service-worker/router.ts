import type { ToWorker } from "../model/messages.ts";
import type { Sender, WorkerContext } from "./context.ts";

type Handler = (payload: never, sender: Sender) => unknown;

/**
 * Answers the messages of relays. It listens from the worker's first turn on, since a message may be what started
 * the worker; answers wait until everything is `ready`.
 */
export class Router {
  readonly #handlers = new Map<string, Handler>();

  constructor(ready: () => Promise<unknown>) {
    chrome.runtime.onMessage.addListener((message: { kind: string; payload: never }, from, reply) => {
      const sender = senderOf(from);
      if (sender === undefined) return false;
      ready()
        .then(() => this.#handlers.get(message.kind)?.(message.payload, sender))
        .then(
          (value) => reply({ value: value ?? null }),
          (error: unknown) => reply({ error: String(error) }),
        );
      return true;
    });
  }

  receive: WorkerContext["receive"] = <K extends keyof ToWorker>(
    kind: K,
    handler: (payload: ToWorker[K]["payload"], sender: Sender) => unknown,
  ) => {
    this.#handlers.set(kind, handler as Handler);
  };
}

/** Content scripts of this extension only; undefined for its own pages, which have messages of their own. */
function senderOf({ id, tab, frameId, url }: chrome.runtime.MessageSender): Sender | undefined {
  if (id !== chrome.runtime.id || tab?.id === undefined) return undefined;
  return { tabId: tab.id, frameId: frameId ?? 0, windowId: tab.windowId, url: url ?? "" };
}
