import { setTimeout as pause } from "node:timers/promises";
import { type Clock, systemClock } from "../model/time.ts";
import type { Outcome } from "../query/configure.ts";
import { count } from "../query/render/units.ts";
import { NOTIFY_EVERY_MS } from "../query/streaming.ts";
import { ErrorFold, type StreamedError } from "./error-fold.ts";
import { readEvents, type ServerSentEvent } from "./event-stream.ts";

export interface NotifierOptions {
  /** A daemon that runs; rejects when there is none. Never starts one. */
  readonly find: () => Promise<string>;
  /** `""` when the daemon requires none. */
  readonly apiKey: string;
  readonly notify: (text: string) => Promise<void>;
  readonly clock?: Clock;
  readonly everyMs?: number;
}

/** Waits before the daemon is looked for again, ms: each as long as the next, up to the last. */
const LOOK_AGAIN_MS = [250, 1_000, 5_000] as const;

/**
 * Tells the client at the other end of stdio of new errors: follows `GET /api/stream` of the daemon, and of its successor
 * when that is gone. The first error is told at once, what comes after it at most every ten seconds in one notification.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #fold = new ErrorFold();
  #following: AbortController | undefined;
  #url: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #told = 0;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#everyMs = options.everyMs ?? NOTIFY_EVERY_MS;
  }

  /** Resolves when the stream is followed, or the first look for a daemon was in vain. Again: nothing. */
  async start(): Promise<void> {
    if (this.#following !== undefined) return;
    const stop = new AbortController();
    this.#following = stop;
    await new Promise<void>((resolve) => {
      void this.#follow(stop.signal, resolve);
    });
  }

  /** What waits is no longer told. */
  stop(): void {
    this.#following?.abort();
    this.#following = undefined;
    this.#url = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#fold.isEmpty) this.#fold.take();
  }

  /** How it stands, as the answer of `configure streaming`. */
  status(): Outcome {
    const isOn = this.#following !== undefined;
    const where = this.#url ?? "no daemon yet; it is looked for";
    return {
      summary: isOn
        ? `Streaming is on: new errors are told as notifications/message, at most one every ${this.#everyMs / 1_000} s. ${count(this.#told, "notification")} so far.`
        : "Streaming is off: nothing is told unasked.",
      rows: [
        { streaming: isOn ? "on" : "off", ...(isOn ? { following: where } : {}), notifications: this.#told },
      ],
      next: [`configure ${JSON.stringify({ action: "streaming", state: isOn ? "off" : "on" })}`],
    };
  }

  async #follow(stop: AbortSignal, settled: () => void): Promise<void> {
    for (let failures = 0; !stop.aborted; failures++) {
      try {
        const events = await this.#open(stop);
        failures = 0;
        settled();
        for await (const event of events) this.#take(event);
      } catch {
        // Gone, or not there yet: `status` says so, and it is looked for again below.
      }
      if (stop.aborted) break;
      this.#url = undefined;
      settled();
      const waitMs = LOOK_AGAIN_MS[Math.min(failures, LOOK_AGAIN_MS.length - 1)]!;
      // An abort ends the wait early, which is all it does.
      await pause(waitMs, undefined, { signal: stop, ref: false }).catch(() => undefined);
    }
    settled();
  }

  async #open(stop: AbortSignal): Promise<AsyncIterable<ServerSentEvent>> {
    const url = await this.#options.find();
    const { apiKey } = this.#options;
    const response = await fetch(`${url}/api/stream?what=errors`, {
      signal: stop,
      headers: apiKey === "" ? {} : { "x-api-key": apiKey },
    });
    if (!response.ok || response.body === null) throw new Error(`/api/stream answered ${response.status}.`);
    this.#url = url;
    return readEvents(response.body);
  }

  #take({ event, data }: ServerSentEvent): void {
    const nowMs = this.#clock.nowMs();
    const value = JSON.parse(data) as StreamedError & { readonly records?: unknown };
    if (event === "record") this.#fold.add(value, nowMs);
    else if (event === "dropped" && typeof value.records === "number")
      this.#fold.addUnseen(value.records, nowMs);
    else return;
    const waitMs = this.#toldMs + this.#everyMs - nowMs;
    // Even at once is a turn later: what arrived together is told together.
    this.#timer ??= setTimeout(() => this.#tell(), Math.min(this.#everyMs, Math.max(0, waitMs))).unref();
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#fold.isEmpty) return;
    this.#toldMs = this.#clock.nowMs();
    this.#told++;
    // A client that is gone ends the bridge by closing stdin; there is nobody left to tell.
    this.#options.notify(this.#fold.take()).catch(() => undefined);
  }
}
