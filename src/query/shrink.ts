import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { shortTraceId } from "./short-id.ts";

/** A value as a reply shows it, and what was cut off it: `steps: 20 of 1,300`. */
export interface Shrunk {
  readonly value: unknown;
  readonly cut: readonly string[];
}

const KEY_CHARS_MAX = 100;

/**
 * A plain value for a reader with little room: lists of at most `items`, strings cleaned and cut, trace ids by their
 * first digits. Where everything is shown: the value itself. `nowNs` tells ids that begin with a time (`shortTraceId`).
 */
export function shrink(value: unknown, items: number, detail: Detail, nowNs: bigint): Shrunk {
  if (!detail.compact) return { value, cut: [] };
  const { charsMax } = detail;
  const cut = new Set<string>();
  const walk = (inner: unknown, name: string): unknown => {
    if (typeof inner === "string") {
      if (name === "trace_id" && /^[0-9a-f]{32}$/.test(inner)) return shortTraceId(inner, nowNs);
      return clean(inner, charsMax);
    }
    if (Array.isArray(inner)) {
      if (inner.length > items) cut.add(`${name}: ${items} of ${inner.length.toLocaleString("en-US")} shown`);
      return inner.slice(0, items).map((item) => walk(item, name));
    }
    if (typeof inner === "number") return Number.isInteger(inner) ? inner : Number(inner.toPrecision(6));
    if (typeof inner !== "object" || inner === null) return inner;
    const shown: Record<string, unknown> = Object.create(null);
    for (const [key, each] of Object.entries(inner)) shown[clean(key, KEY_CHARS_MAX)] = walk(each, key);
    return shown;
  };
  return { value: walk(value, "value"), cut: [...cut] };
}
