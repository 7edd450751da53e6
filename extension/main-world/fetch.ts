import type { RedirectHop } from "../model/messages.ts";
import { readBody, requestBody } from "./bodies.ts";
import { apply, NativeHeaders, NativeRequest, nativeThen } from "./natives.ts";
import { headersAtHop } from "./redirects.ts";
import type { PageRequest, RequestEnd, Requests } from "./request.ts";

type FetchArguments = [input: RequestInfo | URL, init?: RequestInit];

/** A call as it goes out, and its span. */
interface Begun {
  readonly request: PageRequest;
  readonly args: FetchArguments;
  /** The same call at a hop, without our header; undefined when it goes out as the page made it. */
  readonly atHop?: (hop: RedirectHop) => FetchArguments | Promise<FetchArguments>;
}

/** Records each fetch as a client span. The page gets what its own fetch gives: same answer, same error. */
export function captureFetch(requests: Requests): void {
  window.fetch = new Proxy(window.fetch, {
    apply(target, self, args: FetchArguments) {
      const begun = begin(requests, args);
      if (begun === undefined) return apply(target, self, args);
      const { request } = begun;
      const call = (given: FetchArguments): Promise<Response> => apply(target, self, given);
      let answer: Promise<Response>;
      try {
        answer = call(begun.args);
      } catch (error) {
        settle(request, failure(error));
        throw error;
      }
      // The derived promise is what the page gets, so that a rejection nobody handles is still one.
      return apply(nativeThen, answer, [
        (response: Response) => {
          onAnswer(requests, request, response);
          return response;
        },
        (error: unknown) => {
          if (begun.atHop !== undefined && error instanceof TypeError) {
            return goOn(requests, begun, call, error);
          }
          settle(request, failure(error));
          throw error;
        },
      ]);
    },
  });
}

/** Takes up a call at the hop where our header made it fail; any other failure is the page's. */
async function goOn(
  requests: Requests,
  { request, atHop }: Begun,
  call: (args: FetchArguments) => Promise<Response>,
  first: TypeError,
): Promise<Response> {
  const hop = await new Promise<RedirectHop | null>((answer) =>
    requests.redirects.ask(request.asked, answer),
  );
  try {
    if (hop === null || atHop === undefined) throw first;
    const response = await call(await atHop(hop));
    Object.defineProperty(response, "redirected", { value: true, configurable: true });
    onAnswer(requests, request, response);
    return response;
  } catch (error) {
    settle(request, failure(error));
    throw error;
  }
}

function begin(requests: Requests, args: FetchArguments): Begun | undefined {
  if (requests.settings.paused) return undefined;
  try {
    const [input, init] = args;
    const from = input instanceof NativeRequest ? input : undefined;
    const headers = new NativeHeaders(init?.headers ?? from?.headers);
    const method = init?.method ?? from?.method ?? "GET";
    const request = requests.begin(method, from?.url ?? String(input), headers.get("traceparent"));
    if (requests.settings.bodies) request.set(requestBody(init?.body));
    if (request.traceparent === undefined) return { request, args };
    const follows = (init?.redirect ?? from?.redirect ?? "follow") === "follow";
    try {
      const changed =
        from !== undefined && init === undefined
          ? withRequest(request, from, request.traceparent)
          : withOptions(request, args, headers, request.traceparent);
      return follows ? changed : { request, args: changed.args };
    } catch {
      // A request that cannot be copied, such as one whose body was used, goes out as it is.
      return { request, args };
    }
  } catch {
    return undefined;
  }
}

/** A Request is copied, since a second argument would reset its referrer. */
function withRequest(request: PageRequest, given: Request, traceparent: string): Begun {
  const copy = new NativeRequest(given);
  copy.headers.set("traceparent", traceparent);
  const spare = copy.body === null ? undefined : copy.clone();
  return {
    request,
    args: [copy],
    atHop: async ({ url, method }) => {
      const keepsBody = method === request.asked.method;
      const { mode, credentials, cache, referrer, referrerPolicy, integrity, keepalive, signal } = copy;
      const options = { mode, credentials, cache, referrer, referrerPolicy, integrity, keepalive, signal };
      const headers = headersAtHop(copy.headers, keepsBody);
      const body = keepsBody ? await spare?.blob() : undefined;
      return [url, { ...options, method, headers, ...(body === undefined ? {} : { body }) }];
    },
  };
}

/**
 * The same call with one header more. The dictionary is read through, so that getters and inherited members say what
 * they would say to fetch itself.
 */
function withOptions(
  request: PageRequest,
  [input, init]: FetchArguments,
  headers: Headers,
  traceparent: string,
): Begun {
  const given = (init ?? {}) as Readonly<Record<PropertyKey, unknown>>;
  const reading = (instead: Readonly<Record<PropertyKey, unknown>>): RequestInit =>
    new Proxy({}, { get: (_, key) => (key in instead ? instead[key] : given[key]) });
  headers.set("traceparent", traceparent);
  return {
    request,
    args: [input, reading({ headers })],
    atHop: ({ url, method }) => {
      const keepsBody = method === request.asked.method;
      const instead = { method, headers: headersAtHop(headers, keepsBody) };
      return [url, reading(keepsBody ? instead : { ...instead, body: undefined })];
    },
  };
}

function onAnswer(requests: Requests, request: PageRequest, response: Response): void {
  try {
    const end: RequestEnd = { kind: "answer", status: response.status };
    const body = requests.settings.bodies ? readBody(response) : undefined;
    if (body === undefined) request.end(end);
    else void body.then((attributes) => settle(request, { ...end, attributes }));
  } catch (error) {
    settle(request, failure(error));
  }
}

function settle(request: PageRequest, end: RequestEnd): void {
  try {
    request.end(end);
  } catch {
    // The span is lost; the page's request is not.
  }
}

/** AbortError and TimeoutError by name; everything the network or a policy refuses is a TypeError. */
function failure(error: unknown): RequestEnd {
  const known = error instanceof Error || error instanceof DOMException;
  return {
    kind: "failure",
    type: known ? error.name : typeof error,
    message: known ? error.message : String(error),
  };
}
