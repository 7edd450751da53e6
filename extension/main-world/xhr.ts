import { content, requestBody } from "./bodies.ts";
import { apply, guarded, listen } from "./natives.ts";
import type { PageRequest, Requests } from "./request.ts";

/** What is known of an XMLHttpRequest between `open` and `send`. */
interface Opened {
  readonly method: string;
  readonly url: string;
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
  const { open, send, setRequestHeader } = prototype;

  prototype.open = new Proxy(open, {
    apply(target, self: XMLHttpRequest, args: unknown[]) {
      guarded(() => {
        opened.set(self, { method: String(args[0]), url: String(args[1]), traceparent: null });
      })();
      return apply(target, self, args);
    },
  });
  prototype.setRequestHeader = new Proxy(setRequestHeader, {
    apply(target, self: XMLHttpRequest, args: unknown[]) {
      guarded(() => {
        const facts = opened.get(self);
        if (facts !== undefined && /^traceparent$/i.test(String(args[0])))
          facts.traceparent = String(args[1]);
      })();
      return apply(target, self, args);
    },
  });
  prototype.send = new Proxy(send, {
    apply(target, self: XMLHttpRequest, args: unknown[]) {
      const begun = begin(requests, self, opened.get(self), args[0], setRequestHeader);
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
  setHeader: XMLHttpRequest["setRequestHeader"],
): PageRequest | undefined {
  if (facts === undefined || xhr.readyState !== 1) return undefined;
  try {
    const request = requests.begin(facts.method, facts.url, facts.traceparent);
    if (requests.settings.bodies) request.set(requestBody(body));
    if (request.traceparent !== undefined) apply(setHeader, xhr, ["traceparent", request.traceparent]);
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
