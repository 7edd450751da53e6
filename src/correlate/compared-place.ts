import type { PlaceSummary } from "./baseline.ts";
import { type Fact, factKey } from "./behaviour.ts";
import type { FactPart } from "./causality-evidence.ts";

/** A place of the window beside the same place in the baselines that hold it. */
export class ComparedPlace {
  readonly now: PlaceSummary;
  readonly earlier: readonly PlaceSummary[];
  readonly #now: ReadonlyMap<string, number>;
  readonly #earlier: readonly ReadonlyMap<string, number>[];

  constructor(now: PlaceSummary, earlier: readonly PlaceSummary[]) {
    this.now = now;
    this.earlier = earlier;
    this.#now = callsByFact(now);
    this.#earlier = earlier.map(callsByFact);
  }

  /** Every fact that held anywhere, once. */
  facts(): Fact[] {
    const facts = new Map<string, Fact>();
    for (const place of [this.now, ...this.earlier]) {
      for (const { fact } of place.facts) facts.set(factKey(fact), fact);
    }
    return [...facts.values()];
  }

  /** How often a fact held, and of how many calls: those that came to the log record before it, for a transition. */
  counts(fact: Fact): Counts {
    const key = factKey(fact);
    const given = fact.kind === "next" && fact.template !== null ? `log ${fact.template}` : undefined;
    const of = (place: PlaceSummary, held: ReadonlyMap<string, number>) =>
      given === undefined ? place.calls : (held.get(given) ?? 0);
    return {
      held: this.#now.get(key) ?? 0,
      of: of(this.now, this.#now),
      baselines: this.earlier.map((place, i) => ({
        held: this.#earlier[i]!.get(key) ?? 0,
        of: of(place, this.#earlier[i]!),
      })),
    };
  }
}

/** How often a fact held, and of how many calls. */
export interface Counts {
  readonly held: number;
  readonly of: number;
  readonly baselines: readonly { readonly held: number; readonly of: number }[];
}

/** What changed at the place, as evidence holds it. */
export function partOf(compared: ComparedPlace, fact: Fact, gained: boolean, counts: Counts): FactPart {
  const { service, name, kind, entry } = compared.now;
  return {
    place: { service, name, kind, entry },
    fact,
    gained,
    held: counts.held,
    of: counts.of,
    baselineHeld: counts.baselines.reduce((sum, { held }) => sum + held, 0),
    baselineOf: counts.baselines.reduce((sum, { of }) => sum + of, 0),
  };
}

function callsByFact(place: PlaceSummary): Map<string, number> {
  return new Map(place.facts.map(({ fact, calls }) => [factKey(fact), calls]));
}
