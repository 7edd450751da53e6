import type { Level } from "./log.ts";

/**
 * One record as every reply shows it, whatever it came from (target architecture, "Normalized Event Schema").
 * `id` is the short stable record id (design decision 12).
 */
export interface NormalizedEvent {
  readonly id: string;
  /** Unix milliseconds with fraction. */
  readonly timestamp: number;
  readonly source: "browser" | "backend" | "test" | "git" | "custom";
  readonly level: Level;
  /** `session.id`, else the trace id. */
  readonly correlation_id?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly parent_span_id?: string;
  readonly message: string;
  readonly metadata: { readonly [key: string]: unknown };
  readonly tags: readonly string[];
  readonly source_details: {
    readonly browser?: { readonly url: string; readonly origin: string };
    readonly backend?: { readonly service: string; readonly host: string };
    readonly test?: { readonly framework: string; readonly file: string };
    readonly git?: { readonly repo: string; readonly commit: string };
  };
}
