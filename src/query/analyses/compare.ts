import {
  type ChangedPath,
  compareTraces,
  type ErrorOrigin,
  type OneSidedPath,
  type PathRef,
  type TraceComparison,
} from "../../correlate/compare.ts";
import { counted, evidenceOf, type Finding, msText } from "../../correlate/finding.ts";
import { GasolineError } from "../../model/errors.ts";
import { type AnalysisAnswer, concluded, type WindowQuestion } from "./question.ts";
import { treesOf } from "./trees.ts";

/** The answer of `compare`. */
export interface CompareAnswer extends AnalysisAnswer {
  readonly before: { readonly traces: number; readonly duration_ms: number | null };
  readonly after: { readonly traces: number; readonly duration_ms: number | null };
  /** Where most time on the critical path is. */
  readonly critical_top: { readonly before: string | null; readonly after: string | null };
}

/**
 * How the window differs from the first baseline, place by place (correlate/compare.ts). `traceId` names the trace to
 * look at; the baseline is taken whole. Throws `bad_parameter` without a baseline.
 */
export function compareWindows({ window, baselines, traceId }: WindowQuestion): CompareAnswer {
  const [baseline] = baselines;
  if (baseline === undefined) {
    throw new GasolineError(
      "bad_parameter",
      "compare needs something to compare with.",
      'Give baseline: a trace id, or a window such as "-30m/-15m".',
    );
  }
  const found = compareTraces(treesOf(baseline), treesOf(window, traceId));
  const findings = findingsOf(found);
  return {
    ...concluded(verdictOf(found, findings), findings),
    before: { traces: found.before.traces, duration_ms: msOrNull(found.before.durationNs) },
    after: { traces: found.after.traces, duration_ms: msOrNull(found.after.durationNs) },
    critical_top: {
      before: placeOrNull(found.criticalTop.before),
      after: placeOrNull(found.criticalTop.after),
    },
  };
}

function msOrNull(ns: number): number | null {
  return Number.isNaN(ns) ? null : ns / 1e6;
}

function placeOrNull(place: PathRef | null): string | null {
  return place === null ? null : `${place.operation} in ${place.service}`;
}

function verdictOf(found: TraceComparison, findings: readonly Finding[]): string {
  const { before, after } = found;
  if (after.traces === 0) return "There is no trace to look at.";
  if (before.traces === 0) return "There is no trace to compare with.";
  const sides = `${counted(after.traces, "trace")} of ${msText(after.durationNs)} against ${before.traces} of ${msText(before.durationNs)}`;
  return findings.length === 0
    ? `Alike: ${sides} (medians).`
    : `${counted(findings.length, "difference")}: ${sides} (medians). First: ${findings[0]!.text}.`;
}

function findingsOf(found: TraceComparison): Finding[] {
  const one = (kind: string, text: string, sample: Parameters<typeof evidenceOf>[0]): Finding => ({
    kind,
    text,
    evidence: [evidenceOf(sample)],
    method: "exact",
    confidence: 1,
  });
  const at = ({ operation, service }: PathRef): string => `${operation} in ${service}`;
  const oneSided =
    (kind: string, word: string) =>
    (place: OneSidedPath): Finding => {
      const below = place.below === 0 ? "" : ` with ${counted(place.below, "place")} below it`;
      return one(kind, `${word}: ${at(place)}${below}, ${counted(place.spans, "span")}`, place.sample);
    };
  const repeats =
    (kind: string) =>
    (place: ChangedPath): Finding =>
      one(
        kind,
        `${at(place)} runs ${times(place.after.perParent)} per parent instead of ${times(place.before.perParent)}`,
        place.after.sample,
      );
  const selfTime =
    (kind: string) =>
    (place: ChangedPath): Finding =>
      one(
        kind,
        `${at(place)} takes ${msText(place.after.selfNs)} of its own instead of ${msText(place.before.selfNs)}`,
        place.after.sample,
      );
  const failure =
    (kind: string, word: string) =>
    (origin: ErrorOrigin): Finding =>
      one(kind, `${word}: ${at(origin)} ${origin.failure}`.trimEnd(), origin.sample);
  return [
    ...found.newErrors.map(failure("new_error", "newly fails")),
    ...found.repeatedMore.map(repeats("repeated_more")),
    ...found.slower.map(selfTime("slower")),
    ...found.added.map(oneSided("added", "only after")),
    ...found.removed.map(oneSided("removed", "only before")),
    ...found.moved.map(({ from, to }) =>
      one("moved", `moved: ${at(to)} was under ${from.path.at(-2) ?? "the root"}`, to.sample),
    ),
    ...found.faster.map(selfTime("faster")),
    ...found.repeatedLess.map(repeats("repeated_less")),
    ...found.goneErrors.map(failure("gone_error", "no longer fails")),
  ];
}

function times(count: number): string {
  return `${Number(count.toPrecision(3))} ×`;
}
