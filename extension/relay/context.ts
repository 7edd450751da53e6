import type { ToPage, ToWorker } from "../model/messages.ts";
import type { BrowserRecord } from "../model/records.ts";

/** What the relay of a frame lends to the hands: the way to the worker, and what the page does. */
export interface RelayContext {
  /** Rejects when the worker cannot be reached (the extension was reloaded). */
  send<K extends keyof ToWorker>(kind: K, payload: ToWorker[K]["payload"]): Promise<ToWorker[K]["reply"]>;
  /** Answers messages of the worker; one handler a kind, the last one given. What it throws rejects at the sender. */
  receive<K extends keyof ToPage>(
    kind: K,
    handler: (payload: ToPage[K]["payload"]) => ToPage[K]["reply"] | Promise<ToPage[K]["reply"]>,
  ): void;
  /**
   * Hears every record of this page as it happens: console lines (event `browser.console`), errors (`exception`),
   * ended requests (client spans), user actions. Returns the way to stop.
   */
  tap(listener: (record: BrowserRecord) => void): () => void;
  /** Sends a record of the hands' own along with the page's. */
  emit(record: BrowserRecord): void;
  /** Trace of the current interaction, or of the page load; `""` before the page's world has reported. */
  traceId(): string;
  /** The span that belongs to it. */
  spanId(): string;
  quiet(): QuietState;
}

/** How busy the page is. Times are of `performance.now()`. */
export interface QuietState {
  readonly requestsInFlight: number;
  /** -Infinity as long as nothing changed. */
  readonly lastDomChangeMs: number;
  readonly lastRequestEndMs: number;
}
