import type { OriginLink } from "../../src/model/browser.ts";
import type { HandsToPage, HandsToWorker } from "./hand-messages.ts";
import type { BrowserRecord, SpanReference } from "./records.ts";

/*
 * What the relay of a frame and the service worker say to each other: one table a direction, each entry with what is
 * sent and what is answered. Both are `chrome.runtime` messages, which no page can send.
 */

/** Relay → worker. */
export interface ToWorker extends HandsToWorker {
  /** Records of the page, and how many it had to drop before. */
  records: { readonly payload: RecordBatch; readonly reply: { readonly accepted: number } };
  /** The span that a request of the page now belongs to: parent of what the network layer links. */
  context: { readonly payload: PageContext; readonly reply: null };
  /** How the page's requests to an origin carry the trace. */
  origin: { readonly payload: OriginReport; readonly reply: null };
  /** An uncaught error, just sent as record; the worker may take a screenshot. */
  error: { readonly payload: PageError; readonly reply: null };
  /** Asked when a request with our header failed: whether it was redirected, and where to. */
  redirect: { readonly payload: RedirectQuestion; readonly reply: RedirectHop | null };
  /** Asked when a frame starts: what to capture. */
  settings: { readonly payload: null; readonly reply: CaptureSettings };
}

/** Worker → relay of a frame. */
export interface ToPage extends HandsToPage {
  /** Settings changed. */
  settings: { readonly payload: CaptureSettings; readonly reply: null };
}

export interface RecordBatch {
  readonly records: readonly BrowserRecord[];
  readonly dropped: number;
}

export interface PageContext extends SpanReference {
  /** `page` once a document, `interaction` while the user's last action lasts. */
  readonly of: "page" | "interaction";
  readonly origin: string;
}

export interface OriginReport {
  readonly origin: string;
  readonly how: OriginLink["how"];
  /** Why the trace is not carried. */
  readonly reason?: string;
  /** A request that should show up as a server span. */
  readonly sample?: SpanReference;
  /** The page sends its own `traceparent` there: the network layer is to keep off. */
  readonly ownTraceparent?: boolean;
}

export interface PageError extends SpanReference {
  readonly url: string;
  readonly message: string;
}

/** A request as the page made it; the URL is absolute. */
export interface RedirectQuestion {
  readonly url: string;
  readonly method: string;
}

/** Where a request was sent on to, and the method it has there. */
export interface RedirectHop {
  readonly url: string;
  readonly method: string;
}

/** What the user switched on; kept in `chrome.storage.local` under `settings`. */
export interface CaptureSettings {
  /** Request and response bodies, capped and masked. */
  readonly bodies: boolean;
  /**
   * Nothing is recorded and no request carries the trace. A page learns of it some milliseconds after it began; what
   * it recorded until then is thrown away by the worker.
   */
  readonly paused: boolean;
}

export const DEFAULT_SETTINGS: CaptureSettings = { bodies: false, paused: false };
