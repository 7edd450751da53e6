import type { RedirectHop, RedirectQuestion } from "../model/messages.ts";
import { NativeHeaders, nativeSetTimeout } from "./natives.ts";
import type { Outbox } from "./outbox.ts";

/** A page waits no longer than this for its error. */
const ANSWER_MS_MAX = 1_000;

/** Fetch standard: request-body headers, which go when a redirect turns a request into GET. */
const BODY_HEADERS = ["content-encoding", "content-language", "content-location", "content-type"];

/**
 * Finds out where a request was redirected to that carried our header and failed. Its server has answered it: it is
 * not made again, but goes on at the hop, as the browser would have done without the header.
 */
export class Redirects {
  readonly #outbox: Outbox;
  readonly #waiting = new Map<number, (hop: RedirectHop | null) => void>();
  #questions = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Calls `answer` once: with the hop, or with null when the request was not redirected or nobody knows. */
  ask(question: RedirectQuestion, answer: (hop: RedirectHop | null) => void): void {
    const id = this.#questions++;
    this.#waiting.set(id, answer);
    nativeSetTimeout(() => this.told(id, null), ANSWER_MS_MAX);
    this.#outbox.send({ type: "redirect", id, question });
  }

  told(id: number, hop: RedirectHop | null): void {
    const answer = this.#waiting.get(id);
    this.#waiting.delete(id);
    answer?.(hop);
  }
}

/** The headers a redirect to another origin keeps: ours, credentials and those of a body left behind do not go along. */
export function headersAtHop(given: HeadersInit | undefined, keepsBody: boolean): Headers {
  const headers = new NativeHeaders(given);
  for (const name of ["traceparent", "authorization", ...(keepsBody ? [] : BODY_HEADERS)])
    headers.delete(name);
  return headers;
}
