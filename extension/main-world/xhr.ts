import type { RedirectHop } from "../model/messages.ts";
import { content, requestBody } from "./bodies.ts";
import { apply, construct, guarded, listen, NativeURL } from "./natives.ts";
import { headersAtHop } from "./redirects.ts";
import type { PageRequest, Requests } from "./request.ts";

/** What is known of an XMLHttpRequest since `open`. */
interface Opened {
  readonly method: string;
  readonly url: string;
  readonly isAsync: boolean;
  readonly headers: [name: string, value: string][];
  traceparent: string | null;
}

const FAILURES = {
  error: "network or policy refused it",
  abort: "aborted",
  timeout: "timed out",
} as const;

/** Records each XMLHttpRequest as a client span, by the prototype's methods: the object stays the page's own. */
export function captureXhr(requests: Requests): void {
  const { prototype } = XMLHttpRequest;
  const opened = new WeakMap<XMLHttpRequest, Opened>();
  const natives = { open: prototype.open, send: prototype.send, setHeader: prototype.setRequestHeader };
  const detours = new Detours(requests, natives);
  detours.watch();

  prototype.open = new Proxy(natives.open, {
    apply(target, self: XMLHttpRequest, args: unknown[]) {
      guarded(() => {
        const isAsync = args.length < 3 || Boolean(args[2]);
        opened.set(self, {
          method: String(args[0]),
          url: new NativeURL(String(args[1]), document.baseURI).href,
          isAsync,
          headers: [],
          traceparent: null,
        });
        detours.forget(self);
      })();
      return apply(target, self, args);
    },
  });
  prototype.setRequestHeader = new Proxy(natives.setHeader, {
    apply(target, self: XMLHttpRequest, args: unknown[]) {
      guarded(() => {
        const facts = opened.get(self);
        const [name, value] = [String(args[0]), String(args[1])];
        facts?.headers.push([name, value]);
        if (facts !== undefined && /^traceparent$/i.test(name)) facts.traceparent = value;
      })();
      return apply(target, self, args);
    },
  });
  prototype.send = new Proxy(natives.send, {
    apply(target, self: XMLHttpRequest, args: unknown[]) {
      const begun = begin(requests, self, opened.get(self), args[0], detours, natives);
      try {
        return apply(target, self, args);
      } catch (error) {
        // A synchronous request that fails, or one that was not open: no event follows.
        guarded(() => begun?.end({ kind: "failure", type: "NetworkError", message: String(error) }))();
        throw error;
      }
    },
  });
}

function begin(
  requests: Requests,
  xhr: XMLHttpRequest,
  facts: Opened | undefined,
  body: unknown,
  detours: Detours,
  natives: Natives,
): PageRequest | undefined {
  if (facts === undefined || xhr.readyState !== 1 || requests.settings.paused) return undefined;
  try {
    const request = requests.begin(facts.method, facts.url, facts.traceparent);
    if (requests.settings.bodies) request.set(requestBody(body));
    // One that blocks the page could not be taken up at a hop, so it carries nothing.
    if (request.traceparent !== undefined && facts.isAsync && detours.sees(xhr)) {
      apply(natives.setHeader, xhr, ["traceparent", request.traceparent]);
      detours.expect(xhr, { request, headers: facts.headers, body });
    }
    for (const [type, message] of Object.entries(FAILURES)) {
      listen(xhr, type, () => request.end({ kind: "failure", type, message }));
    }
    listen(xhr, "load", () => {
      const isText = xhr.responseType === "" || xhr.responseType === "text";
      const attributes = requests.settings.bodies && isText ? content("response", xhr.responseText) : {};
      request.end({ kind: "answer", status: xhr.status, attributes });
    });
    return request;
  } catch {
    return undefined;
  }
}

interface Natives {
  readonly open: XMLHttpRequest["open"];
  readonly send: XMLHttpRequest["send"];
  readonly setHeader: XMLHttpRequest["setRequestHeader"];
}

