import type { BaselineSummary } from "./baseline.ts";
import { withTemplates } from "./causality-baselines.ts";
import type { Evidence } from "./causality-evidence.ts";
import { factEvidence } from "./causality-facts.ts";
import { CAUSALITY_RULES } from "./causality-rules.ts";
import { timeEvidence } from "./causality-time.ts";
import { evidenceText } from "./causality-words.ts";
import { learnTemplates } from "./templates.ts";

/** What speaks against using a window as a baseline. */
export interface BaselineCheck {
  /** No warning was given. */
  readonly clean: boolean;
  readonly warnings: readonly string[];
}

/** Evidence from here on is told: what a diagnosis of the window would name a service for. */
const STRENGTH_MIN = 0.2;
const WARNINGS_MAX = 5;
/** Share of an operation's calls that fail from which it is told, and calls needed to say so. */
const FAILING_SHARE_MIN = 0.2;
const CALLS_MIN = 5;
/** Traces below which a baseline says little. */
const TRACES_MIN = 20;

/**
 * Looks at a window before it is kept as a baseline: a baseline that holds the fault hides it. Warns when it is too
 * small, when operations mostly fail in it, and when it deviates from the other baselines as a faulty window would.
 */
export function checkBaseline(candidate: BaselineSummary, others: readonly BaselineSummary[]): BaselineCheck {
  const warnings = [...sizeWarnings(candidate), ...failureWarnings(candidate, others)];
  const known = others.filter((other) => other.spans > 0);
  for (const evidence of oneByService(deviations(candidate, known))) {
    warnings.push(`Differs from the other baselines as a fault would: ${evidenceText(evidence)}.`);
  }
  return { clean: warnings.length === 0, warnings };
}

function sizeWarnings({ spans, traces }: BaselineSummary): string[] {
  if (spans === 0) return ["The window holds no spans: nothing can be compared with it."];
  if (traces >= TRACES_MIN) return [];
  return [`The window holds only ${traces} traces; ${TRACES_MIN} or more tell chance from change better.`];
}

/** Operations that mostly fail here and do not in the other baselines that know them. */
function failureWarnings(candidate: BaselineSummary, others: readonly BaselineSummary[]): string[] {
  const usual = new Map<string, number>();
  for (const { operations } of others) {
    for (const { service, name, errors, calls } of operations) {
      const key = `${service}\n${name}`;
      usual.set(key, Math.max(usual.get(key) ?? 0, errors / calls));
    }
  }
  const failing = candidate.operations.filter(({ service, name, errors, calls }) => {
    const share = errors / calls;
    return (
      calls >= CALLS_MIN && share >= FAILING_SHARE_MIN && share > 2 * (usual.get(`${service}\n${name}`) ?? 0)
    );
  });
  failing.sort((a, b) => b.errors / b.calls - a.errors / a.calls || b.errors - a.errors);
  return oneByService(failing).map(
    ({ service, name, errors, calls }) => `${name} in ${service} fails in ${errors} of ${calls} calls.`,
  );
}

/** The first of each service. */
function oneByService<T extends { readonly service: string }>(items: readonly T[]): T[] {
  const first = new Map<string, T>();
  for (const item of items) if (!first.has(item.service)) first.set(item.service, item);
  return [...first.values()].slice(0, WARNINGS_MAX);
}

function deviations(candidate: BaselineSummary, others: readonly BaselineSummary[]): Evidence[] {
  if (others.length === 0) return [];
  const templates = learnTemplates(
    [candidate, ...others].flatMap(({ places }) =>
      places.flatMap(({ facts }) =>
        facts.flatMap(({ fact }) => (fact.kind === "log" ? [fact.template] : [])),
      ),
    ),
  );
  const [current, ...baselines] = [candidate, ...others].map((summary) => withTemplates(summary, templates));
  const evidence: Evidence[] = [
    ...timeEvidence(current!, baselines, () => 1, CAUSALITY_RULES),
    ...factEvidence(current!, baselines, CAUSALITY_RULES),
  ];
  return evidence
    .map((item) => ({ item, strength: item.strength * (1 - chance(item)) }))
    .filter(({ strength }) => strength >= STRENGTH_MIN)
    .sort((a, b) => b.strength - a.strength)
    .map(({ item }) => item);
}

/** That a few slow requests are slow by chance; a single one always may be. For facts it is in their strength. */
function chance(evidence: Evidence): number {
  if (evidence.kind === "fact") return 0;
  return Math.exp((-(evidence.traces - 1) * Math.log(evidence.ratio)) / CAUSALITY_RULES.slowChance);
}
