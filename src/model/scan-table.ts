/**
 * What one pass over a request body found: where each record lies and the few fields that are indexed. The
 * receiver fills a table (through `wire`), the store copies from it; nothing else of the body is decoded.
 *
 * A table is scratch, made once and reused: it grows to the largest body seen and is valid only until the next
 * scan into it. `body` is the very buffer that was scanned; whoever keeps bytes must copy them.
 *
 * ```
 *  body  ┌── resource_spans ─────────────────────────────┐
 *        │ resource │ scope_spans: scope │ span │ span … │
 *        └──────────┴────────────────────┴──────┴────────┘
 *  groups[g] = { resource bytes, scope bytes, schema urls }      record i: group[i], offset[i], length[i]
 * ```
 */
export interface RecordTable {
  body: Uint8Array;
  /** Records found valid. Columns hold this many rows; rows past it are stale. */
  count: number;
  /** Payload of the record's message in `body` (without its tag and length). */
  offset: Uint32Array;
  length: Uint32Array;
  /** Index into `groups`. */
  group: Uint32Array;
  /** Eight big-endian words a row: trace id (4), span id (2), parent span id (2). All zero where absent. */
  ids: Uint32Array;
  /** Four words a row: start low, start high, end low, end high (Unix ns). A log has its time as start, and end 0. */
  times: Uint32Array;
  /** Span name, or a log's event_name; a metric point has none (its metric does). Length 0 where absent. */
  nameOffset: Uint32Array;
  nameLength: Uint32Array;
  /** Packed small fields; read them with the `BITS` shifts below. */
  bits: Uint32Array;
  readonly groups: ScopeGroup[];
  /** Records refused alone (a bad id), and the first reason, for OTLP's partial_success. */
  rejected: number;
  rejectedReason: string;
}

/** A resource and scope that records were sent under, as bytes of their OTLP messages. */
export interface ScopeGroup {
  readonly resource: Uint8Array;
  readonly scope: Uint8Array;
  readonly resourceSchemaUrl: Uint8Array;
  readonly scopeSchemaUrl: Uint8Array;
}

/** Table of a metrics request: rows are data points, each of one entry in `metrics`. */
export interface PointTable extends RecordTable {
  /** Index into `metrics`, by row. */
  metric: Uint32Array;
  /**
   * OTLP Metric messages without their data points (name, description, unit, type, temporality, monotonic,
   * metadata): with a point appended in their data they are a whole Metric again.
   */
  readonly metrics: MetricHeader[];
}

export interface MetricHeader {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** Field number of the data in the Metric message: 5 gauge, 7 sum, 9 histogram, 10 exponential, 11 summary. */
  readonly dataField: number;
}

/**
 * Layout of `bits`:
 *
 * ```
 *  31 … 16    15 … 12        11 … 7       6 … 5        4 … 3 spare   2 … 0
 *  spare      marks          severity     status code                span kind
 * ```
 * Marks are what attribute keys seen in passing say of where the record belongs (stream routing).
 */
export const BITS = {
  kindMask: 0b111,
  statusShift: 5,
  statusMask: 0b11,
  severityShift: 7,
  severityMask: 0b11111,
  markBrowser: 1 << 12,
  markTest: 1 << 13,
  markGit: 1 << 14,
  /** An event named `exception`, or an `exception.*` or `error.type` attribute. */
  markException: 1 << 15,
} as const;
