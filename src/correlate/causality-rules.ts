/** The steps of a diagnosis. Each can be turned off, to see what it is worth (`npm run bench:rca`). */
export interface CausalitySteps {
  /** Time that operations spend themselves. */
  readonly selfTime: boolean;
  /** Time that calls spend on the way to another service and back. */
  readonly edgeGaps: boolean;
  /** Blame such time on the callee where its other callers say so too, instead of on the caller. */
  readonly calleeBlame: boolean;
  /** Weigh time by what the request waited for. */
  readonly criticalPath: boolean;
  /** Log records written or not. */
  readonly logs: boolean;
  /** Which log record follows which. */
  readonly transitions: boolean;
  /** Calls never seen before, and calls repeated far more often than before. */
  readonly calls: boolean;
  /** Sequences of calls that stop early or leave one out. */
  readonly stops: boolean;
  /** ERROR status and exceptions. */
  readonly errors: boolean;
  /** A deviation that a deviation further down accounts for counts less. */
  readonly explain: boolean;
}

/** What a diagnosis goes by. Every number is dimensionless unless its name has a unit. */
export interface CausalityRules {
  readonly steps: CausalitySteps;
  /** Time counts when its median lies this many noise units above every baseline… */
  readonly zMin: number;
  /** …and is this many times as long. */
  readonly effectMin: number;
  /** Natural log units that windows differ by when nothing is wrong, at least. */
  readonly noiseFloor: number;
  /** Spread assumed for operations seen only a few times, and how many calls that assumption is worth. */
  readonly priorSpread: number;
  readonly priorCalls: number;
  /** Added time, as a share of the normal request, that counts half; and how sharply more counts more. */
  readonly addedShareHalf: number;
  readonly addedShareSharpness: number;
  /** Slow requests × log of how much slower, at which chance is ruled out to 1/e: single requests are often slow. */
  readonly slowChance: number;
  /** Share of an edge's added time from which another edge counts as slowed alike. */
  readonly edgeAlike: number;
  /** Weight of the caller's other calls against the callee's other callers, and what one call says of its caller. */
  readonly callerWeight: number;
  readonly callerPrior: number;
  /** Least G (twice the log likelihood ratio) for a changed fact, and the G at which chance is ruled out to 1/e. */
  readonly gMin: number;
  readonly gChance: number;
  /** Standard errors taken off the size of a change. */
  readonly standardErrors: number;
  /** Share of its strength that a deviation further down must have to explain one. */
  readonly explainsMin: number;
  /** How much of an explained deviation is taken off. */
  readonly explainedWeight: number;
  /** Weight of each further fact of a service relative to the one before: facts of one fault come together. */
  readonly furtherFact: number;
  /** Below this score, or with less lead than this, nothing is named. */
  readonly scoreMin: number;
  readonly leadMin: number;
}

/**
 * Chosen for stability, not fit: each may change by a quarter either way without a change in rank on the labelled
 * cases (`npm run bench:rca` prints the table).
 */
export const CAUSALITY_RULES: CausalityRules = {
  steps: {
    selfTime: true,
    edgeGaps: true,
    calleeBlame: true,
    criticalPath: true,
    logs: true,
    transitions: true,
    calls: true,
    stops: true,
    errors: true,
    explain: true,
  },
  zMin: 2,
  effectMin: 1.28,
  noiseFloor: 0.08,
  priorSpread: 0.35,
  priorCalls: 5,
  addedShareHalf: 0.3,
  addedShareSharpness: 1.5,
  slowChance: 12,
  edgeAlike: 0.25,
  callerWeight: 2,
  callerPrior: 0.1,
  gMin: 6,
  gChance: 25,
  standardErrors: 2,
  explainsMin: 0.4,
  explainedWeight: 0.85,
  furtherFact: 0.5,
  scoreMin: 0.2,
  leadMin: 0.05,
};

/**
 * Where a symptom is given, something is wrong with its traces for certain and the question is only where, so a single
 * trace may speak: less is taken off for chance.
 */
export const SYMPTOM_RULES: CausalityRules = {
  ...CAUSALITY_RULES,
  slowChance: 1,
  gChance: 5,
  standardErrors: 1,
};
