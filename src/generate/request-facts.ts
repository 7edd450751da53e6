import type { Attributes } from "../model/attributes.ts";
import type { Span } from "../model/span.ts";
import { toText } from "../query/json-value.ts";

/** One HTTP request as its span tells it, masked as every reply. */
export interface RequestFacts {
  readonly method: string;
  /** Absolute; the host is the service's name where the span names none. */
  readonly url: string;
  /** 0 when no answer came, or none was told. */
  readonly status: number;
  readonly requestHeaders: readonly Header[];
  readonly responseHeaders: readonly Header[];
  /** Undefined when it was not captured. */
  readonly requestBody: string | undefined;
  readonly responseBody: string | undefined;
  /** Undefined when it is not told. */
  readonly requestBytes: number | undefined;
  readonly responseBytes: number | undefined;
  /** `HTTP/1.1`; `unknown` when it is not told. */
  readonly httpVersion: string;
}

export interface Header {
  readonly name: string;
  readonly value: string;
}

/** The request that a client or server span stands for; `undefined` when it is none. */
export function requestFacts(span: Span): RequestFacts | undefined {
  const { attributes } = span;
  const method = textOf(attributes, "http.request.method", "http.method");
  if (method === undefined || (span.spanKind !== "client" && span.spanKind !== "server")) return undefined;
  const version = textOf(attributes, "network.protocol.version", "http.flavor");
  return {
    method: method.toUpperCase().replace(/[^A-Z_-]/g, "") || "GET",
    url: urlOf(span),
    status: numberOf(attributes, "http.response.status_code", "http.status_code") ?? 0,
    requestHeaders: headersOf(attributes, "http.request.header."),
    responseHeaders: headersOf(attributes, "http.response.header."),
    requestBody: textOf(attributes, "http.request.body.content"),
    responseBody: textOf(attributes, "http.response.body.content"),
    requestBytes: numberOf(attributes, "http.request.body.size", "http.request_content_length"),
    responseBytes: numberOf(attributes, "http.response.body.size", "http.response_content_length"),
    httpVersion: version === undefined ? "unknown" : `HTTP/${version.slice(0, 10)}`,
  };
}

/** The first of `keys` that holds text. */
export function textOf(attributes: Attributes, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const text = toText(attributes[key]);
    if (text !== "") return text;
  }
  return undefined;
}

function numberOf(attributes: Attributes, ...keys: readonly string[]): number | undefined {
  const text = textOf(attributes, ...keys);
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function urlOf({ attributes, resource }: Span): string {
  const full = textOf(attributes, "url.full", "http.url");
  if (full !== undefined && URL.canParse(full)) return full;
  const scheme = textOf(attributes, "url.scheme", "http.scheme") ?? "http";
  const host =
    textOf(attributes, "server.address", "http.host", "net.host.name", "net.peer.name") ?? resource.service;
  const port = textOf(attributes, "server.port", "net.host.port", "net.peer.port");
  const path = full ?? textOf(attributes, "url.path", "http.target", "http.route") ?? "/";
  const query = textOf(attributes, "url.query");
  const authority = port === undefined || host.includes(":") ? host : `${host}:${port}`;
  const asked = query === undefined || path.includes("?") ? "" : `?${query.replace(/^\?/, "")}`;
  const url = `${scheme}://${authority}${path.startsWith("/") ? "" : "/"}${path}${asked}`;
  return URL.canParse(url) ? url : `http://${encodeURIComponent(resource.service)}/`;
}

function headersOf(attributes: Attributes, prefix: string): Header[] {
  const headers: Header[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length).replaceAll("_", "-");
    for (const each of Array.isArray(value) ? value : [value]) headers.push({ name, value: toText(each) });
  }
  return headers;
}
