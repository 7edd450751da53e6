/*
 * What the REST API speaks, for whoever talks to it: the page, the UI, the extension, the CLI. Types only.
 */
export type {
  AccessibilityViolation,
  BrowserCommand,
  BrowserStep,
  BrowserTab,
  CommandValue,
  ExtensionId,
  ExtensionState,
  FromExtension,
  OriginLink,
  PageState,
  Selectors,
  StepEffect,
  StepExpectation,
  ToExtension,
  UserFlow,
} from "../model/browser.ts";
export type { ObserveResponse } from "../query/shapes.ts";

/** The body of every refusal. `message` is whole by itself; `remedy` is the part that says what to do. */
export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    /** The call that leads on, where there is one. */
    readonly next?: string;
  };
}

/** `GET /api/observe?format=text`: the reply as an agent reads it. */
export interface TextBody {
  readonly text: string;
  /** Of an analysis: what a script goes by. */
  readonly verdict?: string;
}

/** `POST /api/import`: how many OTLP requests were taken. */
export interface ImportBody {
  readonly bodies: number;
}

/** `GET /healthz` and `/readyz`. */
export interface HealthBody {
  readonly status: "ok" | "ready";
  readonly service: "gasoline";
  readonly version: string;
}

type Json = { readonly [key: string]: unknown };

/**
 * `GET /api/traces/:id`: all that is held of one trace. `spans` stand in display order (a parent before its
 * children, siblings by start); the tree is in `parent` and `depth`, not nested, since traces can be deeper than
 * JSON readers like. Times are Unix nanoseconds as decimal text.
 */
export interface TraceBody {
  readonly trace_id: string;
  /** Earliest start and latest end of the spans held; absent without spans. */
  readonly start_ns?: string;
  readonly end_ns?: string;
  readonly services: readonly string[];
  readonly spans: readonly TraceSpan[];
  /** Log records that name no span, or one that is not held. */
  readonly logs: readonly TraceLog[];
  /** Records of this trace that were evicted or expired. */
  readonly lost: number;
  /** Something is missing: records were lost, or a parent is not held. */
  readonly partial: boolean;
  /** Parents that spans name and that are not held. */
  readonly missing_parents: readonly string[];
  readonly duplicates_folded: number;
}

export interface TraceSpan {
  /** Short id, as replies to agents use it. */
  readonly id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id?: string;
  /** Position of the parent in `spans`, -1 for a root or an orphan. */
  readonly parent: number;
  readonly depth: number;
  readonly name: string;
  readonly service: string;
  readonly kind: string;
  readonly start_ns: string;
  /** Absent while the span is open. */
  readonly end_ns?: string;
  readonly status: { readonly code: string; readonly message?: string };
  readonly attributes: Json;
  readonly events: readonly { readonly time_ns: string; readonly name: string; readonly attributes: Json }[];
  readonly links: readonly {
    readonly trace_id: string;
    readonly span_id: string;
    readonly attributes: Json;
  }[];
  readonly logs: readonly TraceLog[];
  readonly resource: Json;
  readonly scope: { readonly name: string; readonly version: string };
  readonly trace_state?: string;
  readonly dropped?: { readonly attributes: number; readonly events: number; readonly links: number };
  /** What is odd about it: orphan, open, late, negative, cycle_cut. */
  readonly flags?: readonly string[];
}

export interface TraceLog {
  readonly id: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly time_ns: string;
  readonly level: string;
  readonly severity: number;
  readonly event_name?: string;
  readonly body: unknown;
  readonly attributes: Json;
  readonly service: string;
}
