import type { SpanReference } from "./records.ts";

/** `00-<trace id>-<span id>-01` of W3C Trace Context. */
export function formatTraceparent({ traceId, spanId }: SpanReference): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The span that a `traceparent` names; undefined for what is none (W3C Trace Context, section 3.2). */
export function parseTraceparent(text: unknown): SpanReference | undefined {
  if (typeof text !== "string") return undefined;
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}/.exec(
    text.trim(),
  );
  return match === null ? undefined : { traceId: match[1]!, spanId: match[2]! };
}

/** Random bytes as lower-case hex; an id of a trace has 16 bytes, of a span 8. */
export function randomHex(bytes: 8 | 16): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
