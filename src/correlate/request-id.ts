import type { Attributes, AttributeValue } from "../model/attributes.ts";

const REQUEST_KEYS = [
  "request_id",
  "request.id",
  "requestId",
  "http.request_id",
  "http.request.id",
  "correlation_id",
  "correlationId",
  "x-request-id",
  "x-correlation-id",
  "x-amzn-trace-id",
  "http.request.header.x-request-id",
  "http.request.header.x_request_id",
  "http.response.header.x-request-id",
  "http.request.header.x-correlation-id",
  "http.request.header.x_correlation_id",
  "http.response.header.x-correlation-id",
  "http.request.header.x-amzn-trace-id",
];
const NAMED_REQUEST =
  /\b(?:x-)?(?:request|correlation)[_-]?id\b["'\]]?\s*[:=]\s*\[?["']?([\w.:+/=-]{6,128})/i;
const AMAZON_ROOT = /\b1-[0-9a-f]{8}-[0-9a-f]{24}\b/i;

/** Shorter ones are counters or placeholders that many requests share. */
const ID_CHARS_MIN = 6;
const TEXT_CHARS_MAX = 4_000;

/**
 * Ids of the request that a span or log belongs to, as frameworks and proxies hand them on (`x-request-id`,
 * `x-correlation-id`, Amazon's `1-…`); each once, none when there is none.
 */
export function requestIdsOf(attributes: Attributes): string[] {
  const ids = new Set<string>();
  for (const key of REQUEST_KEYS) {
    for (const value of textsOf(attributes[key])) {
      const id = AMAZON_ROOT.exec(value)?.[0] ?? value;
      if (id.length >= ID_CHARS_MIN) ids.add(id);
    }
  }
  return [...ids];
}

/** The request id that a log text names (`request_id=…`), or undefined. */
export function requestIdInText(text: string): string | undefined {
  return NAMED_REQUEST.exec(text.slice(0, TEXT_CHARS_MAX))?.[1];
}

/** Captured headers are lists. */
function textsOf(value: AttributeValue | undefined): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
