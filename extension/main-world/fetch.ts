import { readBody, requestBody } from "./bodies.ts";
import { apply, NativeHeaders, NativeRequest, nativeThen } from "./natives.ts";
import type { PageRequest, RequestEnd, Requests } from "./request.ts";

type FetchArguments = [input: RequestInfo | URL, init?: RequestInit];

/** Records each fetch as a client span. The page gets what its own fetch gives: same answer, same error. */
export function captureFetch(requests: Requests): void {
  window.fetch = new Proxy(window.fetch, {
    apply(target, self, args: FetchArguments) {
      const begun = begin(requests, args);
      if (begun === undefined) return apply(target, self, args);
      const { request } = begun;
      let answer: Promise<Response>;
      try {
        answer = apply(target, self, begun.args);
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
          settle(request, failure(error));
          throw error;
        },
      ]);
    },
  });
}

function begin(
  requests: Requests,
  args: FetchArguments,
): { request: PageRequest; args: FetchArguments } | undefined {
  try {
    const [input, init] = args;
    const from = input instanceof NativeRequest ? input : undefined;
    const headers = new NativeHeaders(init?.headers ?? from?.headers);
    const method = init?.method ?? from?.method ?? "GET";
    const request = requests.begin(method, from?.url ?? String(input), headers.get("traceparent"));
    if (requests.settings.bodies) request.set(requestBody(init?.body));
    if (request.traceparent === undefined) return { request, args };
    try {
      return { request, args: withTraceparent(args, headers, request.traceparent) };
    } catch {
      // A request that cannot be copied, such as one whose body was used, goes out as it is.
      return { request, args };
    }
  } catch {
    return undefined;
  }
}

/**
 * The same call with one header more. A Request is copied, since a second argument would reset its referrer; a
 * dictionary is read through, so that getters and inherited members say what they would say to fetch itself.
 */
function withTraceparent(
  [input, init]: FetchArguments,
  headers: Headers,
  traceparent: string,
): FetchArguments {
  if (input instanceof NativeRequest && init === undefined) {
    const copy = new NativeRequest(input);
    copy.headers.set("traceparent", traceparent);
    return [copy];
  }
  headers.set("traceparent", traceparent);
  const given = (init ?? {}) as Readonly<Record<PropertyKey, unknown>>;
  const read = new Proxy({}, { get: (_, key) => (key === "headers" ? headers : given[key]) });
  return [input, read as RequestInit];
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
