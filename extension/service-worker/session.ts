import { randomHex } from "../model/traceparent.ts";

/** A session ends after half an hour in which no page sent anything, and with the browser. */
const IDLE_MS = 30 * 60_000;
const KEY = "session";

interface Stored {
  readonly id: string;
  readonly lastMs: number;
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

  /** Id of the session that goes on; asking keeps it going. */
  touch(): string {
    const now = Date.now();
    const id = now - this.#stored.lastMs > IDLE_MS ? randomHex(16) : this.#stored.id;
    const isNew = id !== this.#stored.id || this.#savedMs === 0;
    this.#stored = { id, lastMs: now };
    if (isNew || now - this.#savedMs > 10_000) {
      this.#savedMs = now;
      void chrome.storage.session.set({ [KEY]: this.#stored });
    }
    return id;
  }

  get id(): string {
    return this.#stored.id;
  }
}
