import type { ToWorker } from "../model/messages.ts";
import type { BrowserRecord } from "../model/records.ts";
import type { RelayContext } from "./context.ts";

/** Records wait this long for company. */
const WAIT_MS = 100;
/** So many go at once, or none at all when the worker cannot be reached. */
const BATCH_MAX = 500;

type Handler = (payload: never) => unknown;

/** The way to the service worker and back. Messages of the extension's runtime cannot be forged by a page. */
export class WorkerLink {
  readonly #handlers = new Map<string, Handler>();
  #records: BrowserRecord[] = [];
  #dropped = 0;
  #isLeaving = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    addEventListener("pagehide", () => (this.#isLeaving = true), true);
    addEventListener("pageshow", () => (this.#isLeaving = false), true);
    chrome.runtime.onMessage.addListener((message: { kind: string; payload: never }, _sender, reply) => {
      const handler = this.#handlers.get(message.kind);
      if (handler === undefined) return false;
      Promise.resolve()
        .then(() => handler(message.payload))
        .then(
          (value) => reply({ value }),
          (error: unknown) => reply({ error: String(error) }),
        );
      return true;
    });
  }

  receive: RelayContext["receive"] = (kind, handler) => {
    this.#handlers.set(kind, handler as Handler);
  };

  async send<K extends keyof ToWorker>(
    kind: K,
    payload: ToWorker[K]["payload"],
  ): Promise<ToWorker[K]["reply"]> {
    const answer = (await chrome.runtime.sendMessage({ kind, payload })) as Answer<ToWorker[K]["reply"]>;
    if (answer?.error !== undefined) throw new Error(answer.error);
    return answer?.value as ToWorker[K]["reply"];
  }

  /** Sends what needs no answer; one that does not arrive is of no use later. */
  tell<K extends keyof ToWorker>(kind: K, payload: ToWorker[K]["payload"]): void {
    this.send(kind, payload).catch(() => undefined);
  }

  add(record: BrowserRecord): void {
    this.#records.push(record);
    if (this.#records.length >= BATCH_MAX) this.flush();
    // A page on its way out has no later; what it tells in one go still goes together.
    else if (this.#isLeaving || document.visibilityState === "hidden") queueMicrotask(() => this.flush());
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS);
  }

  /** Counts what the page's world dropped, so that the worker learns of it with the next records. */
  addDropped(count: number): void {
    this.#dropped += count;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#records.length + this.#dropped === 0) return;
    const records = this.#records;
    const dropped = this.#dropped;
    this.#records = [];
    this.#dropped = 0;
    this.send("records", { records, dropped }).catch(() => {
      this.#dropped += dropped + records.length;
    });
  }
}

type Answer<T> = { readonly value?: T; readonly error?: string } | undefined;
