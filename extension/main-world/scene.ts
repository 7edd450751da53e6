import type { Context, Span } from "@opentelemetry/api";
import { nativeClearTimeout, nativeSetTimeout, nowMs } from "./natives.ts";

/** An open scene ends this long after its last request, or after it began when it makes none. */
const QUIET_MS = 1_000;
/** Requests that begin later than this are no longer put down to it, or polling would keep it open for ever. */
const ATTRIBUTION_MS = 10_000;
/** Ended whatever is still under way. */
const LENGTH_MAX_MS = 60_000;

/**
 * Something that goes on in a page: its load, or what the user did, with the requests that came of it. Its span ends
 * when it last did something, not when that was noticed.
 */
export class Scene {
  readonly span: Span;
  readonly context: Context;
  readonly #closed: () => void;
  readonly #startMs = nowMs();
  #inFlight = 0;
  #lastMs = this.#startMs;
  #timer: number | undefined;
  #settling = false;
  #open = true;

  constructor(span: Span, contextOf: (scene: Scene) => Context, closed: () => void) {
    this.span = span;
    this.context = contextOf(this);
    this.#closed = closed;
  }

  /** From now on it closes when it is quiet. */
  settle(): void {
    this.#settling = true;
    this.#lastMs = nowMs();
    this.#wait();
  }

  requestStarted(): void {
    this.#inFlight++;
  }

  requestEnded(): void {
    this.#inFlight--;
    this.#lastMs = nowMs();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    nativeClearTimeout(this.#timer);
    this.span.end(this.#lastMs);
    this.#closed();
  }

  #wait(): void {
    if (!this.#settling || !this.#open) return;
    const now = nowMs();
    const tooLong = now - this.#startMs > (this.#inFlight === 0 ? ATTRIBUTION_MS : LENGTH_MAX_MS);
    const quietMs = this.#inFlight === 0 ? now - this.#lastMs : 0;
    if (quietMs >= QUIET_MS || tooLong) this.close();
    else this.#timer = nativeSetTimeout(() => this.#wait(), Math.max(QUIET_MS - quietMs, 100));
  }
}
