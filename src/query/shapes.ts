import type { SourceReader } from "../enrich/source-reader.ts";
import type { NormalizedEvent } from "../model/event.ts";
import type { Clock } from "../model/time.ts";
import type { Analyst } from "./analyst.ts";
import type { Browser } from "./browser-link.ts";
import type { StateFiles } from "./state-files.ts";

/** What every reply says about itself, whatever it shows. Absent fields have nothing to say. */
export interface ObserveMetadata {
  /** Everything that matches and is held, not only what is shown. */
  readonly total_count: number;
  /** Events or rows in this reply. */
  readonly shown: number;
  /** In which order events or rows stand. */
  readonly order?: "newest_first" | "oldest_first" | "tree";
  /** Continues this listing: pass it as `after_cursor`. */
  readonly cursor_next?: string;
  /** The page before this one: pass it as `before_cursor`. */
  readonly cursor_prev?: string;
  /** "What is new since this reply": pass it as `filter.since`. Late records are not missed. */
  readonly cursor_since?: string;
  readonly query_time_ms: number;
  /** Time of the oldest record still held in the streams asked (ISO 8601), or null when they hold nothing. */
  readonly horizon: string | null;
  /** Records that were evicted or expired and would have lain in the asked window. */
  readonly lost?: number;
  /** Why the answer is empty, from what was received and what is held. */
  readonly why_empty?: string;
  /** Matches that are not shown and not counted: `include_noise` shows them. */
  readonly hidden?: Hidden;
  /** Filters that mean nothing for this `what` and were not applied. */
  readonly ignored?: readonly string[];
  /** What the byte budget left out, in words. */
  readonly left_out?: string;
  /** Calls that lead on, most useful first. */
  readonly next?: readonly string[];
}

/** What was hidden, by why. A count is absent when it is 0. */
export interface Hidden {
  readonly by_noise_rules?: number;
  /** Records of what agents asked here. */
  readonly tool_calls?: number;
}

/** A reply in one piece: modes that list records answer with `events`, the others with `rows`. */
export interface ObserveResponse {
  /** The conclusion, one or two sentences. */
  readonly summary: string;
  readonly events?: readonly NormalizedEvent[];
  readonly rows?: readonly Row[];
  readonly metadata: ObserveMetadata;
}

/** One row of a mode that does not list records. Fields without a value are absent. */
export type Row = { readonly [field: string]: unknown };

/** One answer in both its forms, made from the same rows. */
export interface ObserveAnswer {
  readonly structured: ObserveResponse;
  readonly text: string;
}

/** What a query needs to know of its surroundings. */
export interface ObserveContext {
  readonly clock: Clock;
  /** Where telemetry is to be sent, for the answer "nothing has been received yet". */
  readonly endpoint: string;
  readonly analyst: Analyst;
  /** Checkpoints, contracts, dependencies and edge cases on file. */
  readonly state: StateFiles;
  /** The paired browser; absent where there is no daemon to pair with. */
  readonly browser?: Browser;
  /** Opens the sources of the workspace; absent where there is no daemon that may read them. */
  readonly source?: (() => Promise<SourceReader>) | undefined;
  /** The asker reads the text only: a byte budget then counts nothing else. */
  readonly textOnly?: boolean;
}
