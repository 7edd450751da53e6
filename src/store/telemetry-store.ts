import type { LogRecord } from "../model/log.ts";
import type { MetricPoint } from "../model/metric.ts";
import type { TelemetrySink } from "../model/sink.ts";
import type { Span } from "../model/span.ts";
import type { Stream } from "../model/stream.ts";

/** What the store adds to a record it kept. */
export interface Stored {
  /** Short and stable: `s…` span, `l…` log, `m…` metric point. Carries the store's epoch (design decision 12). */
  readonly id: string;
  readonly stream: Stream;
  /** Position in the order of arrival over all streams; grows by one a record, never reused. */
  readonly arrival: number;
}

export type StoredSpan = Span & Stored;
export type StoredLog = LogRecord & Stored;
export type StoredPoint = MetricPoint & Stored;
export type StoredRecord = StoredSpan | StoredLog | StoredPoint;

/** A condition on one attribute: of the record's attributes, then of its resource's, the first key that exists. */
export interface AttributeFilter {
  /** Alternative spellings of one attribute, tried in order. */
  readonly keys: readonly string[];
  readonly match:
    | { readonly op: "equals"; readonly value: string }
    | { readonly op: "contains"; readonly value: string }
    | { readonly op: "between"; readonly min: number; readonly max: number }
    | { readonly op: "exists" };
}

/** All conditions hold (and). An absent one does not restrict. */
export interface RecordFilter {
  readonly kinds?: readonly ("span" | "log" | "metric")[];
  readonly streams?: readonly Stream[];
  /** Half open on the record's own time (a span's start): since <= time < until. */
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  /** Records that arrived after this position. */
  readonly afterArrival?: number;
  readonly traceId?: string;
  readonly spanId?: string;
  /** `service.name`, exactly. */
  readonly service?: string;
  /** Span name, log event name or metric name: contains, case-insensitive. */
  readonly name?: string;
  /** Logs by their severity (unset is info); a span counts as error (17) with status error, everything else as info. */
  readonly severityMin?: number;
  readonly severityMax?: number;
  readonly attributes?: readonly AttributeFilter[];
  /** Contained in any text of the masked record, case-insensitive. */
  readonly text?: string;
  /** Records that pass one of these are left out, and not counted. Each may have exceptions of its own. */
  readonly not?: readonly RecordFilter[];
}

/** Where a page ends: the record's time, its ring and its sequence number there. */
export interface Position {
  readonly timeNs: bigint;
  readonly stream: Stream;
  readonly sequence: number;
}

export interface RecordQuery {
  readonly filter: RecordFilter;
  readonly order: "newest" | "oldest";
  readonly limit: number;
  /** Rows strictly after this position in `order`. */
  readonly after?: Position;
  readonly offset?: number;
}

/** What a reply must say of the store's memory (design decision 6). */
export interface Coverage {
  /**
   * The time of what has been held longest in the streams asked (its arrival, where that time cannot be right), or
   * null when they are empty. Records are held by arrival, so a late one may be older.
   */
  readonly horizonNs: bigint | null;
  /**
   * Records of the streams asked that were evicted or expired and whose time lay in the asked window: never too few,
   * and too many by those within 10 s of its ends. When the filter names a trace, the records that trace lost.
   */
  readonly lost: number;
}

export interface RecordPage extends Coverage {
  readonly records: readonly StoredRecord[];
  readonly positions: readonly Position[];
  /** Every match of the filter that is held, not only this page. */
  readonly total: number;
  /** Records held that match but for `not`, on this page or not. */
  readonly leftOut: number;
  /** More rows follow the page. */
  readonly more: boolean;
  /** The newest arrival that this query has seen, for "what is new since". */
  readonly arrivalSeen: number;
}

/** One trace as the columns tell it, without decoding its records. */
export interface TraceSummary {
  readonly traceId: string;
  /** Earliest start and latest end of the spans held. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly spans: number;
  readonly logs: number;
  /** Spans with status error plus logs of severity error and above. */
  readonly errors: number;
  readonly services: readonly string[];
  /** Name and service of the root span, else of the earliest span held. */
  readonly rootName: string;
  readonly rootService: string;
  readonly rootHeld: boolean;
  /** Records of this trace that were evicted or expired. */
  readonly lost: number;
}

export interface TraceQuery {
  readonly filter: RecordFilter;
  readonly errorsOnly?: boolean;
  readonly durationMinNs?: bigint;
  /**
   * Leaves out traces whose first record (the root span, else the earliest) passes one of `first`, but for those with an
   * error or with a record that passes one of `unless`.
   */
  readonly hide?: { readonly first: readonly RecordFilter[]; readonly unless: readonly RecordFilter[] };
  readonly limit: number;
  /** By (start, trace id); the newest first when absent. */
  readonly order?: "newest" | "oldest";
  /** Traces strictly after this one in `order`. */
  readonly after?: { readonly startNs: bigint; readonly traceId: string };
}

