import type { CaptureSettings, RedirectQuestion } from "../model/messages.ts";
import type { Attributes, SpanReference } from "../model/records.ts";
import { redactText, redactUrl } from "../model/redact.ts";
import { formatTraceparent, parseTraceparent } from "../model/traceparent.ts";
import { NativeURL, nowMs } from "./natives.ts";
import type { Recorder } from "./recorder.ts";
import type { Redirects } from "./redirects.ts";
import type { RequestScope } from "./tracing.ts";

/** How a request ended: an answer, or why there is none. */
export type RequestEnd =
  | { readonly kind: "answer"; readonly status: number; readonly attributes?: Attributes }
  | { readonly kind: "failure"; readonly type: string; readonly message: string };

/** A request that the page makes, as a client span. */
export interface PageRequest {
  /** What to send as `traceparent`; undefined when the page's script may not or need not send one. */
  readonly traceparent: string | undefined;
  /** Method and absolute URL as the browser has them. */
  readonly asked: RedirectQuestion;
  set(attributes: Attributes): void;
  /** Ends the span; the second call does nothing. */
  end(end: RequestEnd): void;
}

/** Starts requests, and knows which captures are on. */
export class Requests {
  readonly #recorder: Recorder;
  readonly redirects: Redirects;
  #inFlight = 0;
  #reported = new Set<string>();
  settings: CaptureSettings;

  constructor(recorder: Recorder, redirects: Redirects, settings: CaptureSettings) {
    this.#recorder = recorder;
    this.redirects = redirects;
    this.settings = settings;
  }

  /**
   * Opens the span of a request. `ownTraceparent` is what the page's script already sends under that name, which is
   * kept: its own OpenTelemetry goes before ours. Throws for what is no URL, as the request itself will.
   */
  begin(method: string, url: string, ownTraceparent: string | null): PageRequest {
    const target = new NativeURL(url, document.baseURI);
    const own = parseTraceparent(ownTraceparent);
    const full = redactUrl(target.href);
    const verb = normalMethod(method);
    const attributes: Attributes = {
      "http.request.method": verb,
      "url.full": full,
      "url.path": redactText(target.pathname),
      "url.scheme": target.protocol.slice(0, -1),
      "server.address": target.hostname,
      ...(target.port === "" ? {} : { "server.port": Number(target.port) }),
    };
    const scope = this.#recorder.tracing.startRequest(verb, attributes, own === undefined ? [] : [own]);
    const isOwnOrigin = target.origin === self.origin && self.origin !== "null";
    this.#report(target, isOwnOrigin, ownTraceparent !== null, scope.reference);
    this.#busy(1);
    return {
      traceparent: isOwnOrigin && ownTraceparent === null ? formatTraceparent(scope.reference) : undefined,
      asked: { url: target.href, method: NORMALIZED.test(method) ? method.toUpperCase() : method },
      set: (more) => {
        scope.span.setAttributes(more);
      },
      end: once((end) => {
        finish(scope, end);
        this.#busy(-1);
      }),
    };
  }

  #busy(change: number): void {
    this.#inFlight += change;
    this.#recorder.outbox.send({ type: "busy", requestsInFlight: this.#inFlight });
  }

  /** Tells the worker of each origin once a page, and again when the page turns out to send its own header. */
  #report(target: URL, isOwnOrigin: boolean, ownTraceparent: boolean, sample: SpanReference): void {
    const key = `${target.origin} ${ownTraceparent}`;
    if (this.#reported.has(key) || !/^https?:$/.test(target.protocol)) return;
    this.#reported.add(key);
    this.#recorder.outbox.send({
      type: "origin",
      report: {
        origin: target.origin,
        how: isOwnOrigin ? "script_header" : "network_rule",
        ...(ownTraceparent ? { ownTraceparent } : {}),
        sample,
      },
    });
  }
}

function finish({ span, ended }: RequestScope, end: RequestEnd): void {
  if (end.kind === "answer") {
    span.setAttribute("http.response.status_code", end.status);
    if (end.attributes !== undefined) span.setAttributes(end.attributes);
    if (end.status >= 400 || end.status === 0) {
      const type = end.status === 0 ? "opaque" : String(end.status);
      span.setAttribute("error.type", type);
      span.setStatus({ code: 2, message: end.status === 0 ? "no readable answer" : `HTTP ${end.status}` });
    }
  } else {
    span.setAttribute("error.type", end.type);
    span.setStatus({ code: 2, message: redactText(`${end.type}: ${end.message}`) });
  }
  span.end(nowMs());
  ended();
}

function once(action: (end: RequestEnd) => void): (end: RequestEnd) => void {
  let done = false;
  return (end) => {
    if (done) return;
    done = true;
    action(end);
  };
}

const METHODS = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "CONNECT",
  "TRACE",
  "QUERY",
]);

/** Fetch standard: the methods that browsers turn into upper case. */
const NORMALIZED = /^(?:delete|get|head|options|post|put)$/i;

/** HTTP semantic conventions: methods that are not known are `_OTHER`. */
function normalMethod(method: string): string {
  const upper = method.toUpperCase();
  return METHODS.has(upper) ? upper : "_OTHER";
}
