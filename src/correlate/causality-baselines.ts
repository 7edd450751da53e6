import { GasolineError } from "../model/errors.ts";
import { type BaselineSummary, operationKey, SUMMARY_VERSION } from "./baseline.ts";
import { type Fact, factKey } from "./behaviour.ts";
import type { Templates } from "./templates.ts";
import type { TraceWindow } from "./window.ts";

/** Share of a window's spans whose operation a baseline must know. Below it, most of the comparison is missing. */
const KNOWN_SHARE_LOW = 0.5;

/**
 * The baselines that a window can be compared with, and what is to be said about the others. Empty ones and those of
 * another system (not one operation in common) are left out. Throws `bad_parameter` for a summary of another version.
 */
export function usableBaselines(
  given: readonly BaselineSummary[],
  window: TraceWindow,
): { readonly baselines: readonly BaselineSummary[]; readonly warnings: readonly string[] } {
  const baselines: BaselineSummary[] = [];
  const warnings: string[] = [];
  for (const [i, baseline] of given.entries()) {
    if (baseline.version !== SUMMARY_VERSION) {
      throw new GasolineError(
        "bad_parameter",
        `Baseline ${i + 1} has format version ${String(baseline.version)}, not ${SUMMARY_VERSION}.`,
        "Set the baseline again with this version.",
      );
    }
    const name = given.length > 1 ? `Baseline ${i + 1} of ${given.length}` : "The baseline";
    const share = knownShare(window, baseline);
    if (baseline.spans === 0) {
      warnings.push(`${name} holds no spans and was left out.`);
    } else if (share === 0 && window.nodes.length > 0) {
      warnings.push(`${name} is of another system: no operation of this window is in it. It was left out.`);
    } else {
      baselines.push(baseline);
      if (share < KNOWN_SHARE_LOW && window.nodes.length > 0) {
        const percent = Math.round(100 * share);
        warnings.push(`${name} knows the operations of only ${percent} % of this window's spans.`);
      }
    }
  }
  return { baselines, warnings };
}

function knownShare(window: TraceWindow, baseline: BaselineSummary): number {
  const known = new Set(baseline.operations.map(operationKey));
  const isKnown = window.operations.map((operation) => known.has(operationKey(operation)));
  let spans = 0;
  for (const index of window.operation) if (isKnown[index]) spans += 1;
  return window.nodes.length === 0 ? 0 : spans / window.nodes.length;
}

/** The summary with its log templates as `templates` has them, so that its facts are found again by their keys. */
export function withTemplates(summary: BaselineSummary, templates: Templates): BaselineSummary {
  return {
    ...summary,
    places: summary.places.map((place) => {
      const facts = new Map<string, { fact: Fact; calls: number }>();
      for (const { fact: own, calls } of place.facts) {
        const fact = translate(own, templates);
        const key = factKey(fact);
        // Two templates that became one: the larger count is a lower bound of how many calls had either.
        facts.set(key, { fact, calls: Math.max(calls, facts.get(key)?.calls ?? 0) });
      }
      return { ...place, facts: [...facts.values()] };
    }),
  };
}

function translate(fact: Fact, templates: Templates): Fact {
  const canonical = (template: string | null) => (template === null ? null : templates.templateOf(template));
  if (fact.kind === "log") return { kind: "log", template: templates.templateOf(fact.template) };
  if (fact.kind !== "next") return fact;
  return { kind: "next", template: canonical(fact.template), followedBy: canonical(fact.followedBy) };
}
