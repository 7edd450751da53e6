import type { SpanKind } from "../model/span.ts";

/** What of an operation changed. */
export type Aspect = "errors" | "tests" | "calls" | "latency" | "logs" | "order" | "presence";

export type Direction = "worse" | "better" | "neutral";

/** Who changed. `operation` is `""` where it is the service as a whole; a test's id where it is a test. */
export interface Subject {
  readonly service: string;
  readonly operation: string;
  readonly kind: SpanKind;
}

/** A difference between baseline and window, before it is known which of them are more than chance. */
export interface Change {
  readonly aspect: Aspect;
  readonly direction: Direction;
  readonly subject: Subject;
  /** One sentence. */
  readonly text: string;
  readonly before: number;
  readonly after: number;
  readonly unit: "share" | "ns" | "calls";
  /** Probability of a difference this large when nothing changed; 1 when it cannot be tested. */
  readonly p: number;
  /** Traces that it rests on. */
  readonly traces: { readonly before: number; readonly after: number };
  /** Larger than the tolerances and the noise floor. */
  readonly large: boolean;
  /** So plain that it counts though there are too few traces for a test. */
  readonly plain: boolean;
  /** Of several changes of one operation, aspect and direction the one with the highest is told first. */
  readonly rank: number;
  /** Positions in the window that show it. */
  readonly evidence: readonly number[];
}

/** What differences are let pass. */
export interface Tolerances {
  /** Latency may differ by this share of the baseline; 0.25 unless told. */
  readonly latency_share: number;
  /** And by so many ms; 1 unless told. */
  readonly latency_ms: number;
  /** Share of failing calls may differ by this much; 0.01 unless told. */
  readonly error_share: number;
}

export const DEFAULT_TOLERANCES: Tolerances = { latency_share: 0.25, latency_ms: 1, error_share: 0.01 };

/**
 * How sure a difference is that every trace of both windows agrees on: the chance that the next of each does too
 * (Laplace's rule of succession, both sides). 0.44 for one trace against one.
 */
export function agreement(traces: { readonly before: number; readonly after: number }): number {
  const next = (count: number) => (count + 1) / (count + 2);
  return next(traces.before) * next(traces.after);
}
