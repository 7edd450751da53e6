/** A record's place in the order of pages: its time (ns relative to the epoch), then where it was first stored. */
export interface PagePlace {
  readonly timeNs: number;
  readonly ring: number;
  readonly sequence: number;
}

/** Positive when `a` comes later in time order than `b`, negative when earlier; 0 only for the same record. */
function compareTimes(a: PagePlace, b: PagePlace): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  return a.ring - b.ring || a.sequence - b.sequence;
}

/** Compares two places in an order: negative when `a` is shown before `b`. */
export function comparePlaces(order: "newest" | "oldest"): (a: PagePlace, b: PagePlace) => number {
  return order === "oldest" ? compareTimes : (a, b) => compareTimes(b, a);
}

/**
 * The first `size` of everything offered, in an order: a bounded heap whose top is the last of them, so that a
 * scan of a million rows keeps only the page.
 */
export class FirstOf<T> {
  /** A heap with the last in order at 0. */
  readonly #heap: T[] = [];
  readonly #size: number;
  readonly #compare: (a: T, b: T) => number;

  constructor(size: number, compare: (a: T, b: T) => number) {
    this.#size = size;
    this.#compare = compare;
  }

  /** Whether something of this place would be kept: saves making what would be thrown away. */
  wants(candidate: T): boolean {
    if (this.#heap.length < this.#size) return true;
    return this.#size > 0 && this.#compare(candidate, this.#heap[0]!) < 0;
  }

  offer(candidate: T): void {
    if (!this.wants(candidate)) return;
    if (this.#heap.length < this.#size) {
      this.#heap.push(candidate);
      this.#up(this.#heap.length - 1);
    } else {
      this.#heap[0] = candidate;
      this.#down();
    }
  }

  /** What was kept, in order. */
  inOrder(): T[] {
    return this.#heap.slice().sort(this.#compare);
  }

  #up(from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(heap[at]!, heap[parent]!) <= 0) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #down(): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && this.#compare(heap[child]!, heap[last]!) > 0) last = child;
      }
      if (last === at) return;
      [heap[at], heap[last]] = [heap[last]!, heap[at]!];
      at = last;
    }
  }
}
