import type { Span } from "../model/span.ts";

/** Spans without their duplicates, in order of arrival, and how many further copies each one stood for. */
export interface FoldedSpans<S extends Span> {
  readonly spans: readonly S[];
  /** By position in `spans`: copies folded into it, 0 for most. */
  readonly duplicates: Uint32Array;
  readonly duplicateCount: number;
  /** Position in `spans` of the first span with an id. */
  readonly firstOfId: ReadonlyMap<string, number>;
  /** Positions of the further spans whose id an earlier one has; none in a healthy trace. */
  readonly sharing: readonly number[];
}

/**
 * Folds spans that were sent more than once: same span id, same start, same kind. The most complete copy stays,
 * at the place where the first one stood. Spans that share an id but differ in start or kind are different spans
 * (a client and a server span with one id, as Zipkin makes them) and are all kept.
 *
 * Clients retry when a connection drops, so duplicates are expected (OTLP specification, "Duplicate Data").
 * Linear in the number of spans, also when all of them share one id.
 */
export function foldDuplicates<S extends Span>(spans: readonly S[]): FoldedSpans<S> {
  const firstOfId = new Map<string, number>();
  const keptByIdentity = new Map<string, number>();
  const kept: S[] = [];
  const duplicates = new Uint32Array(spans.length);
  const sharing: number[] = [];
  let duplicateCount = 0;
  for (const span of spans) {
    const first = firstOfId.get(span.spanId);
    if (first === undefined) {
      firstOfId.set(span.spanId, kept.push(span) - 1);
      continue;
    }
    // Identities are spelled out only for ids that repeat: a healthy trace has none.
    const firstSpan = kept[first]!;
    const identity = identityOf(span);
    let position = identityOf(firstSpan) === identity ? first : keptByIdentity.get(identity);
    if (position === undefined) {
      position = kept.push(span) - 1;
      keptByIdentity.set(identity, position);
      sharing.push(position);
      continue;
    }
    duplicates[position]! += 1;
    duplicateCount += 1;
    if (completeness(span) >= completeness(kept[position]!)) kept[position] = span;
  }
  return {
    spans: kept,
    duplicates: duplicates.subarray(0, kept.length),
    duplicateCount,
    firstOfId,
    sharing,
  };
}

function identityOf(span: Span): string {
  return `${span.spanId}/${span.startNs}/${span.spanKind}`;
}

/** A span that has ended outranks one still open; after that, the one that says more. */
function completeness(span: Span): number {
  const said = Object.keys(span.attributes).length + span.events.length + span.links.length;
  return (span.endNs === 0n ? 0 : 2 ** 32) + said + (span.statusCode === "unset" ? 0 : 1);
}
