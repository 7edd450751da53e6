import { scanAttributes } from "./attribute-scan.ts";
import type { BaselineSummary } from "./baseline.ts";
import { chainFrom, culpritsOf, refOf, round } from "./causality-chain.ts";
import type { Evidence } from "./causality-evidence.ts";
import type { Explained } from "./causality-explain.ts";
import type { Alternative, CausalityReport, EvidenceLine, SymptomSeen } from "./causality-report.ts";
import type { CausalityRules } from "./causality-rules.ts";
import type { ServiceScore } from "./causality-score.ts";
import { evidenceText } from "./causality-words.ts";
import type { TraceWindow } from "./window.ts";

const EVIDENCE_LINES_MAX = 6;
const SPANS_MAX = 5;
const ALTERNATIVES_MAX = 4;
/** Evidence below this share of the strongest adds nothing to read. */
const WEIGHT_SHARE_MIN = 0.05;

/** Everything that a report is written from. */
export interface Diagnosed {
  readonly window: TraceWindow;
  readonly baselines: readonly BaselineSummary[];
  readonly comparedWith: CausalityReport["compared_with"];
  readonly evidence: readonly Evidence[];
  readonly explained: Explained;
  /** Best first, not empty. */
  readonly scores: readonly ServiceScore[];
  readonly rules: CausalityRules;
}

/** Why the best score is not enough to name a service; undefined when it is. */
export function whyNotEnough({ scores, rules, comparedWith }: Diagnosed): string | undefined {
  const [best, next] = scores as [ServiceScore, ServiceScore | undefined];
  const than = comparedWith === "nothing" ? "" : ` from the ${comparedWith.replace("_", " ")}`;
  if (best.score < rules.scoreMin) {
    return `Nothing stands out: the strongest deviation${than} is ${best.operation.name} in ${best.service} with a score of ${round(best.score)}, below ${rules.scoreMin}.`;
  }
  if (next !== undefined && best.score - next.score < rules.leadMin) {
    return `${best.service} (${round(best.score)}) and ${next.service} (${round(next.score)}) cannot be told apart by what was received.`;
  }
  return undefined;
}

/** Root cause, chain, symptom and attributes of the best-scored service. */
export function nameRootCause(
  diagnosed: Diagnosed,
): Pick<CausalityReport, "verdict" | "root_cause" | "chain" | "symptom" | "attributes"> {
  const { window, baselines, evidence, explained, scores } = diagnosed;
  const [best, next] = scores as [ServiceScore, ServiceScore | undefined];
  const lines = evidenceLines(diagnosed, best);
  const culprits = culpritsOf(window, best.service, evidence, explained);
  const { links, symptom } = chainFrom(window, culprits, baselines, explained);
  const lead = best.score - (next?.score ?? 0);
  const { service, score } = best;
  return {
    verdict: verdictText(best, lines[0], symptom),
    root_cause: {
      service,
      operation: best.operation.name,
      score,
      confidence: round(score * (lead / (lead + 0.1))),
      evidence: lines,
      spans: culprits.slice(0, SPANS_MAX).map((at) => refOf(window, at)),
    },
    chain: links,
    ...(symptom === undefined ? {} : { symptom }),
    attributes: attributesOf(window, culprits, best),
  };
}

/** The next best services from `from` on, each with its strongest evidence. */
export function alternativesIn(diagnosed: Diagnosed, from: number): Alternative[] {
  return diagnosed.scores.slice(from, from + ALTERNATIVES_MAX).map((score) => ({
    service: score.service,
    operation: score.operation.name,
    score: score.score,
    because: evidenceText(diagnosed.evidence[score.evidence[0]!.number]!),
  }));
}

function evidenceLines(
  { window, evidence, explained }: Diagnosed,
  { evidence: own }: ServiceScore,
): EvidenceLine[] {
  const least = own[0]!.weight * WEIGHT_SHARE_MIN;
  const lines: EvidenceLine[] = [];
  const told = new Set<string>();
  for (const { number, weight } of own) {
    const item = evidence[number]!;
    const text = evidenceText(item);
    // That a record is no longer written and that nothing follows the one before it are the same news.
    const topic = item.kind === "fact" && item.rule === "log" ? `log ${item.parts[0]!.place.name}` : text;
    if (weight < least || told.has(topic)) continue;
    told.add(topic);
    const { samples, traces } = explained.shown[number]!;
    const spans = samples.map((at) => refOf(window, at));
    lines.push({ rule: item.rule, text, weight: round(weight), traces: traces.length, spans });
    if (lines.length === EVIDENCE_LINES_MAX) break;
  }
  return lines;
}

function attributesOf(window: TraceWindow, culprits: readonly number[], best: ServiceScore) {
  const { service, name, kind } = best.operation;
  const deviating = new Set(culprits);
  const sides: [number[], number[]] = [[], []];
  for (let at = 0; at < window.nodes.length; at++) {
    const operation = window.operations[window.operation[at]!]!;
    if (operation.service !== service || operation.name !== name || operation.kind !== kind) continue;
    sides[deviating.has(at) ? 0 : 1].push(at);
  }
  const [now, usual] = sides.map((side) => side.map((at) => window.nodes[at]!.span));
  return scanAttributes(now!, usual!);
}

function verdictText(
  best: ServiceScore,
  line: EvidenceLine | undefined,
  symptom: SymptomSeen | undefined,
): string {
  const because = line === undefined ? "" : ` ${line.text}.`;
  const effect = symptom === undefined || symptom.service === best.service ? "" : ` ${effectText(symptom)}`;
  return `${best.service} is the likely root cause (score ${round(best.score)}), at ${best.operation.name}.${because}${effect}`;
}

function effectText({ service, operation, added_ms, failed_share, traces }: SymptomSeen): string {
  const slower = added_ms === undefined ? undefined : `${added_ms} ms slower`;
  const failing = failed_share === undefined ? undefined : `failing in ${Math.round(100 * failed_share)} %`;
  const how = [slower, failing].filter((part) => part !== undefined).join(" and ");
  const requests = `${traces} ${traces === 1 ? "request" : "requests"}`;
  if (how === "")
    return `It shows in ${requests} (${operation} of ${service}), which are neither slower nor failing.`;
  return `Seen as ${operation} of ${service} ${how} (${requests}).`;
}
