/** Ids as they go on the wire: lower-case hex, `""` when unknown; flags as in traceparent. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

export const NO_IDS: TraceIds = { traceId: "", spanId: "", flags: 0 };

const ZEROS = /^0+$/;

/**
 * A trace id in any form loggers write: 32 hex digits (also with dashes or in capitals), a traceparent, 16 hex digits
 * (B3), AWS X-Ray's `1-…-…`, Google's `projects/…/traces/…`, or Datadog's decimal of the low 64 bits. `""` when it is
 * none of them, or zero.
 */
export function traceIdOf(value: unknown): string {
  if (typeof value === "number") return decimalId(String(value), 32);
  if (typeof value !== "string") return "";
  const text = value.trim();
  if (/^[0-9a-f]{32}$/i.test(text)) return nonZero(text.toLowerCase());
  const traceparent = traceparentIn(text);
  if (traceparent !== undefined) return traceparent.traceId;
  const xray = /(?:^|Root=)1-([0-9a-f]{8})-([0-9a-f]{24})/i.exec(text);
  if (xray !== null) return nonZero((xray[1]! + xray[2]!).toLowerCase());
  const google = /^projects\/[^/]+\/traces\/([0-9a-f]{32})/i.exec(text);
  if (google !== null) return nonZero(google[1]!.toLowerCase());
  if (/^\d{1,20}$/.test(text) && !/^0\d{15}$/.test(text)) return decimalId(text, 32);
  if (/^[0-9a-f]{16}$/i.test(text)) return nonZero(text.toLowerCase().padStart(32, "0"));
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text))
    return nonZero(text.replaceAll("-", "").toLowerCase());
  return "";
}

/** A span id: 16 hex digits, or Datadog's decimal. `""` when it is neither, or zero. */
export function spanIdOf(value: unknown): string {
  if (typeof value === "number") return decimalId(String(value), 16);
  if (typeof value !== "string") return "";
  const text = value.trim();
  if (/^[0-9a-f]{16}$/i.test(text)) return nonZero(text.toLowerCase());
  return /^\d{1,20}$/.test(text) ? decimalId(text, 16) : "";
}

/** The first traceparent (W3C Trace Context, version 00) that stands anywhere in `text`. */
export function traceparentIn(text: string): TraceIds | undefined {
  const match = /(?<![0-9a-z-])00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?![0-9a-z-])/.exec(text);
  if (match === null || ZEROS.test(match[1]!) || ZEROS.test(match[2]!)) return undefined;
  return { traceId: match[1]!, spanId: match[2]!, flags: Number.parseInt(match[3]!, 16) };
}

/**
 * Ids anywhere in a line of plain text: a bare traceparent, or `trace_id=…` and its spellings with `span_id=…`. The
 * word "trace" or the shape of a traceparent must be there, which is looked for first since most lines have neither.
 */
export function traceIdsIn(text: string): TraceIds {
  if (text.includes("00-")) {
    const found = traceparentIn(text);
    if (found !== undefined) return found;
  }
  if (!/trace|Root=1-/i.test(text)) return NO_IDS;
  const named = /trace[-_.]?id["']?\s?[=:]\s?["']?([\w-]+)/i.exec(text);
  const given = named?.[1] ?? /Root=1-[0-9a-f-]+|projects\/[^/\s]+\/traces\/\w+/i.exec(text)?.[0];
  const traceId = given === undefined ? "" : traceIdOf(given);
  if (traceId === "") return NO_IDS;
  const span = /(?:span[-_.]?id["']?\s?[=:]|Parent=)\s?["']?(\w+)/i.exec(text);
  return { traceId, spanId: span === null ? "" : spanIdOf(span[1]), flags: 0 };
}

function decimalId(text: string, digits: number): string {
  const value = BigInt(text);
  return value === 0n || value >= 1n << 64n ? "" : value.toString(16).padStart(digits, "0");
}

function nonZero(id: string): string {
  return ZEROS.test(id) ? "" : id;
}
