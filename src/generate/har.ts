import { nsToMs } from "../model/time.ts";
import { isoTime } from "../query/render/units.ts";
import type { StoredSpan } from "../store/telemetry-store.ts";
import { VERSION } from "../version.ts";
import { type Header, type RequestFacts, requestFacts } from "./request-facts.ts";
import { escapeUnseen } from "./source-text.ts";

/** HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/). Names that begin with `_` are ours, as it allows. */
export interface Har {
  readonly log: {
    readonly version: "1.2";
    readonly creator: { readonly name: string; readonly version: string };
    readonly entries: readonly HarEntry[];
    readonly comment?: string;
  };
}

export interface HarEntry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly httpVersion: string;
    readonly cookies: readonly never[];
    readonly headers: readonly Header[];
    readonly queryString: readonly Header[];
    readonly postData?: {
      readonly mimeType: string;
      readonly params: readonly never[];
      readonly text: string;
    };
    readonly headersSize: -1;
    readonly bodySize: number;
  };
  readonly response: {
    readonly status: number;
    readonly statusText: string;
    readonly httpVersion: string;
    readonly cookies: readonly never[];
    readonly headers: readonly Header[];
    readonly content: { readonly size: number; readonly mimeType: string; readonly text?: string };
    readonly redirectURL: string;
    readonly headersSize: -1;
    readonly bodySize: number;
  };
  readonly cache: object;
  readonly timings: { readonly send: number; readonly wait: number; readonly receive: number };
  readonly _service: string;
  readonly _trace_id: string;
  readonly _span_id: string;
  readonly _error?: string;
}

/**
 * The spans that stand for one HTTP request each, by their start: the asking side where it is held, else the
 * answering one.
 */
export function requestSpans(spans: readonly StoredSpan[]): StoredSpan[] {
  const requests = spans.filter((span) => requestFacts(span) !== undefined && span.endNs !== 0n);
  const asking = new Set(
    requests.filter(({ spanKind }) => spanKind === "client").map(({ traceId, spanId }) => traceId + spanId),
  );
  const kept = requests.filter(
    ({ spanKind, traceId, parentSpanId }) => spanKind === "client" || !asking.has(traceId + parentSpanId),
  );
  return kept.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
}

/** An archive of requests that `requestSpans` gave. */
export function harOf(spans: readonly StoredSpan[], comment?: string): Har {
  return {
    log: {
      version: "1.2",
      creator: { name: "gasoline", version: VERSION },
      entries: spans.flatMap((span) => {
        const facts = requestFacts(span);
        return facts === undefined ? [] : [entryOf(span, facts)];
      }),
      ...(comment === undefined ? {} : { comment }),
    },
  };
}

function entryOf(span: StoredSpan, facts: RequestFacts): HarEntry {
  const { method, url, status, httpVersion, requestHeaders, responseHeaders, requestBody, responseBody } =
    facts;
  const time = span.endNs < span.startNs ? 0 : nsToMs(span.endNs - span.startNs);
  const query = [...(URL.parse(url)?.searchParams ?? [])].map(([name, value]) => ({ name, value }));
  return {
    startedDateTime: isoTime(span.startNs),
    time,
    request: {
      method,
      url,
      httpVersion,
      cookies: [],
      headers: requestHeaders,
      queryString: query,
      ...(requestBody === undefined
        ? {}
        : { postData: { mimeType: typeOf(requestHeaders, requestBody), params: [], text: requestBody } }),
      headersSize: -1,
      bodySize: facts.requestBytes ?? -1,
    },
    response: {
      status,
      statusText: "",
      httpVersion,
      cookies: [],
      headers: responseHeaders,
      content: {
        size: facts.responseBytes ?? Buffer.byteLength(responseBody ?? ""),
        mimeType: typeOf(responseHeaders, responseBody),
        ...(responseBody === undefined ? {} : { text: responseBody }),
      },
      redirectURL: responseHeaders.find(({ name }) => name.toLowerCase() === "location")?.value ?? "",
      headersSize: -1,
      bodySize: facts.responseBytes ?? -1,
    },
    cache: {},
    // A span does not tell sending from waiting: all of it is told as waiting.
    timings: { send: 0, wait: time, receive: 0 },
    _service: span.resource.service,
    _trace_id: span.traceId,
    _span_id: span.spanId,
    ...(span.statusMessage === "" ? {} : { _error: span.statusMessage }),
  };
}

function typeOf(headers: readonly Header[], body: string | undefined): string {
  const told = headers.find(({ name }) => name.toLowerCase() === "content-type")?.value;
  if (told !== undefined) return told;
  if (body === undefined) return "";
  return /^\s*[[{]/.test(body) ? "application/json" : "text/plain";
}

/**
 * An archive as text, one entry a line. What could close the fence of a reply, or is not seen, is written as `\u…`,
 * which reads as the same JSON.
 */
export function harText({ log }: Har): string {
  const { entries, ...head } = log;
  const lines = entries.map((entry) => JSON.stringify(entry));
  const top = JSON.stringify(head).slice(1, -1);
  const text = `{"log":{${top},"entries":[\n${lines.join(",\n")}\n]}}`;
  return escapeUnseen(text);
}
