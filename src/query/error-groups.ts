import { createHash } from "node:crypto";
import { stringAttribute } from "../model/attributes.ts";
import type { StoredLog, StoredRecord, StoredSpan } from "../store/telemetry-store.ts";
import { STATUS_KEYS } from "./filter.ts";
import { toText } from "./json-value.ts";
import { messageOf, timeOf } from "./normalize.ts";

/** Errors that are the same one again: same service, type and message but for numbers, ids and quoted values. */
export interface ErrorGroup {
  /** 8 hex digits; the same in every run for the same service, type and message. */
  readonly fingerprint: string;
  readonly service: string;
  /** Exception type, else `error.type`, else `HTTP 500` or the like; `""` when there is none. */
  readonly type: string;
  /** Of the newest occurrence. */
  readonly message: string;
  /** Operations (span names, or a log's event name) that failed so, the newest first, at most 5. */
  readonly operations: readonly string[];
  readonly count: number;
  readonly firstSeenNs: bigint;
  readonly lastSeenNs: bigint;
  readonly traces: number;
  /** Other services whose spans failed because of it, further up in the same traces. */
  readonly propagatedTo: readonly string[];
  /** The newest occurrence. */
  readonly sample: StoredSpan | StoredLog;
}

const OPERATIONS_MAX = 5;
const CLIMB_MAX = 256;

/**
 * Groups failed records, given the newest first; groups come back the last seen first. A span that failed only
 * because one below it did is not an error of its own: its service is named in `propagatedTo`. A log written at
 * a failed span belongs to that span's error.
 *
 * `others` are failures beside those asked for: an error that began among them is shown, and counted, as far as
 * it led to a record that was asked for. Linear in the number of records.
 */
export function groupErrors(
  asked: readonly StoredRecord[],
  others: readonly StoredRecord[] = [],
): ErrorGroup[] {
  const askedIds = new Set(asked.map((record) => record.id));
  const unasked = others.filter((record) => !askedIds.has(record.id));
  const records =
    unasked.length === 0 ? asked : [...asked, ...unasked].sort((a, b) => compare(timeOf(b), timeOf(a)));
  const chains = failureChains(records, asked);
  const groups = new Map<string, Growing>();
  for (const record of records) {
    if (record.kind === "metric") continue;
    if (record.kind === "span" ? chains.isPropagated(record) : chains.isAtFailedSpan(record)) continue;
    if (!askedIds.has(record.id) && !(record.kind === "span" && chains.ledToAsked(record))) continue;
    const occurrence = describe(record);
    const fingerprint = fingerprintOf(record, occurrence);
    let group = groups.get(fingerprint);
    if (group === undefined) {
      group = newGroup(fingerprint, record, occurrence);
      groups.set(fingerprint, group);
    }
    addOccurrence(group, record, chains);
  }
  return [...groups.values()]
    .map((group) => ({ ...group, traces: group.traceIds.size, propagatedTo: [...group.upstream] }))
    .sort((a, b) => compare(b.lastSeenNs, a.lastSeenNs) || (a.fingerprint < b.fingerprint ? -1 : 1));
}

type Growing = Omit<
  ErrorGroup,
  "traces" | "propagatedTo" | "operations" | "count" | "firstSeenNs" | "lastSeenNs"
> & {
  operations: string[];
  count: number;
  firstSeenNs: bigint;
  lastSeenNs: bigint;
  readonly traceIds: Set<string>;
  readonly upstream: Set<string>;
};

interface Occurrence {
  readonly type: string;
  readonly message: string;
}

function newGroup(
  fingerprint: string,
  sample: StoredSpan | StoredLog,
  { type, message }: Occurrence,
): Growing {
  const timeNs = timeOf(sample);
  return {
    fingerprint,
    service: sample.resource.service,
    type,
    message,
    operations: [],
    count: 0,
    firstSeenNs: timeNs,
    lastSeenNs: timeNs,
    sample,
    traceIds: new Set(),
    upstream: new Set(),
  };
}

