import type { Fact } from "./behaviour.ts";
import type { Operation, Place } from "./window.ts";

/** Which rule found a deviation. */
export type EvidenceRule =
  | "self_time"
  | "edge_gap"
  | "log"
  | "new_call"
  | "repeated_call"
  | "stopped_after"
  | "skipped_call"
  | "unanswered_call"
  | "error_status"
  | "exception";

/** More time than in every baseline. */
export interface TimeEvidence {
  readonly kind: "time";
  readonly rule: "self_time" | "edge_gap";
  /** Who is blamed: the operation's own service, or one end of the edge. */
  readonly service: string;
  /** Whose spans show it. */
  readonly operation: Operation;
  /** The edge's other end; `""` for self time. */
  readonly callee: string;
  /** Noise units above the baselines. */
  readonly z: number;
  /** Median now ÷ the slowest baseline's median. */
  readonly ratio: number;
  /** Typical extra time of one call in ns, this end's share of it. */
  readonly addedNs: number;
  readonly calls: number;
  readonly traces: number;
  /** A call longer than this is one of the slow ones. */
  readonly thresholdNs: number;
  /** 0 to 1. */
  readonly strength: number;
  readonly medianNs: number;
  readonly baselineNs: number;
}

/** A fact that holds more or less often than in every baseline, over all places where it does. */
export interface FactEvidence {
  readonly kind: "fact";
  readonly rule: Exclude<EvidenceRule, "self_time" | "edge_gap">;
  readonly service: string;
  /** What holds more (`gained`) or less often. */
  readonly fact: Fact;
  readonly gained: boolean;
  readonly parts: readonly FactPart[];
  /** 0 to 1. */
  readonly strength: number;
  /** Twice the log likelihood ratio, by traces. */
  readonly g: number;
}

/** One place where the fact changed. */
export interface FactPart {
  readonly place: Place;
  readonly fact: Fact;
  readonly gained: boolean;
  /** Of how many calls it holds, now and in all baselines together. */
  readonly held: number;
  readonly of: number;
  readonly baselineHeld: number;
  readonly baselineOf: number;
}

export type Evidence = TimeEvidence | FactEvidence;
