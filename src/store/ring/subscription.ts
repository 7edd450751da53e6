import { STREAMS } from "../../model/stream.ts";
import type { RecordFilter, StoredRecord, Subscription } from "../telemetry-store.ts";
import { ArrivalCursor } from "./arrival-cursor.ts";
import { readPlace, type Source } from "./query.ts";
import { Selector } from "./select.ts";
import { ROW_COST, Turns } from "./turns.ts";

const EVERY_RING = STREAMS.map((_, number) => number);

interface Queued {
  readonly timeNs: number;
  readonly ring: number;
  readonly sequence: number;
}

/**
 * Everyone who listens. A commit only notes that there is something new; matching follows in turns of its own, so
 * that listeners never slow ingest down. What is queued is places, not records: a record that is evicted before
 * its reader comes for it is dropped, like one that found the queue full.
 */
export class Subscribers {
  /** Records dropped for all subscriptions, closed ones too. */
  dropped = 0;
  readonly #source: Source;
  readonly #open = new Set<LiveSubscription>();
  #isScheduled = false;

  constructor(source: Source) {
    this.#source = source;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Records that arrive from now on and pass `filter`, in order of arrival; the oldest make way in a full queue. */
  subscribe(filter: RecordFilter, queueMax: number): Subscription {
    const subscription = new LiveSubscription(this.#source, filter, queueMax, {
      dropped: (count) => {
        this.dropped += count;
      },
      closed: () => this.#open.delete(subscription),
    });
    this.#open.add(subscription);
    return subscription;
  }

  /** To be called after a commit. */
  notify(): void {
    if (this.#open.size === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      let isBehind = false;
      for (const subscription of this.#open) isBehind = subscription.advance() || isBehind;
      if (isBehind) this.notify();
    });
  }

  close(): void {
    for (const subscription of [...this.#open]) subscription.close();
  }
}

interface Listener {
  dropped(count: number): void;
  closed(): void;
}

class LiveSubscription implements Subscription {
  dropped = 0;
  readonly #source: Source;
  readonly #selector: Selector;
  readonly #queueMax: number;
  readonly #listener: Listener;
  readonly #cursor: ArrivalCursor;
  readonly #queue: Queued[] = [];
  #isClosed = false;
  #wake: (() => void) | undefined;

  constructor(source: Source, filter: RecordFilter, queueMax: number, listener: Listener) {
    this.#source = source;
    this.#selector = new Selector(source.rings, source.reader, source.masker, filter);
    this.#queueMax = Math.max(1, queueMax);
    this.#listener = listener;
    const rings = this.#selector.rings.filter((number) => EVERY_RING.includes(number));
    this.#cursor = new ArrivalCursor(source.rings, rings, false);
  }

  /** Queues what has arrived, a turn's work at most; true when more is waiting. */
  advance(): boolean {
    const turns = new Turns(this.#selector.rowCost);
    this.#selector.begin();
    while (this.#cursor.next()) {
      const { ring, slot } = this.#cursor;
      if (this.#selector.matches(ring, slot))
        this.#enqueue({ timeNs: 0, ...this.#source.reader.origin(ring, slot) });
      if (turns.spend()) {
        this.#countMissed();
        return true;
      }
    }
    this.#countMissed();
    return false;
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#listener.closed();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StoredRecord> {
    const turns = new Turns(ROW_COST.decoded);
    try {
      while (!this.#isClosed) {
        const queued = this.#queue.shift();
        if (queued === undefined) {
          await this.#arrival();
          continue;
        }
        const record = readPlace(this.#source, queued);
        if (record === undefined) this.#drop(1);
        else yield record;
        if (turns.spend()) await turns.next();
      }
    } finally {
      this.close();
    }
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #enqueue(queued: Queued): void {
    if (this.#queue.length === this.#queueMax) {
      this.#queue.shift();
      this.#drop(1);
    }
    this.#queue.push(queued);
    this.#wake?.();
  }

  /** Records evicted before they were looked at might have matched, so they count. */
  #countMissed(): void {
    if (this.#cursor.missed > 0) this.#drop(this.#cursor.missed);
    this.#cursor.missed = 0;
  }

  #drop(count: number): void {
    this.dropped += count;
    this.#listener.dropped(count);
  }
}
