import type { BaselineSummary } from "./baseline.ts";
import type { FactEvidence, FactPart } from "./causality-evidence.ts";
import type { CausalityRules } from "./causality-rules.ts";
import type { ComparedPlace } from "./compared-place.ts";
import { gStatistic } from "./proportions.ts";

/** One place's share in a group: how much changed there, and how many traces say so. */
interface Contribution {
  /** Size of the change, 0 to 1. */
  readonly size: number;
  readonly part: FactPart;
  readonly compared: ComparedPlace;
  /** Share of the place's calls that could show the fact. */
  readonly share: number;
}

interface Group {
  readonly rule: FactEvidence["rule"];
  readonly service: string;
  readonly parts: FactPart[];
  g: number;
  /** Sum of sizes weighed by traces. */
  weighed: number;
  traces: number;
  baselineTraces: number;
}

/** Evidence gathered by service, rule and fact. */
export class FactGroups {
  /** Services that left spans in the window. */
  readonly services: ReadonlySet<string>;
  readonly #groups = new Map<string, Group>();

  constructor(current: BaselineSummary) {
    this.services = new Set(current.operations.map(({ service }) => service));
  }

  add(rule: FactEvidence["rule"], service: string, id: string, from: Contribution): void {
    const key = `${rule}\n${service}\n${from.part.gained}\n${id}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { rule, service, parts: [], g: 0, weighed: 0, traces: 0, baselineTraces: 0 };
      this.#groups.set(key, group);
    }
    const { now, earlier } = from.compared;
    const { held, of, baselineHeld, baselineOf } = from.part;
    // Spans of one trace are not independent: counts are scaled down to traces.
    const byTrace = now.traces / now.calls;
    const traces = now.traces * from.share;
    group.parts.push(from.part);
    group.g += gStatistic(held, of, baselineHeld, baselineOf) * byTrace;
    group.weighed += from.size * traces;
    group.traces += traces;
    const baselineCalls = earlier.reduce((sum, place) => sum + place.calls, 0);
    const baselineTraces = earlier.reduce((sum, place) => sum + place.traces, 0);
    group.baselineTraces += baselineTraces * (baselineOf / baselineCalls);
  }

  finish(rules: CausalityRules): FactEvidence[] {
    const found: FactEvidence[] = [];
    for (const { rule, service, parts, g, weighed, traces, baselineTraces } of this.#groups.values()) {
      if (g < rules.gMin) continue;
      const error = (rules.standardErrors / Math.PI) * Math.sqrt(1 / traces + 1 / baselineTraces);
      const size = weighed / traces - error;
      if (size <= 0) continue;
      const strength = size * (1 - Math.exp(-g / rules.gChance));
      const { fact, gained } = parts[0]!;
      found.push({ kind: "fact", rule, service, fact, gained, parts, strength, g });
    }
    return found;
  }
}
