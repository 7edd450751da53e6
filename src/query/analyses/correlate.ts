import { correlate, type InferredMember } from "../../correlate/correlate.ts";
import { counted, evidenceOf, type Finding, msText, rounded } from "../../correlate/finding.ts";
import { GasolineError } from "../../model/errors.ts";
import { toText } from "../json-value.ts";
import { type AnalysisAnswer, concluded, findTrace, type WindowQuestion } from "./question.ts";

/** The answer of `correlate`. */
export interface CorrelateAnswer extends AnalysisAnswer {
  readonly trace_id: string;
  readonly spans: number;
  readonly logs: number;
  readonly services: readonly string[];
  /** Where the request's time went, in ms; the parts add up to `total_ms`. */
  readonly latency_breakdown: {
    readonly total_ms: number;
    readonly browser_to_network: number;
    readonly network_roundtrip: number;
    readonly backend_processing: number;
    readonly database: number;
    readonly external: number;
  };
}

/** Records this long before and after the request may belong to it. */
const AROUND_NS = 2_000_000_000n;

/**
 * Everything that belongs to one trace: its own spans and logs, and apart from them, with a confidence, what probably
 * does (correlate/correlate.ts). Throws `bad_parameter` without a trace.
 */
export function correlateTrace({ window, traceId }: WindowQuestion): CorrelateAnswer {
  if (traceId === undefined) {
    throw new GasolineError(
      "bad_parameter",
      "correlate needs trace_id, span_id or event_id.",
      'Call observe {"what":"traces"} and take a trace_id from it.',
    );
  }
  const id = findTrace(window, traceId);
  const { tree, latency, inferred } = correlate(id, window.spans, window.logs, AROUND_NS);
  const findings = inferred.map((member) => findingOf(member, id));
  const logs = tree.logs.length + tree.nodes.reduce((sum, node) => sum + node.logs.length, 0);
  const services = [...new Set(tree.nodes.map(({ span }) => span.resource.service))].sort();
  const others =
    findings.length === 0
      ? "Nothing else seems to belong to it"
      : `${counted(findings.length, "other trace or log", "other traces or logs")} may belong to it`;
  const verdict = `${counted(tree.nodes.length, "span")} of ${counted(services.length, "service")} and ${counted(logs, "log")} in ${msText(latency.totalNs)}, by their ids. ${others}.`;
  const next = [`observe ${JSON.stringify({ what: "trace", filter: { trace_id: id } })}`];
  return {
    ...concluded(verdict, [latencyFinding(latency, id), ...findings], next),
    trace_id: id,
    spans: tree.nodes.length,
    logs,
    services,
    latency_breakdown: {
      total_ms: latency.totalNs / 1e6,
      browser_to_network: latency.browserToNetworkNs / 1e6,
      network_roundtrip: latency.networkRoundtripNs / 1e6,
      backend_processing: latency.backendProcessingNs / 1e6,
      database: latency.databaseNs / 1e6,
      external: latency.externalNs / 1e6,
    },
  };
}

function latencyFinding(latency: ReturnType<typeof correlate>["latency"], traceId: string): Finding {
  const parts = [
    ["browser", latency.browserToNetworkNs],
    ["network", latency.networkRoundtripNs],
    ["backend", latency.backendProcessingNs],
    ["database", latency.databaseNs],
    ["external", latency.externalNs],
  ] as const;
  const told = parts.filter(([, ns]) => ns > 0).map(([name, ns]) => `${name} ${msText(ns)}`);
  return {
    kind: "latency",
    text: `${msText(latency.totalNs)} in all: ${told.join(", ")}`,
    evidence: [{ trace_id: traceId }],
    method: "exact",
    confidence: 1,
  };
}

/** What ties an inferred member to the request, in words and as a method. */
const TIES = {
  request_id: { words: "has the same request id", method: "attribute" },
  session: { words: "is of the same session", method: "attribute" },
  method_and_path: { words: "has the same method and path", method: "time-window" },
  log_join: { words: "was written while it ran", method: "time-window" },
} as const satisfies Record<
  InferredMember["method"],
  { readonly words: string; readonly method: Finding["method"] }
>;

function findingOf(member: InferredMember, traceId: string): Finding {
  const { words, method } = TIES[member.method];
  const record = member.kind === "trace" ? member.span : member.log;
  const what =
    member.kind === "trace" ? `${member.span.name} in` : `"${toText(member.log.body).slice(0, 200)}" of`;
  return {
    kind: member.kind,
    text: `${what} ${record.resource.service} ${words}`,
    evidence: [member.kind === "trace" ? evidenceOf(member.span) : { trace_id: traceId }],
    method,
    confidence: rounded(member.confidence),
  };
}
