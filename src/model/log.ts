import type { Attributes, AttributeValue } from "./attributes.ts";
import type { Resource, Scope } from "./resource.ts";

/**
 * One decoded log record (opentelemetry/proto/logs/v1/logs.proto). Ids are `""` when absent or malformed: such
 * a record is kept, unassociated. `timeNs` is 0n when the sender gave none; `observedNs` likewise.
 */
export interface LogRecord {
  readonly kind: "log";
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  /** SeverityNumber 0 (unset) to 24; error is 17 and above. */
  readonly severity: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: AttributeValue;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly resource: Resource;
  readonly scope: Scope;
}

export const SEVERITY_INFO = 9;
export const SEVERITY_WARN = 13;
export const SEVERITY_ERROR = 17;

export type Level = "debug" | "info" | "warn" | "error" | "critical";

/** The level that a severity number reads as; 0 (unset) reads as info. Ranges of the OTLP log data model. */
export function levelOfSeverity(severity: number): Level {
  if (severity >= 18) return "critical";
  if (severity >= SEVERITY_ERROR) return "error";
  if (severity >= SEVERITY_WARN) return "warn";
  if (severity >= SEVERITY_INFO || severity === 0) return "info";
  return "debug";
}

/** The lowest severity number that a level names. */
export function severityOfLevel(level: Level): number {
  return { debug: 1, info: SEVERITY_INFO, warn: SEVERITY_WARN, error: SEVERITY_ERROR, critical: 18 }[level];
}

/** When the record happened: its time, else when it was observed (log data model, Timestamp). */
export function logTimeNs(log: LogRecord): bigint {
  return log.timeNs === 0n ? log.observedNs : log.timeNs;
}