export interface TracePage extends Coverage {
  /** In the order asked. */
  readonly traces: readonly TraceSummary[];
  readonly total: number;
  readonly more: boolean;
  readonly arrivalSeen: number;
}

export interface TraceRecords {
  readonly traceId: string;
  /** By start time, then arrival. Duplicates are kept: they are folded by the trace tree. */
  readonly spans: readonly StoredSpan[];
  readonly logs: readonly StoredLog[];
  readonly lost: number;
}

/** The four answers to "where is it": they mean different things to whoever asks. */
export type Lookup<T> =
  | { readonly found: "yes"; readonly value: T }
  | { readonly found: "evicted"; readonly reason: string }
  | { readonly found: "before_restart"; readonly reason: string }
  | { readonly found: "never_seen"; readonly reason: string };

/** Names that exist, for "did you mean" and for an empty answer's reason. */
export interface Names {
  readonly services: readonly string[];
  readonly spanNames: readonly string[];
}

export interface StreamStats {
  readonly stream: Stream | "pinned";
  readonly records: number;
  readonly bytes: number;
  readonly accepted: number;
  /** Made way for newer records. */
  readonly evicted: number;
  /** Older than the TTL. */
  readonly expired: number;
  /** Larger than what can be kept. */
  readonly dropped: number;
  readonly oldestNs: bigint | null;
  readonly newestNs: bigint | null;
}

export interface StoreStats {
  readonly epoch: string;
  readonly streams: readonly StreamStats[];
  readonly traces: number;
  readonly arenaBytes: number;
  readonly arenaBytesUsed: number;
  readonly pinnedTraces: number;
  /** Failing traces that were not pinned because of the rate or share limit. */
  readonly pinSkipped: number;
  /** Values masked on the way out. */
  readonly masked: number;
  readonly series: number;
  readonly seriesDropped: number;
  readonly subscribers: number;
  readonly subscriberDropped: number;
}

/** One metric series with its bounded history, oldest point first. */
export interface MetricSeries {
  readonly name: string;
  readonly service: string;
  readonly last: StoredPoint;
  readonly history: readonly { readonly timeNs: bigint; readonly value: number }[];
}

/** Live records. Bounded: what a slow reader cannot take is dropped, and counted here. */
export interface Subscription extends AsyncIterable<StoredRecord> {
  readonly dropped: number;
  close(): void;
}

/**
 * What a store can answer. A question outside them is refused with the capability's name, never approximated
 * (after Jaeger's tracestore capabilities).
 */
export interface StoreCapabilities {
  readonly textSearch: boolean;
  readonly live: boolean;
  readonly pin: boolean;
  readonly exactTotals: boolean;
  readonly metrics: boolean;
  readonly rawExport: boolean;
}

/**
 * A place for telemetry and the only ways out of it. Everything returned is masked (design decision 7) and is a
 * copy: later arrivals and evictions do not change it. Reads may take several turns of the event loop, so that
 * ingest goes on; a record evicted between turns is left out and counted lost.
 */
export interface TelemetryStore extends TelemetrySink {
  readonly epoch: string;
  readonly capabilities: StoreCapabilities;
  records(query: RecordQuery): Promise<RecordPage>;
  traces(query: TraceQuery): Promise<TracePage>;
  /** All that is held of one trace, by full id or a prefix of at least 8 hex that names one trace. */
  trace(idOrPrefix: string): Promise<Lookup<TraceRecords>>;
  record(id: string): Promise<Lookup<StoredRecord>>;
  metrics(filter: RecordFilter, limit: number): Promise<readonly MetricSeries[]>;
  names(): Promise<Names>;
  /**
   * Keeps a trace beyond its streams, and what still arrives of it: each record is copied to the pinned ring when it
   * would be evicted, under the same id. Returns how many records it has now; 0 when the trace is not held.
   */
  pin(traceId: string): Promise<number>;
  /** Drops what `streams` hold (all when absent); returns how many records went. */
  clear(streams?: readonly Stream[]): Promise<number>;
  subscribe(filter: RecordFilter, queueMax: number): Subscription;
  /** Masked OTLP request bodies (protobuf), a bounded number of records each, oldest first. */
  exportRaw(
    filter: RecordFilter,
  ): AsyncIterable<{ readonly signal: "traces" | "logs" | "metrics"; readonly body: Uint8Array }>;
  /** Adds a redaction rule; it covers what is already stored. A pattern that could run for ever is refused. */
  addMaskRule(rule: MaskRule): void;
  stats(): StoreStats;
  close(): Promise<void>;
}

/** Masks by attribute key (exact, case-insensitive) or by the shape of a value (a regular expression source). */
export type MaskRule =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "value"; readonly pattern: string };
