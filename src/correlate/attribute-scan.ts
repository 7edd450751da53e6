import type { AttributeValue } from "../model/attributes.ts";
import type { Span } from "../model/span.ts";
import type { AttributeFinding } from "./causality-report.ts";
import { arcsineDistance, gStatistic } from "./proportions.ts";

const FINDINGS_MAX = 5;
const VALUE_CHARS_MAX = 120;
/** Spans looked at on each side, and distinct values of one attribute: more are ids, which set nothing apart. */
const SPANS_MAX = 2_000;
const VALUES_MAX = 200;
/** G at which a difference is rare by chance (1 in 1,000), and the least size worth telling. */
const G_MIN = 10.8;
const SIZE_MIN = 0.2;

/**
 * Attribute values that deviating spans have and others of the same operation have not, of spans and their resources;
 * best told apart first, at most five. Empty when either side is empty (analyses.md, causality step 11). Where an
 * attribute's values are all different, only whether it is there counts.
 */
export function scanAttributes(deviating: readonly Span[], others: readonly Span[]): AttributeFinding[] {
  const now = countValues(deviating.slice(0, SPANS_MAX));
  const usual = countValues(others.slice(0, SPANS_MAX));
  const found: (AttributeFinding & { readonly size: number })[] = [];
  for (const [attribute, values] of now.values) {
    if (values.size > VALUES_MAX) continue;
    for (const [value, held] of values) {
      const otherHeld = usual.values.get(attribute)?.get(value) ?? 0;
      const g = gStatistic(held, now.spans, otherHeld, usual.spans);
      const size = arcsineDistance(held, now.spans, otherHeld, usual.spans);
      if (!(size >= SIZE_MIN) || g < G_MIN) continue;
      const deviatingShare = held / now.spans;
      const otherShare = usual.spans === 0 ? 0 : otherHeld / usual.spans;
      found.push({
        attribute,
        value,
        deviating_share: deviatingShare,
        other_share: otherShare,
        g: Math.round(g * 10) / 10,
        size,
      });
    }
  }
  found.sort((a, b) => b.g * b.size - a.g * a.size || (a.attribute < b.attribute ? -1 : 1));
  return found.slice(0, FINDINGS_MAX).map(({ size: _, ...finding }) => finding);
}

function countValues(spans: readonly Span[]) {
  const values = new Map<string, Map<string, number>>();
  for (const span of spans) {
    const seen = new Set<string>();
    for (const attributes of [span.attributes, span.resource.attributes]) {
      for (const key in attributes) {
        if (seen.has(key)) continue;
        seen.add(key);
        let counts = values.get(key);
        if (counts === undefined) {
          counts = new Map();
          values.set(key, counts);
        }
        const value = textOf(attributes[key] ?? null);
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
  }
  return { spans: spans.length, values };
}

function textOf(value: AttributeValue): string {
  if (typeof value === "string") return value.slice(0, VALUE_CHARS_MAX);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.slice(0, 10).map(textOf).join(", ").slice(0, VALUE_CHARS_MAX);
  if (typeof value === "object" && value !== null)
    return Object.keys(value).join(", ").slice(0, VALUE_CHARS_MAX);
  return String(value);
}
