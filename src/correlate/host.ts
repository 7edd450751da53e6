import { stringAttribute } from "../model/attributes.ts";
import type { Resource } from "../model/resource.ts";
import type { Span } from "../model/span.ts";

/** The host of every span that names none: such spans are taken to share one clock. */
export const UNKNOWN_HOST = "";

/** The host of browser spans, whose SDKs name no host: `browser:` and the service instance where there is one. */
const BROWSER_PREFIX = "browser:";

/**
 * True when the span was made in a web page: its SDK says `webjs`, or the resource carries `browser.*`
 * (semantic conventions, browser resource).
 */
export function isBrowserSpan(span: Span): boolean {
  const attributes = span.resource.attributes;
  if (attributes["telemetry.sdk.language"] === "webjs") return true;
  for (const key in attributes) if (key.startsWith("browser.")) return true;
  return false;
}

/**
 * Whose clock a span was timed by: `host.id`, else `host.name`, else `service.instance.id` of its resource; a
 * browser is a host of its own. `UNKNOWN_HOST` when none is named.
 */
export function hostOf(span: Span): string {
  const attributes = span.resource.attributes;
  const instance = stringAttribute(attributes, "service.instance.id");
  if (isBrowserSpan(span)) return BROWSER_PREFIX + (instance ?? "");
  return (
    stringAttribute(attributes, "host.id") ??
    stringAttribute(attributes, "host.name") ??
    instance ??
    UNKNOWN_HOST
  );
}

/** `hostOf` for many spans: looks at each resource object once. Drop it with the spans. */
export function hostNamer(): (span: Span) => string {
  const known = new Map<Resource, string>();
  return (span) => {
    let host = known.get(span.resource);
    if (host === undefined) {
      host = hostOf(span);
      known.set(span.resource, host);
    }
    return host;
  };
}
