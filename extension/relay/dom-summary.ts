import type { Attributes } from "../model/records.ts";

/** What changed in the document while a span was current. Times are of `performance.now()`. */
interface Changes {
  readonly sinceMs: number;
  lastMs: number;
  added: number;
  removed: number;
  attributes: number;
  text: number;
  readonly places: Map<string, number>;
}

const SPANS_MAX = 50;
const PLACES_MAX = 40;
const PLACES_TOLD = 5;

/**
 * Counts DOM mutations by the span that was current: a summary, not a recording. Watches from the end of parsing on,
 * since what the parser builds is no change.
 */
export class DomSummary {
  readonly #bySpan = new Map<string, Changes>();
  #current: Changes | undefined;
  /** When the document last changed, of `performance.now()`; -Infinity as long as it has not. */
  lastChangeMs = Number.NEGATIVE_INFINITY;

  watch(): void {
    new MutationObserver((mutations) => this.#count(mutations)).observe(document, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
  }

  /** From now on changes belong to this span. */
  begin(spanId: string): void {
    const known = this.#bySpan.get(spanId);
    const now = performance.now();
    this.#current = known ?? {
      sinceMs: now,
      lastMs: now,
      added: 0,
      removed: 0,
      attributes: 0,
      text: 0,
      places: new Map(),
    };
    this.#bySpan.set(spanId, this.#current);
    const [oldest] = this.#bySpan.keys();
    if (this.#bySpan.size > SPANS_MAX && oldest !== undefined) this.#bySpan.delete(oldest);
  }

  /** What to add to a span that ended; nothing when it is none that was ever current. `lengthMs` is its own. */
  end(spanId: string, lengthMs: number): Attributes {
    const changes = this.#bySpan.get(spanId);
    if (changes === undefined) return {};
    const { added, removed, attributes, text, places } = changes;
    const settledMs = Math.max(lengthMs, changes.lastMs - changes.sinceMs);
    const told: Attributes = { "gasoline.browser.settled_ms": Math.round(settledMs * 10) / 10 };
    if (added + removed + attributes + text === 0) return told;
    told["gasoline.browser.dom.added"] = added;
    told["gasoline.browser.dom.removed"] = removed;
    told["gasoline.browser.dom.attributes"] = attributes;
    told["gasoline.browser.dom.text"] = text;
    told["gasoline.browser.dom.places"] = [...places]
      .sort(([, a], [, b]) => b - a)
      .slice(0, PLACES_TOLD)
      .map(([place, count]) => `${place} ×${count}`);
    return told;
  }

  #count(mutations: readonly MutationRecord[]): void {
    this.lastChangeMs = performance.now();
    const changes = this.#current;
    if (changes === undefined) return;
    changes.lastMs = this.lastChangeMs;
    for (const { type, addedNodes, removedNodes, target } of mutations) {
      if (type === "childList") {
        changes.added += addedNodes.length;
        changes.removed += removedNodes.length;
      } else if (type === "attributes") changes.attributes++;
      else changes.text++;
      const place = placeOf(target);
      if (changes.places.has(place) || changes.places.size < PLACES_MAX) {
        changes.places.set(place, (changes.places.get(place) ?? 0) + 1);
      }
    }
  }
}

function placeOf(node: Node): string {
  const element = node instanceof Element ? node : node.parentElement;
  if (element === null) return "document";
  const name = element.localName;
  return element.id === "" ? name : `${name}#${element.id.slice(0, 40)}`;
}
