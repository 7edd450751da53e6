import type { BrowserRecord } from "../model/records.ts";
import type { FromMain, WorldLink } from "../model/world-link.ts";

/** Records that wait for the relay: far more than one turn of a page makes. */
const RECORDS_MAX = 20_000;

/**
 * Collects what is recorded within a turn of the page, and hands it to the relay in the next: an event per record
 * would cost more than the record. Full, it drops and counts.
 */
export class Outbox {
  #records: BrowserRecord[] = [];
  #dropped = 0;
  #scheduled = false;
  /** The user paused capture: nothing is taken. */
  paused = false;
  /** The page goes away, so there is no next turn. */
  leaving = false;
  #link: Pick<WorldLink<never, FromMain>, "send"> | undefined;
  readonly #wake: () => void;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    // A task of its own, which a background tab does not slow down as it does timers.
    port1.onmessage = () => this.flush();
    this.#wake = port2.postMessage.bind(port2, 0);
  }

  connect(link: Pick<WorldLink<never, FromMain>, "send">): void {
    this.#link = link;
    this.flush();
  }

  add(record: BrowserRecord): void {
    if (this.paused) return;
    if (this.#records.length >= RECORDS_MAX) {
      this.#dropped++;
      return;
    }
    this.#records[this.#records.length] = record;
    if (this.leaving) this.flush();
    if (this.#scheduled || this.leaving) return;
    this.#scheduled = true;
    this.#wake();
  }

  /** Sends what is not a record, after the records before it. */
  send(message: FromMain): void {
    this.#link?.send(message);
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#link === undefined || this.#records.length + this.#dropped === 0) return;
    const message = { type: "records", records: this.#records, dropped: this.#dropped } as const;
    this.#records = [];
    this.#dropped = 0;
    this.#link.send(message);
  }
}
