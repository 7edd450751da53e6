import { counted, evidenceOf } from "../../correlate/finding.ts";
import { buildServiceMap, type CallStats, type ServiceMapKind } from "../../correlate/service-map.ts";
import { type AnalysisAnswer, concluded, type WindowQuestion } from "./question.ts";
import { treesOf } from "./trees.ts";

/** The map of who calls whom. Latencies in ms; null without calls. */
export interface ServicesAnswer extends AnalysisAnswer {
  readonly services: readonly ServiceRow[];
}

export type ServiceRow = {
  readonly service: string;
  readonly kind: string;
  readonly spans: number;
  readonly calls: number;
  readonly errors: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly calls_to: readonly {
    readonly to: string;
    readonly calls: number;
    readonly errors: number;
    readonly p95_ms: number | null;
    readonly trace_id?: string;
    readonly span_id?: string;
  }[];
};

/** What a reader asks for first. */
const KINDS: readonly ServiceMapKind[] = ["browser", "service", "database", "messaging", "external"];

/** Services, pages, databases, queues and what lies outside, with the calls between them. */
export function mapServices({ window }: WindowQuestion): ServicesAnswer {
  const map = buildServiceMap(treesOf(window));
  const nodes = map.nodes.toSorted(
    (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.calls - a.calls,
  );
  const services = nodes.map(
    ({ id, kind, name, spans, ...stats }): ServiceRow => ({
      service: name,
      kind,
      spans,
      ...shown(stats),
      calls_to: map.edges
        .filter(({ from }) => from === id)
        .map(({ to, sample, ...edge }) => ({ to, ...shown(edge), ...evidenceOf(sample) }))
        .map(({ p50_ms: _p50, ...edge }) => edge),
    }),
  );
  const verdict = `${counted(map.nodes.length, "node")} and ${counted(map.edges.length, "edge")}`;
  return { ...concluded(verdict, []), services };
}

function shown({ calls, errors, p50Ns, p95Ns }: CallStats) {
  const ms = (ns: number): number | null => (Number.isNaN(ns) ? null : Number((ns / 1e6).toPrecision(4)));
  return { calls, errors, p50_ms: ms(p50Ns), p95_ms: ms(p95Ns) };
}
