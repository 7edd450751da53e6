/** How one attempt to deliver a batch ended. */
export type SendOutcome =
  /** Taken, but for `rejected` items that will never be, for `reason`. */
  | { readonly kind: "delivered"; readonly rejected: number; readonly reason: string }
  /** Answered, and the same again would be: the batch is lost. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Answered that it has too much to do now; `waitMs`: for how long. */
  | { readonly kind: "busy"; readonly waitMs?: number }
  /** No answer: the daemon is looked for again. */
  | { readonly kind: "away" };

/** A bounded queue whose items go out in batches, one batch on its way at a time. */
export interface SendQueue<T> {
  /** Never blocks. When the queue is full its oldest items make room and are counted as dropped. */
  push(item: T, bytes: number): void;
  /** False while more than half of the bound waits: a source that can wait (a file) should. */
  hasRoom(): boolean;
  stats(): QueueStats;
  /** Resolves true when nothing waits or is on its way, false when there is no daemon or `capMs` passed first. */
  flush(capMs: number): Promise<boolean>;
  /** Stops sending; what waits is counted as dropped. */
  close(): void;
}

interface QueueStats {
  readonly sent: number;
  readonly waiting: number;
  readonly dropped: number;
  /** Why the last one was dropped; `""` when none was. */
  readonly droppedReason: string;
}

export interface SendQueueOptions<T> {
  /** What may wait, in bytes as given to `push`. One item is kept whatever its size. */
  readonly bytesMax: number;
  /** Base URL of the daemon; `undefined` when there is none now. */
  readonly endpoint: () => Promise<string | undefined>;
  /** Deliverer of batches there. */
  readonly connect: (url: string) => Connection<T>;
}

/** Where batches go. */
export interface Connection<T> {
  /** One attempt to deliver a batch. Never rejects. */
  send(items: readonly T[]): Promise<SendOutcome>;
  close(): void;
}

const BATCH_MAX = 2_000;
/** A request stays far below what a receiver takes (64 MiB), whatever its records hold. */
const BATCH_BYTES_MAX = 4 * 1024 ** 2;
/** After a small batch the next leaves soon; the first after a pause leaves at once. */
const QUIET_MS = 1;
/** After a batch larger than this the next waits longer: requests cost more than their items. */
const BUSY_ITEMS = 50;
const BUSY_MS = 50;
/** Between two looks for a daemon that is away. */
const AWAY_MS = 500;
/** Before a busy daemon that does not say for how long is asked again: doubled each time, up to a bound. */
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
const NOT_TAKEN = "no daemon took them in time";

