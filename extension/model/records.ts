/*
 * What a page sends to the service worker: spans and log records, small enough to be cloned between worlds. The
 * worker adds what all have in common (resource, `session.id`) and writes OTLP.
 */

/** Arrays stay arrays of strings; what is nested goes in as JSON text. */
export type AttributeValue = string | number | boolean | string[];

export interface Attributes {
  [key: string]: AttributeValue;
}

/** A span that has ended. Ids are lower-case hex, times Unix nanoseconds as decimal text. */
export interface BrowserSpan {
  readonly kind: "span";
  readonly traceId: string;
  readonly spanId: string;
  /** Absent for the root of a trace. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** OTLP's number: 1 internal, 3 client. */
  readonly spanKind: 1 | 3;
  readonly startNs: string;
  readonly endNs: string;
  readonly attributes: Attributes;
  /** Absent unless the span failed. */
  readonly error?: string;
  readonly links?: readonly SpanReference[];
}

/** A log record or event. Ids are `""` outside any trace. */
export interface BrowserLog {
  readonly kind: "log";
  readonly traceId: string;
  readonly spanId: string;
  readonly timeNs: string;
  /** OpenTelemetry's severity number; 9 is info, 17 error. */
  readonly severity: number;
  readonly eventName: string;
  readonly body: string;
  readonly attributes: Attributes;
  /** Set for events of the app's own, whose names say nothing of where they belong. */
  readonly scope?: "gasoline.custom";
}

export type BrowserRecord = BrowserSpan | BrowserLog;

export interface SpanReference {
  readonly traceId: string;
  readonly spanId: string;
}
