import type { Span } from "../model/span.ts";
import type { FoldedSpans } from "./fold-duplicates.ts";

/** In place of a parent's position: the span has none. */
export const NO_PARENT = -1;
/** In place of a parent's position: the span names one that is not held. */
export const PARENT_MISSING = -2;

/** Who is whose parent, by position in `spans`, without cycles. */
export interface ParentLinks {
  /** A position, `NO_PARENT` or `PARENT_MISSING`. */
  readonly parent: Int32Array;
  /** Positions whose link was cut because it closed a cycle; they have `NO_PARENT`. */
  readonly cut: readonly number[];
}

/**
 * Finds spans by id, also where several share one (a client and a server span with one id, as Zipkin makes
 * them): then the one of the asker's service that began last before it, else of any service.
 */
export class SpanFinder {
  readonly #spans: readonly Span[];
  readonly #first: ReadonlyMap<string, number>;
  readonly #shared = new Map<string, SharedId>();

  constructor({ spans, firstOfId, sharing }: FoldedSpans<Span>) {
    this.#spans = spans;
    this.#first = firstOfId;
    for (const position of sharing) this.#share(spans[position]!.spanId).positions.push(position);
    for (const shared of this.#shared.values()) this.#sortByStart(shared);
  }

  /** Position of the span `id` as seen from `service` at `timeNs`, or -1. Never `except`. O(log n). */
  find(id: string, service: string, timeNs: bigint, except: number): number {
    const shared = this.#shared.get(id);
    if (shared === undefined) {
      const first = this.#first.get(id);
      return first === undefined || first === except ? -1 : first;
    }
    const ofService = this.#latestBefore(shared.byService.get(service) ?? [], timeNs, except);
    return ofService >= 0 ? ofService : this.#latestBefore(shared.positions, timeNs, except);
  }

  /**
   * The client span that a server span shares its id with, or -1. Both name the same parent then (or the server
   * none, or itself); a server that names another span is left to its own link.
   */
  findSharedClient(position: number): number {
    const span = this.#spans[position]!;
    if (span.spanKind !== "server" && span.spanKind !== "consumer") return -1;
    const shared = this.#shared.get(span.spanId);
    if (shared === undefined) return -1;
    const client = this.#latestBefore(shared.callers, span.startNs, position);
    if (client < 0) return -1;
    const parentId = span.parentSpanId;
    const same =
      parentId === this.#spans[client]!.parentSpanId || parentId === span.spanId || parentId === "";
    return same ? client : -1;
  }

  #share(id: string): SharedId {
    let shared = this.#shared.get(id);
    if (shared === undefined) {
      shared = { positions: [this.#first.get(id)!], callers: [], byService: new Map() };
      this.#shared.set(id, shared);
    }
    return shared;
  }

  #sortByStart(shared: SharedId): void {
    const spans = this.#spans;
    shared.positions.sort((a, b) => compareBigints(spans[a]!.startNs, spans[b]!.startNs) || a - b);
    for (const position of shared.positions) {
      const { spanKind, resource } = spans[position]!;
      if (spanKind === "client" || spanKind === "producer") shared.callers.push(position);
      const ofService = shared.byService.get(resource.service);
      if (ofService === undefined) shared.byService.set(resource.service, [position]);
      else ofService.push(position);
    }
  }

  /** The last of `sorted` that began at or before `timeNs`, else the first; -1 when only `except` is there. */
  #latestBefore(sorted: readonly number[], timeNs: bigint, except: number): number {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[sorted[middle]!]!.startNs <= timeNs) low = middle + 1;
      else high = middle;
    }
    for (const at of [low - 1, low - 2, low, low + 1]) {
      const position = sorted[at];
      if (position !== undefined && position !== except) return position;
    }
    return -1;
  }
}

/** Positions of the spans of one id, each list by start. */
interface SharedId {
  readonly positions: number[];
  readonly callers: number[];
  readonly byService: Map<string, number[]>;
}

/**
 * Links every span to its parent by id. Links that close a cycle are cut at the cycle's earliest span (then the
 * first to arrive), so following `parent` always ends. Linear, but for ids that many spans share: O(n log n).
 */
export function linkParents(spans: readonly Span[], finder: SpanFinder): ParentLinks {
  const parent = new Int32Array(spans.length);
  const cut: number[] = [];
  for (let i = 0; i < spans.length; i++) {
    const { parentSpanId, spanId, startNs, resource } = spans[i]!;
    const client = finder.findSharedClient(i);
    if (client >= 0) {
      parent[i] = client;
    } else if (parentSpanId === "") {
      parent[i] = NO_PARENT;
    } else {
      const found = finder.find(parentSpanId, resource.service, startNs, i);
      parent[i] = found >= 0 ? found : PARENT_MISSING;
      // A span that is its own parent is the shortest cycle.
      if (found < 0 && parentSpanId === spanId) {
        parent[i] = NO_PARENT;
        cut.push(i);
      }
    }
  }
  cutCycles(spans, parent, cut);
  return { parent, cut };
}

/** Walks up from every span once; a walk that meets itself has found a cycle. */
function cutCycles(spans: readonly Span[], parent: Int32Array, cut: number[]): void {
  const walkOf = new Uint32Array(spans.length); // 0: not seen; else number of the walk that saw it
  for (let i = 0; i < spans.length; i++) {
    const walk = i + 1;
    let at = i;
    while (at >= 0 && walkOf[at] === 0) {
      walkOf[at] = walk;
      at = parent[at]!;
    }
    if (at < 0 || walkOf[at] !== walk) continue;
    let earliest = at;
    for (let next = parent[at]!; next !== at; next = parent[next]!) {
      const order = compareBigints(spans[next]!.startNs, spans[earliest]!.startNs);
      if (order < 0 || (order === 0 && next < earliest)) earliest = next;
    }
    parent[earliest] = NO_PARENT;
    cut.push(earliest);
  }
}

function compareBigints(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
