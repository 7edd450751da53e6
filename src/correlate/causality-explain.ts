import { operationKey, placeKey } from "./baseline.ts";
import { type Behaviour, factKey } from "./behaviour.ts";
import type { Evidence, FactPart, TimeEvidence } from "./causality-evidence.ts";
import type { CausalityRules } from "./causality-rules.ts";
import type { TraceWindow } from "./window.ts";

const SAMPLES_MAX = 3;

/** Where one piece of evidence shows, and how far something else accounts for it. */
export interface Shown {
  /** Spans that show it. */
  readonly spans: number;
  /** Traces that show it, by number, ascending. */
  readonly traces: readonly number[];
  /** Positions of a few of those spans. */
  readonly samples: readonly number[];
  /** Share of those spans below which another service deviates strongly enough to account for it, 0 to 1. */
  readonly explainedShare: number;
}

export interface Explained {
  /** By number of the evidence. */
  readonly shown: readonly Shown[];
  /** By position: number of the strongest evidence that the span shows, or -1. */
  readonly strongest: Int32Array;
}

/**
 * Finds the spans that show each piece of evidence and carries the strongest deviation of every subtree up, in one
 * pass over the window (analyses.md, causality step 8). Evidence is explained on a span when a span below it shows
 * evidence against another service of at least 0.4 of its strength. Time spent is never explained: it is counted
 * where it was spent. O(spans × evidence of their operation).
 */
export function explainEvidence(
  window: TraceWindow,
  behaviour: Behaviour,
  evidence: readonly Evidence[],
  inScope: (at: number) => boolean,
  rules: CausalityRules,
): Explained {
  const watched = new Watch(window, behaviour, evidence);
  const below = new StrongestBelow(window.nodes.length);
  const tally = evidence.map(() => ({
    spans: 0,
    explained: 0,
    traces: [] as number[],
    samples: [] as number[],
  }));
  const strongest = new Int32Array(window.nodes.length).fill(-1);
  for (let at = window.nodes.length - 1; at >= 0; at--) {
    const trace = window.trace[at]!;
    if (!inScope(at)) continue;
    for (const id of watched.shownAt(at)) {
      const item = evidence[id]!;
      const counts = tally[id]!;
      counts.spans += 1;
      if (counts.traces.at(-1) !== trace) {
        counts.traces.push(trace);
        if (counts.samples.length < SAMPLES_MAX) counts.samples.push(at);
      }
      const explainable = item.kind === "fact" && rules.steps.explain;
      if (explainable && below.inOtherService(at, item.service) >= rules.explainsMin * item.strength) {
        counts.explained += 1;
      }
      if (strongest[at]! < 0 || item.strength > evidence[strongest[at]!]!.strength) strongest[at] = id;
    }
    const parent = window.parent[at]!;
    if (parent < 0) continue;
    below.carry(at, parent);
    if (strongest[at]! >= 0) {
      const { strength, service } = evidence[strongest[at]!]!;
      below.add(parent, strength, service);
    }
  }
  const shown = tally.map(({ spans, explained, traces, samples }) => ({
    spans,
    traces: traces.reverse(),
    samples: samples.reverse(),
    explainedShare: spans > 0 ? explained / spans : 0,
  }));
  return { shown, strongest };
}

/** Tells which evidence a span shows. */
class Watch {
  readonly #window: TraceWindow;
  readonly #behaviour: Behaviour;
  readonly #evidence: readonly Evidence[];
  /** Numbers of time evidence by operation. */
  readonly #time: (readonly number[])[];
  /** Fact evidence by place. */
  readonly #facts: (readonly WatchedFact[])[];

  constructor(window: TraceWindow, behaviour: Behaviour, evidence: readonly Evidence[]) {
    this.#window = window;
    this.#behaviour = behaviour;
    this.#evidence = evidence;
    const timeByKey = new Map<string, number[]>();
    const factsByKey = new Map<string, WatchedFact[]>();
    const factIds = new Map(behaviour.facts.map((fact, id) => [factKey(fact), id]));
    evidence.forEach((item, number) => {
      if (item.kind === "time") {
        append(timeByKey, operationKey(item.operation), number);
        return;
      }
      for (const part of item.parts)
        append(factsByKey, placeKey(part.place), watchFact(part, number, factIds));
    });
    this.#time = window.operations.map((operation) => timeByKey.get(operationKey(operation)) ?? []);
    this.#facts = window.places.map((place) => factsByKey.get(placeKey(place)) ?? []);
  }

  /** Numbers of the evidence that the span at a position shows. */
  shownAt(at: number): number[] {
    const shown: number[] = [];
    for (const number of this.#time[this.#window.operation[at]!]!) {
      if (this.#isSlow(at, this.#evidence[number] as TimeEvidence)) shown.push(number);
    }
    for (const { number, gained, fact, given } of this.#facts[this.#window.place[at]!]!) {
      if (given !== undefined && !this.#holds(at, given)) continue;
      if (this.#holds(at, fact) === gained) shown.push(number);
    }
    return shown;
  }

  #isSlow(at: number, evidence: TimeEvidence): boolean {
    if (this.#window.selfNs[at]! <= evidence.thresholdNs) return false;
    const callee = this.#window.callee[at]!;
    const service = callee < 0 ? "" : this.#window.nodes[callee]!.span.resource.service;
    return service === evidence.callee;
  }

  #holds(at: number, fact: number): boolean {
    const { first, ids } = this.#behaviour;
    for (let i = first[at]!; i < first[at + 1]!; i++) if (ids[i] === fact) return true;
    return false;
  }
}

interface WatchedFact {
  readonly number: number;
  readonly gained: boolean;
  /** -1 when the window has no such fact at all. */
  readonly fact: number;
  /** Fact that must hold for the other to be expected: the log record before a lost transition. */
  readonly given: number | undefined;
}

function watchFact(part: FactPart, number: number, factIds: ReadonlyMap<string, number>): WatchedFact {
  const { fact, gained } = part;
  const after = fact.kind === "next" && !gained && fact.template !== null ? fact.template : undefined;
  return {
    number,
    gained,
    fact: factIds.get(factKey(fact)) ?? -1,
    given: after === undefined ? undefined : (factIds.get(`log ${after}`) ?? -1),
  };
}

/** Of every span, the strongest deviation below it, and the strongest of another service than that one's. */
class StrongestBelow {
  readonly #strength: readonly [Float64Array, Float64Array];
  readonly #service: readonly [string[], string[]];

  constructor(spans: number) {
    this.#strength = [new Float64Array(spans), new Float64Array(spans)];
    this.#service = [new Array<string>(spans).fill(""), new Array<string>(spans).fill("")];
  }

  add(at: number, strength: number, service: string): void {
    const [best, next] = this.#strength;
    const [bestService, nextService] = this.#service;
    if (service === bestService[at]) {
      best[at] = Math.max(best[at]!, strength);
    } else if (strength > best[at]!) {
      next[at] = best[at]!;
      nextService[at] = bestService[at]!;
      best[at] = strength;
      bestService[at] = service;
    } else if (strength > next[at]!) {
      next[at] = strength;
      nextService[at] = service;
    }
  }

  /** What is below a span is below its parent as well. */
  carry(at: number, parent: number): void {
    for (const rank of [0, 1] as const) {
      const strength = this.#strength[rank][at]!;
      if (strength > 0) this.add(parent, strength, this.#service[rank][at]!);
    }
  }

  inOtherService(at: number, service: string): number {
    return this.#strength[this.#service[0][at] === service ? 1 : 0][at]!;
  }
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const items = map.get(key);
  if (items === undefined) map.set(key, [item]);
  else items.push(item);
}
