import type { OutgoingHttpHeaders } from "node:http";
import { isExtensionOrigin, isLoopbackOrigin } from "../model/origin.ts";

const REQUEST_HEADERS =
  "content-type, content-encoding, authorization, x-api-key, traceparent, tracestate, baggage, x-requested-with";
const PREFLIGHT_SECONDS = "7200";

/** Whether a page of this origin may send telemetry: one served from this machine, or a browser extension. */
export function isTrustedOrigin(origin: string): boolean {
  return isLoopbackOrigin(origin) || isExtensionOrigin(origin);
}

/**
 * Headers that let the page read the reply; empty without an origin or with a foreign one. The origin is echoed,
 * since `*` is refused for requests with credentials, which sendBeacon always makes (Fetch standard, "CORS check").
 */
export function corsHeaders(origin: string | undefined): OutgoingHttpHeaders {
  if (origin === undefined || !isTrustedOrigin(origin)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "retry-after",
    vary: "origin",
  };
}

/** What a preflight from a trusted origin is told besides `corsHeaders`. */
export function preflightHeaders(methods: string): OutgoingHttpHeaders {
  return {
    "access-control-allow-methods": methods,
    "access-control-allow-headers": REQUEST_HEADERS,
    "access-control-allow-private-network": "true",
    "access-control-max-age": PREFLIGHT_SECONDS,
  };
}
