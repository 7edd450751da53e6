/**
 * The answer of `analyze causality_chain`, as it is printed with `--json` and returned over MCP and REST. Names are
 * snake_case because this is what callers read. All arrays may be empty; times are in ms, shares and scores 0 to 1.
 */
export interface CausalityReport {
  /** The conclusion, one or two sentences. */
  readonly verdict: string;
  /** Nothing is named, and why. `ranking` is given all the same. */
  readonly abstained: boolean;
  readonly reason?: string;
  /** Every service with a score above 0, best first, with the operation that its strongest evidence points to. */
  readonly ranking: readonly RankedService[];
  readonly root_cause?: RootCause;
  /** From the root cause up to the symptom, nearest first: who was reached, and how. */
  readonly chain: readonly ChainLink[];
  readonly symptom?: SymptomSeen;
  /** Other services that the evidence allows, best first; at most 4. */
  readonly alternatives: readonly Alternative[];
  readonly missing_telemetry: readonly MissingTelemetry[];
  /** Attribute values that set the root cause's deviating spans apart from its others; at most 5. */
  readonly attributes: readonly AttributeFinding[];
  /** What the window was compared with. */
  readonly compared_with: "baselines" | "other_traces" | "nothing";
  readonly warnings: readonly string[];
}

/** A span by its ids, to drill into. */
export interface SpanRef {
  readonly trace_id: string;
  readonly span_id: string;
}

interface RankedService {
  readonly service: string;
  readonly operation: string;
  readonly score: number;
}

interface RootCause extends RankedService {
  /** How sure: the score, less how close the next one comes. */
  readonly confidence: number;
  readonly evidence: readonly EvidenceLine[];
  /** Spans of the root cause that show it. */
  readonly spans: readonly SpanRef[];
}

/** One deviation in words, with what it rests on. */
export interface EvidenceLine {
  readonly rule: string;
  readonly text: string;
  /** Its weight in the score, 0 to 1. */
  readonly weight: number;
  readonly traces: number;
  readonly spans: readonly SpanRef[];
}

/** One step of the way from cause to symptom: `from` made `to` deviate. */
export interface ChainLink {
  readonly from: { readonly service: string; readonly operation: string };
  readonly to: { readonly service: string; readonly operation: string };
  readonly rule: "waits_for" | "fails_with" | "stops_after" | "calls";
  readonly confidence: number;
  /** Traces in which `to` deviates, of those that the root cause shows in. */
  readonly traces: number;
  /** Median extra time of `to` in those traces; absent when it is not slower. */
  readonly added_ms?: number;
  /** Share of those traces in which `to` failed; absent when none did. */
  readonly failed_share?: number;
  readonly spans: readonly SpanRef[];
}

/** What was seen at the top: the requests that suffered. */
export interface SymptomSeen {
  readonly service: string;
  readonly operation: string;
  readonly traces: number;
  readonly added_ms?: number;
  readonly failed_share?: number;
  /** Error texts of those traces, most frequent first; at most 3. */
  readonly messages: readonly string[];
  readonly spans: readonly SpanRef[];
}

export interface Alternative extends RankedService {
  /** Its strongest evidence in words. */
  readonly because: string;
}

export interface MissingTelemetry {
  readonly kind: "unanswered_call" | "silent_service" | "broken_propagation";
  readonly service: string;
  readonly text: string;
  readonly spans: readonly SpanRef[];
}

export interface AttributeFinding {
  readonly attribute: string;
  readonly value: string;
  /** Share of the deviating and of the other spans that have this value. */
  readonly deviating_share: number;
  readonly other_share: number;
  readonly g: number;
}
