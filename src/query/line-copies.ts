import { type LogRecord, logTimeNs } from "../model/log.ts";
import type { RecordPage, StoredRecord, TelemetryStore } from "../store/telemetry-store.ts";

const APART_MAX_NS = 1_000_000_000n;

/**
 * The store as questions see it: a line of output that repeats a log which the same program also sent over OTLP is
 * left out of pages and traces. Everything stays stored, and can be read by its id and exported.
 */
export function withoutLineCopies(store: TelemetryStore): TelemetryStore {
  return {
    ...store,
    records: async (query) => pageWithout(await store.records(query)),
    trace: async (idOrPrefix) => {
      const lookup = await store.trace(idOrPrefix);
      if (lookup.found !== "yes") return lookup;
      const copies = lineCopies(lookup.value.logs);
      const logs = lookup.value.logs.filter((log) => !copies.has(log));
      return { found: "yes", value: { ...lookup.value, logs } };
    },
  };
}

/** A page that ends with a copy still ends at its place, so that the next one does not begin with it. */
function pageWithout(page: RecordPage): RecordPage {
  const copies = lineCopies(page.records);
  if (copies.size === 0) return page;
  const records: StoredRecord[] = [];
  const positions: RecordPage["positions"][number][] = [];
  page.records.forEach((record, i) => {
    if (!copies.has(record)) {
      records.push(record);
      positions.push(page.positions[i]!);
    } else if (positions.length > 0) positions[positions.length - 1] = page.positions[i]!;
  });
  return { ...page, records, positions, total: page.total - copies.size };
}

/**
 * Lines that repeat a sent log: same trace, same body, at most one second apart. The sent record tells more. Each
 * stands for one line at most, so that a message logged twice is still told twice. Lines without a trace id are never
 * taken for copies. Linear in the number of records.
 */
function lineCopies(records: readonly StoredRecord[]): ReadonlySet<StoredRecord> {
  const copies = new Set<StoredRecord>();
  const logs = records.filter((record) => record.kind === "log").filter(isComparable);
  const lines = logs.filter(isLine);
  if (lines.length === 0 || lines.length === logs.length) return copies;
  const sent = new Map<string, bigint[]>();
  for (const log of logs) {
    if (isLine(log)) continue;
    const identity = identityOf(log);
    const times = sent.get(identity);
    if (times === undefined) sent.set(identity, [logTimeNs(log)]);
    else times.push(logTimeNs(log));
  }
  for (const line of lines) {
    const times = sent.get(identityOf(line)) ?? [];
    const match = times.findIndex((time) => isNear(time, logTimeNs(line)));
    if (match < 0) continue;
    times.splice(match, 1);
    copies.add(line);
  }
  return copies;
}

/** Adapters name where a line was read (semantic conventions, log attributes). */
function isLine({ attributes }: LogRecord): boolean {
  return attributes["log.iostream"] !== undefined || attributes["log.file.path"] !== undefined;
}

function isComparable(log: LogRecord): boolean {
  return log.traceId !== "" && typeof log.body === "string";
}

function identityOf(log: LogRecord): string {
  return `${log.traceId}/${String(log.body)}`;
}

function isNear(a: bigint, b: bigint): boolean {
  return (a < b ? b - a : a - b) <= APART_MAX_NS;
}