/** A request that carries our header. */
interface Carrying {
  readonly request: PageRequest;
  readonly headers: readonly [name: string, value: string][];
  readonly body: unknown;
  /** `asking`: it failed, and its events are held back; `going on`: sent again at the hop. */
  state: "sent" | "asking" | "going on" | "over";
}

/**
 * Takes requests up at the hop where our header made them fail (redirects.ts). The page must not see the failure, so
 * the events of each XMLHttpRequest are heard here before the page can listen to them, from its construction on:
 *
 *   readystatechange 4, error, loadend ── held back ──► ask ──┬─ a hop: open, send ──► readystatechange 2 … load
 *                                                            └─ none: the three again
 */
class Detours {
  readonly #requests: Requests;
  readonly #natives: Natives;
  readonly #carrying = new WeakMap<XMLHttpRequest, Carrying>();
  readonly #seen = new WeakSet<XMLHttpRequest>();

  constructor(requests: Requests, natives: Natives) {
    this.#requests = requests;
    this.#natives = natives;
  }

  /** Hears every XMLHttpRequest that is made from now on. */
  watch(): void {
    const Native = XMLHttpRequest;
    const Watched = new Proxy(Native, {
      construct: (target, args, newTarget) => {
        const xhr = construct(target, args, newTarget) as XMLHttpRequest;
        guarded(() => this.#hear(xhr))();
        return xhr;
      },
    });
    Object.defineProperty(window, "XMLHttpRequest", { value: Watched, writable: true, configurable: true });
    Native.prototype.constructor = Watched;
  }

  sees(xhr: XMLHttpRequest): boolean {
    return this.#seen.has(xhr);
  }

  expect(xhr: XMLHttpRequest, request: Omit<Carrying, "state">): void {
    this.#carrying.set(xhr, { ...request, state: "sent" });
  }

  /** The page opens it anew. */
  forget(xhr: XMLHttpRequest): void {
    this.#carrying.delete(xhr);
  }

  #hear(xhr: XMLHttpRequest): void {
    this.#seen.add(xhr);
    const hold = (type: string, isHeld: (carrying: Carrying) => boolean): void => {
      listen(xhr, type, (event) => {
        const carrying = this.#carrying.get(xhr);
        if (carrying !== undefined && isHeld(carrying)) event.stopImmediatePropagation();
      });
    };
    hold("readystatechange", ({ state }) => {
      if (state === "going on") return xhr.readyState === 1;
      return state === "sent" && xhr.readyState === 4 && xhr.status === 0;
    });
    hold("loadstart", ({ state }) => state === "going on");
    hold("error", (carrying) => {
      if (carrying.state !== "sent") return false;
      carrying.state = "asking";
      this.#requests.redirects.ask(carrying.request.asked, (hop) =>
        guarded(() => this.#goOn(xhr, carrying, hop))(),
      );
      return true;
    });
    hold("loadend", ({ state }) => state === "asking");
    for (const type of ["abort", "timeout"]) {
      hold(type, (carrying) => {
        // What was held back on the suspicion of an error is told now.
        if (carrying.state !== "sent") return false;
        carrying.state = "over";
        xhr.dispatchEvent(new Event("readystatechange"));
        return false;
      });
    }
  }

  #goOn(xhr: XMLHttpRequest, carrying: Carrying, hop: RedirectHop | null): void {
    // The page may have given it up, or opened it for something else.
    if (this.#carrying.get(xhr) !== carrying || xhr.readyState !== 4) return;
    const { request, headers, body } = carrying;
    if (hop === null) {
      carrying.state = "over";
      xhr.dispatchEvent(new Event("readystatechange"));
      for (const type of ["error", "loadend"]) xhr.dispatchEvent(new ProgressEvent(type));
      return;
    }
    const keepsBody = hop.method === request.asked.method;
    carrying.state = "going on";
    apply(this.#natives.open, xhr, [hop.method, hop.url]);
    headersAtHop([...headers], keepsBody).forEach((value, name) => {
      apply(this.#natives.setHeader, xhr, [name, value]);
    });
    apply(this.#natives.send, xhr, [keepsBody ? body : null]);
  }
}