function addOccurrence(group: Growing, record: StoredSpan | StoredLog, chains: FailureChains): void {
  const timeNs = timeOf(record);
  const operation = record.kind === "span" ? record.name : record.eventName;
  group.count++;
  if (timeNs < group.firstSeenNs) group.firstSeenNs = timeNs;
  if (timeNs > group.lastSeenNs) group.lastSeenNs = timeNs;
  if (record.traceId !== "") group.traceIds.add(record.traceId);
  if (operation !== "" && group.operations.length < OPERATIONS_MAX && !group.operations.includes(operation)) {
    group.operations.push(operation);
  }
  if (record.kind === "span") {
    for (const service of chains.servicesAbove(record))
      if (service !== group.service) group.upstream.add(service);
  }
}

interface FailureChains {
  /** A failed span has this one as its parent. */
  isPropagated(span: StoredSpan): boolean;
  isAtFailedSpan(log: StoredLog): boolean;
  /** Services of the failed spans that lead up from this one without a gap. */
  servicesAbove(span: StoredSpan): Set<string>;
  /** One of these spans, or a log at one of them, was asked for. */
  ledToAsked(span: StoredSpan): boolean;
}

function failureChains(records: readonly StoredRecord[], asked: readonly StoredRecord[]): FailureChains {
  const failed = new Map<string, StoredSpan>();
  for (const record of records) {
    if (record.kind === "span") failed.set(record.traceId + record.spanId, record);
  }
  const propagated = new Set<string>();
  for (const span of failed.values()) {
    if (span.parentSpanId !== "" && span.parentSpanId !== span.spanId)
      propagated.add(span.traceId + span.parentSpanId);
  }
  const askedSpans = new Set<string>();
  for (const record of asked) if (record.kind !== "metric") askedSpans.add(record.traceId + record.spanId);

  /** The failed spans from this one upwards. Parent links are untrusted and may form a cycle: the climb is bounded. */
  const chainOf = (span: StoredSpan): StoredSpan[] => {
    const chain: StoredSpan[] = [];
    let at: StoredSpan | undefined = span;
    for (; at !== undefined && chain.length < CLIMB_MAX; at = failed.get(at.traceId + at.parentSpanId))
      chain.push(at);
    return chain;
  };
  return {
    isPropagated: (span) => propagated.has(span.traceId + span.spanId),
    isAtFailedSpan: (log) => log.spanId !== "" && failed.has(log.traceId + log.spanId),
    servicesAbove: (span) =>
      new Set(
        chainOf(span)
          .slice(1)
          .map((above) => above.resource.service),
      ),
    ledToAsked: (span) => chainOf(span).some((each) => askedSpans.has(each.traceId + each.spanId)),
  };
}

/** What went wrong, in the words of the exception, else of the status, else of the log. */
function describe(record: StoredSpan | StoredLog): Occurrence {
  const carriers =
    record.kind === "span"
      ? [...record.events.map((event) => event.attributes).toReversed(), record.attributes]
      : [record.attributes];
  let type = "";
  let message = "";
  for (const attributes of carriers) {
    type ||= stringAttribute(attributes, "exception.type") ?? "";
    message ||= stringAttribute(attributes, "exception.message") ?? "";
  }
  type ||= stringAttribute(record.attributes, "error.type") ?? httpStatus(record);
  if (record.kind === "span") message ||= record.statusMessage;
  else message ||= messageOf(record);
  return { type, message };
}

function httpStatus(record: StoredSpan | StoredLog): string {
  for (const key of STATUS_KEYS) {
    const status = toText(record.attributes[key]);
    if (status !== "") return `HTTP ${status}`;
  }
  return "";
}

/** An error that says nothing of itself is told apart by the operation that failed. */
function fingerprintOf(record: StoredSpan | StoredLog, { type, message }: Occurrence): string {
  const said = message === "" ? (record.kind === "span" ? record.name : record.eventName) : message;
  const text = [record.resource.service, type, messageTemplate(said)].join("\n");
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

const TEMPLATE_CHARS = 500;

/** A message without what differs between occurrences: quoted values, URLs, UUIDs, hex, paths' numbers, numbers. */
export function messageTemplate(message: string): string {
  return message
    .slice(0, TEMPLATE_CHARS)
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "<quoted>")
    .replace(/\bhttps?:\/\/[^\s)]+/gi, "<url>")
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\b(?:0x)?[0-9a-f]{8,}\b/gi, "<id>")
    .replace(/\d+(?:\.\d+)?/g, "<n>");
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
