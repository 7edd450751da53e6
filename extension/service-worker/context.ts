import type { ExtensionState, OriginLink } from "../../src/model/browser.ts";
import type { PageError, ToPage, ToWorker } from "../model/messages.ts";
import type { BrowserRecord } from "../model/records.ts";
import type { ExtensionConfig } from "./config.ts";

/** Which frame of which tab a message came from. */
export interface Sender {
  readonly tabId: number;
  readonly frameId: number;
  readonly windowId: number;
  readonly url: string;
}

/** What the worker lends to commands, screenshots and the popup. */
export interface WorkerContext {
  readonly config: ExtensionConfig;
  /** Answers messages of relays; one handler a kind. */
  receive<K extends keyof ToWorker>(
    kind: K,
    handler: (
      payload: ToWorker[K]["payload"],
      sender: Sender,
    ) => ToWorker[K]["reply"] | Promise<ToWorker[K]["reply"]>,
  ): void;
  /** Asks the relay of a frame, the top one unless told otherwise. Rejects when the extension is not on that page. */
  sendToTab<K extends keyof ToPage>(
    tabId: number,
    kind: K,
    payload: ToPage[K]["payload"],
    frameId?: number,
  ): Promise<ToPage[K]["reply"]>;
  /** Queues a record of the worker's own, such as a screenshot. */
  emit(record: BrowserRecord, url: string): void;
  /** Hears of uncaught errors in pages. */
  onError(listener: (error: PageError, sender: Sender) => void): void;
  tabs(): Promise<ExtensionState["tabs"]>;
  sessionId(): string;
  delivery(): ExtensionState["delivery"];
  origins(): readonly OriginLink[];
  /** The last problems, newest first, at most 5. */
  problems(): readonly string[];
  /** Remembers a problem for popup and daemon. */
  report(problem: string): void;
  /** Called whenever one of the above changed. */
  onChange(listener: () => void): void;
}
