import { NONE } from "./columns.ts";
import type { Rings } from "./rings.ts";
import type { Selector } from "./select.ts";
import type { StreamRing } from "./stream.ts";
import { Turns } from "./turns.ts";

/** Told of each match: its ring and slot, valid in this turn only. */
export type Visit = (ring: StreamRing, slot: number) => void;

/**
 * Visits every record that passes, newest arrivals first in each ring. Ends where it stood when it was called:
 * later arrivals are not visited, and records evicted between two turns are left out.
 */
export async function scanRings(store: Rings, selector: Selector, visit: Visit): Promise<void> {
  const turns = new Turns(selector.rowCost);
  const ends = selector.rings.map((number) => store.all[number]!.next);
  for (const [i, number] of selector.rings.entries()) {
    const ring = store.all[number]!;
    const { mask } = ring.columns;
    selector.begin();
    for (let sequence = ends[i]! - 1; sequence >= ring.oldest; sequence--) {
      if (selector.matches(ring, sequence & mask)) visit(ring, sequence & mask);
      if (turns.spend()) {
        await turns.next();
        selector.begin();
      }
    }
  }
}

/** `scanRings` for the records of one trace, in one turn. */
export function scanTrace(store: Rings, selector: Selector, trace: number, visit: Visit): void {
  selector.begin();
  forEachOfTrace(store, trace, (ring, slot) => {
    if (selector.rings.includes(ring.number) && selector.matches(ring, slot)) visit(ring, slot);
  });
}

/** Visits every record of a trace, chain by chain, in order of arrival within each. */
export function forEachOfTrace(store: Rings, trace: number, visit: Visit): void {
  const { index } = store;
  for (let chain = index.firstChain[trace]!; chain !== NONE; chain = index.chainNext[chain]!) {
    const ring = store.all[index.chainRing[chain]!]!;
    const { next } = ring.columns;
    let slot = index.chainHead[chain]!;
    for (let left = index.chainCount[chain]!; left > 0; left--) {
      visit(ring, slot);
      slot = next[slot]!;
    }
  }
}
