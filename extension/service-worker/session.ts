import type { BrowserLog } from "../model/records.ts";
import { msToNs } from "../model/time.ts";
import { randomHex } from "../model/traceparent.ts";

/** A session ends after half an hour in which no page sent anything, and with the browser. */
const IDLE_MS = 30 * 60_000;
const SAVE_MS = 10_000;
const KEY = "session";

interface Stored {
  readonly id: string;
  readonly lastMs: number;
  /** Whether its start was told. */
  readonly told?: boolean;
}

/** An event of a session, which may be the one before. */
export interface SessionEvent {
  readonly record: BrowserLog;
  readonly sessionId: string;
}

/** The user's session, the same for all tabs; outlives the worker. */
export class Session {
  #stored: Stored;
  #savedMs = 0;

  private constructor(stored: Stored) {
    this.#stored = stored;
  }

  static async open(): Promise<Session> {
    const { [KEY]: stored } = (await chrome.storage.session.get(KEY)) as { [KEY]?: Stored };
    return new Session(stored ?? { id: randomHex(16), lastMs: Date.now() });
  }

  /** The session that goes on, since asking keeps it going; with its start, and the end of one that idled away. */
  touch(): { readonly id: string; readonly events: readonly SessionEvent[] } {
    const now = Date.now();
    const before = this.#stored;
    const isOver = before.told === true && now - before.lastMs > IDLE_MS;
    const id = isOver ? randomHex(16) : before.id;
    const events: SessionEvent[] = [];
    if (isOver) events.push(sessionEvent("session.end", before.id, before.lastMs));
    if (isOver || before.told !== true) {
      events.push(sessionEvent("session.start", id, now, isOver ? before.id : undefined));
    }
    this.#stored = { id, lastMs: now, told: true };
    if (events.length > 0 || now - this.#savedMs > SAVE_MS) {
      this.#savedMs = now;
      void chrome.storage.session.set({ [KEY]: this.#stored });
    }
    return { id, events };
  }

  get id(): string {
    return this.#stored.id;
  }
}

/** Names of the conventions: `session.start`, `session.end`, `session.previous_id`. */
function sessionEvent(name: string, sessionId: string, atMs: number, previous?: string): SessionEvent {
  const record: BrowserLog = {
    kind: "log",
    traceId: "",
    spanId: "",
    timeNs: msToNs(atMs),
    severity: 9,
    eventName: name,
    body: name,
    attributes: {
      "session.id": sessionId,
      ...(previous === undefined ? {} : { "session.previous_id": previous }),
    },
  };
  return { record, sessionId };
}
