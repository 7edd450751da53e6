/** How a finding is tied to its evidence, the surest first (analyses.md). */
export type Method = "exact" | "link" | "attribute" | "time-window";

/** A record that shows a finding, to drill into. Absent ids are not known. */
export interface Evidence {
  readonly trace_id?: string;
  readonly span_id?: string;
  /** The attempt of `detect_loop`, by its position in the list given, from 0. */
  readonly attempt?: number;
}

/** One result of an analysis. Names are snake_case because this is what callers read. */
export interface Finding {
  readonly kind: string;
  /** One sentence with names and numbers. */
  readonly text: string;
  /** At most three. */
  readonly evidence: readonly Evidence[];
  readonly method: Method;
  /** 0 to 1. */
  readonly confidence: number;
}

/** What every analysis answers. */
export interface Report<V extends string, F extends Finding> {
  readonly verdict: V;
  /** The verdict in one or two sentences. */
  readonly summary: string;
  /** The weightiest first; at most ten. */
  readonly findings: readonly F[];
  /** Findings that did not fit. */
  readonly truncated: number;
  /** Calls that lead on, as text; at most three. */
  readonly next: readonly string[];
}

const FINDINGS_MAX = 10;
const NEXT_MAX = 3;
const TEXT_CHARS_MAX = 600;
/** Records kept as evidence of one finding. */
export const EVIDENCE_MAX = 3;

/** A report of `findings`, which come weightiest first. `next` leads to the traces of the first ones. */
export function reportOf<V extends string, F extends Finding>(
  verdict: V,
  summary: string,
  findings: readonly F[],
): Report<V, F> {
  const shown = findings
    .slice(0, FINDINGS_MAX)
    .map((finding) => ({ ...finding, text: shortened(finding.text) }));
  const traces = new Set(shown.flatMap(({ evidence }) => evidence.map(({ trace_id }) => trace_id ?? "")));
  traces.delete("");
  return {
    verdict,
    summary: shortened(summary),
    findings: shown,
    truncated: findings.length - shown.length,
    next: [...traces]
      .slice(0, NEXT_MAX)
      .map((trace_id) => `observe ${JSON.stringify({ what: "trace", filter: { trace_id } })}`),
  };
}

/** Names and templates come from telemetry and may be long. */
function shortened(text: string): string {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
}

/** A span or log as evidence. */
export function evidenceOf(record: { readonly traceId: string; readonly spanId: string }): Evidence {
  return {
    ...(record.traceId === "" ? {} : { trace_id: record.traceId }),
    ...(record.spanId === "" ? {} : { span_id: record.spanId }),
  };
}

/** A number of things with its noun: `1 trace`, `2 traces`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** ns as ms with three significant digits. */
export function msText(ns: number): string {
  return `${Number((ns / 1e6).toPrecision(3))} ms`;
}

/** A share as a percentage with three significant digits at most. */
export function percentText(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** Rounded to three digits after the point, as confidences are shown. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
