import { maskText } from "./templates.ts";

const CHARS_MAX = 20_000;
const DEPTH_MAX = 32;

/**
 * What differs between two calls that do the same: instants, UUIDs, long ids and durations. Plain numbers stay, so that
 * a poll whose progress moves is seen to move.
 */
const VOLATILE = new RegExp(
  [
    "\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}:\\d{2}(?:[.,]\\d+)?(?:Z|[+-]\\d{2}:?\\d{2})?", // instant
    "\\b\\d{2}:\\d{2}:\\d{2}(?:[.,]\\d+)?\\b", // time of day
    "\\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\b", // uuid
    "\\b(?=[0-9a-f]*\\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\\b", // hex id
    "\\b1[5-9]\\d{8}(?:\\d{3}|\\d{6}|\\d{9})?(?:\\.\\d+)?\\b", // Unix time in s, ms, µs or ns
    "\\b\\d+(?:\\.\\d+)? ?(?:ns|µs|us|ms|s|sec|seconds)\\b", // duration
  ].join("|"),
  "gi",
);

/** Keys whose numbers are durations or positions in time, whatever the value looks like. */
const VOLATILE_KEY = /(?:^|_)(?:time|timestamp|at|ms|ns|duration|elapsed|cursor|since|horizon)(?:_|$)/i;

/** A value as text that is the same for values that mean the same: keys sorted, volatile parts masked. */
export function fingerprint(value: unknown): string {
  return canonical(value, 0).slice(0, CHARS_MAX).replace(VOLATILE, "<>");
}

/** The text of an error without its numbers, ids and paths. */
export function errorFingerprint(error: string): string {
  return maskText(error);
}

/** A call's arguments as they stand: here a changed number is a changed call. */
export function exactText(value: unknown): string {
  return canonical(value, 0, false).slice(0, CHARS_MAX);
}

/** JSON with sorted keys; what is nested deeper than 32 levels reads `…`. */
function canonical(value: unknown, depth: number, maskKeys = true): string {
  if (depth > DEPTH_MAX) return "…";
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth + 1, maskKeys)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    const fields = entries.map(([key, field]) => {
      const isVolatile = maskKeys && typeof field === "number" && VOLATILE_KEY.test(key);
      return `${JSON.stringify(key)}:${isVolatile ? "<>" : canonical(field, depth + 1, maskKeys)}`;
    });
    return `{${fields.join(",")}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