export function createSendQueue<T>(options: SendQueueOptions<T>): SendQueue<T> {
  // Items [head …) of `items` wait, oldest first; `bytes` runs beside them.
  let items: T[] = [];
  let sizes: number[] = [];
  let head = 0;
  let waitingBytes = 0;
  let onItsWay = 0;
  let sent = 0;
  let dropped = 0;
  let droppedReason = "";
  let connection: Connection<T> | undefined;
  let backoffMs = BACKOFF_FIRST_MS;
  let timer: NodeJS.Timeout | undefined;
  let atOnce: NodeJS.Immediate | undefined;
  let busy = false;
  let closed = false;
  let flushes: ((done: boolean) => void)[] = [];

  function push(item: T, bytes: number): void {
    if (closed) {
      drop(1, "the client was closed");
      return;
    }
    items.push(item);
    sizes.push(bytes);
    waitingBytes += bytes;
    while (waitingBytes > options.bytesMax && items.length - head > 1) {
      take(1);
      drop(1, NOT_TAKEN);
    }
    if (!busy && timer === undefined && atOnce === undefined) schedule(0);
  }

  function take(count: number): { items: T[]; bytes: number[] } {
    const last = Math.min(items.length, head + count);
    let end = head + 1;
    let batchBytes = sizes[head]!;
    while (end < last && batchBytes + sizes[end]! <= BATCH_BYTES_MAX) batchBytes += sizes[end++]!;
    const taken = { items: items.slice(head, end), bytes: sizes.slice(head, end) };
    for (const bytes of taken.bytes) waitingBytes -= bytes;
    head = end;
    // Compacted by halves, so that each item moves once on average.
    if (head > items.length / 2) {
      items = items.slice(head);
      sizes = sizes.slice(head);
      head = 0;
    }
    return taken;
  }

  function putBack(batch: { items: T[]; bytes: number[] }): void {
    items = [...batch.items, ...items.slice(head)];
    sizes = [...batch.bytes, ...sizes.slice(head)];
    head = 0;
    for (const bytes of batch.bytes) waitingBytes += bytes;
  }

  function drop(count: number, reason: string): void {
    dropped += count;
    droppedReason = reason;
  }

  /**
   * With 0 ms it is when what arrives in this turn is in. The timer holds no process open: who wants the rest sent
   * flushes. (An immediate without a hold would wait for whatever else wakes the loop.)
   */
  function schedule(ms: number): void {
    unschedule();
    const go = (): void => {
      unschedule();
      void sendNext();
    };
    if (ms === 0) atOnce = setImmediate(go);
    else timer = setTimeout(go, ms).unref();
  }

  function unschedule(): void {
    clearTimeout(timer);
    clearImmediate(atOnce);
    timer = undefined;
    atOnce = undefined;
  }

  async function sendNext(): Promise<void> {
    if (busy || closed || items.length === head) return;
    busy = true;
    const pauseMs = await attempt();
    busy = false;
    if (closed) return;
    if (items.length === head) endFlushes(true);
    else {
      if (connection === undefined) endFlushes(false);
      schedule(pauseMs);
    }
  }

  /** Tries to deliver one batch; returns how long to wait before the next. */
  async function attempt(): Promise<number> {
    if (connection === undefined) {
      const url = await options.endpoint().catch(() => undefined);
      if (url === undefined || closed) return AWAY_MS;
      connection = options.connect(url);
    }
    const batch = take(BATCH_MAX);
    onItsWay = batch.items.length;
    const outcome = await connection.send(batch.items);
    if (closed) return 0;
    onItsWay = 0;
    switch (outcome.kind) {
      case "away":
        putBack(batch);
        disconnect();
        return AWAY_MS;
      case "busy":
        putBack(batch);
        backoffMs = Math.min(BACKOFF_MAX_MS, 2 * backoffMs);
        return Math.min(BACKOFF_MAX_MS, outcome.waitMs ?? backoffMs / 2);
      case "refused":
        drop(batch.items.length, outcome.reason);
        break;
      case "delivered":
        sent += batch.items.length - outcome.rejected;
        if (outcome.rejected > 0) drop(outcome.rejected, outcome.reason);
        break;
    }
    backoffMs = BACKOFF_FIRST_MS;
    const full = items.length - head >= BATCH_MAX || waitingBytes >= BATCH_BYTES_MAX;
    if (full || flushes.length > 0) return 0;
    return batch.items.length > BUSY_ITEMS ? BUSY_MS : QUIET_MS;
  }

  function disconnect(): void {
    connection?.close();
    connection = undefined;
  }

  function endFlushes(done: boolean): void {
    const ended = flushes;
    flushes = [];
    for (const resolve of ended) resolve(done);
  }

  return {
    push,
    hasRoom: () => waitingBytes < options.bytesMax / 2,
    stats: () => ({ sent, waiting: items.length - head + onItsWay, dropped, droppedReason }),
    flush: (capMs) => {
      if (items.length === head && !busy) return Promise.resolve(true);
      return new Promise((resolve) => {
        const cap = setTimeout(() => resolve(false), capMs);
        flushes.push((done) => {
          clearTimeout(cap);
          resolve(done);
        });
        if (!busy) schedule(0);
      });
    },
    close: () => {
      closed = true;
      unschedule();
      const left = items.length - head + onItsWay;
      if (left > 0) drop(left, NOT_TAKEN);
      items = [];
      head = 0;
      onItsWay = 0;
      disconnect();
      endFlushes(left === 0);
    },
  };
}
