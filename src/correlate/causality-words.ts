import type { Call, Fact } from "./behaviour.ts";
import type { Evidence, FactEvidence, FactPart, TimeEvidence } from "./causality-evidence.ts";
import { counted } from "./finding.ts";

const TEMPLATE_CHARS_MAX = 120;

/** One sentence on a piece of evidence, with its numbers: what changed, from what to what, in how many calls. */
export function evidenceText(evidence: Evidence): string {
  return evidence.kind === "time" ? timeText(evidence) : factText(evidence);
}

function timeText({ operation, callee, medianNs, baselineNs, ratio, calls, traces }: TimeEvidence): string {
  const what =
    callee === "" ? `${operation.name} itself` : `the way from ${operation.name} to ${callee} and back`;
  const where = callee === "" ? ` in ${operation.service}` : ` (called by ${operation.service})`;
  return `${what}${where} takes ${ms(medianNs)} instead of ${ms(baselineNs)} (${times(ratio)}), ${counted(calls, "call")} in ${counted(traces, "trace")}`;
}

function factText(evidence: FactEvidence): string {
  const part = evidence.parts.reduce((most, other) => (other.of > most.of ? other : most));
  const elsewhere =
    evidence.parts.length > 1 ? `, and so in ${evidence.parts.length - 1} more of its places` : "";
  const { name, service } = part.place;
  const shares = part.baselineOf === 0 ? `${part.held} of ${part.of}` : sharesText(part);
  return `${name} in ${service} ${changeText(evidence, part)}: ${shares}${elsewhere}`;
}

function changeText({ rule, gained }: FactEvidence, { fact }: FactPart): string {
  switch (fact.kind) {
    case "log":
      return `${gained ? "now logs" : "no longer logs"} "${cut(fact.template)}"`;
    case "next":
      return transitionText(fact.template, fact.followedBy, gained);
    case "call":
      return rule === "unanswered_call"
        ? `calls ${fact.call.name} and gets no answer`
        : `calls ${callText(fact.call)}, which it never did`;
    case "repeat":
      return `calls ${callText(fact.call)} ${2 ** fact.doublings} times and more`;
    case "sequence":
      return sequenceText(rule, fact);
    case "error":
      return gained ? "fails" : "fails less";
    case "exception":
      return gained ? `throws ${fact.type}` : `throws ${fact.type} less`;
  }
}

function transitionText(template: string | null, followedBy: string | null, gained: boolean): string {
  const from = template === null ? "at its start" : `after "${cut(template)}"`;
  const to = followedBy === null ? "nothing more" : `"${cut(followedBy)}"`;
  return `${gained ? "now" : "no longer"} logs ${to} ${from}`;
}

function sequenceText(rule: string, fact: Fact & { readonly kind: "sequence" }): string {
  const last = fact.calls.at(-1);
  if (rule === "skipped_call") return `calls only ${fact.calls.map(callText).join(", ") || "nothing"}`;
  return last === undefined ? "stops before it calls anything" : `stops after ${callText(last)}`;
}

function sharesText({ held, of, baselineHeld, baselineOf }: FactPart): string {
  return `${held} of ${of} calls, before ${baselineHeld} of ${baselineOf}`;
}

function callText({ name, callee }: Call): string {
  return callee === "" || callee === name ? name : `${name} of ${callee}`;
}

/** Milliseconds with three digits. */
function ms(ns: number): string {
  return `${Number((ns / 1e6).toPrecision(3))} ms`;
}

function times(ratio: number): string {
  return `${Number(ratio.toPrecision(2))} ×`;
}

function cut(text: string): string {
  return text.length > TEMPLATE_CHARS_MAX ? `${text.slice(0, TEMPLATE_CHARS_MAX)}…` : text;
}
