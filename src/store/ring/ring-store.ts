import type { StoreLimits } from "../../config.ts";
import { STREAMS, type Stream } from "../../model/stream.ts";
import type { Clock } from "../../model/time.ts";
import { createMasker, type Masker } from "../mask.ts";
import type {
  Names,
  StoreCapabilities,
  StoreStats,
  StreamStats,
  TelemetryStore,
} from "../telemetry-store.ts";
import { NONE } from "./columns.ts";
import { Committer } from "./commit.ts";
import { exportRecords } from "./export.ts";
import { LastExclusions } from "./kept-verdicts.ts";
import { readRecord } from "./lookup.ts";
import { readSeries } from "./metric-read.ts";
import { MetricSeriesTable } from "./metric-series.ts";
import { PINNED } from "./pinned.ts";
import { absoluteNs, plausibleTimeNs, queryRecords, type Source } from "./query.ts";
import { RecordReader } from "./read.ts";
import { newEpoch } from "./record-id.ts";
import { Rings } from "./rings.ts";
import { RING } from "./routing.ts";
import { Subscribers } from "./subscription.ts";
import { TRACE_FLAGS } from "./trace-index.ts";
import { queryTraces } from "./trace-list.ts";
import { findTrace, isTracePrefix, readTrace } from "./trace-read.ts";

const CAPABILITIES: StoreCapabilities = {
  textSearch: true,
  live: true,
  pin: true,
  exactTotals: true,
  metrics: true,
  rawExport: true,
};
const EXPIRED_PER_READ_MAX = 4_096;

export interface RingStoreOptions {
  readonly limits: StoreLimits;
  readonly clock: Clock;
  /** Uniform in [0, 1): seeds the hashes and names the epoch. */
  readonly random: () => number;
  /** The built-in rules when absent. */
  readonly masker?: Masker;
}

/** The store that `gasoline` runs on: everything in memory, in rings of raw bytes (design decisions 1 to 7). */
export function createRingStore(options: RingStoreOptions): TelemetryStore {
  const { random, clock, limits } = options;
  const masker = options.masker ?? createMasker();
  const epoch = newEpoch(random);
  const rings = new Rings(limits, clock, random);
  const reader = new RecordReader(rings, masker, epoch);
  const source: Source = { rings, reader, masker, exclusions: new LastExclusions(rings, masker) };
  const committer = new Committer(rings);
  const series = new MetricSeriesTable(rings, limits.seriesMax, limits.pointsPerSeriesMax, random);
  const subscribers = new Subscribers(source);
  /** Lets what has expired go before it is read. */
  const current = (): Source => {
    rings.tick(EXPIRED_PER_READ_MAX);
    return source;
  };
  return {
    epoch,
    capabilities: CAPABILITIES,
    commitSpans(table) {
      const result = committer.commitSpans(table);
      subscribers.notify();
      return result;
    },
    commitLogs(table) {
      const result = committer.commitLogs(table);
      subscribers.notify();
      return result;
    },
    commitPoints(table) {
      const result = committer.commitPoints(table, (row, header, group, sequence) =>
        series.add(table, row, header, group, sequence),
      );
      subscribers.notify();
      return result;
    },
    records: async (query) => queryRecords(current(), query),
    traces: async (query) => queryTraces(current(), query),
    trace: async (idOrPrefix) => readTrace(current(), idOrPrefix),
    record: async (id) => readRecord(current(), epoch, id),
    metrics: async (filter, limit) => readSeries(current(), series, filter, limit),
    names: async () => namesOf(current()),
    pin: async (traceId) => pinTrace(current(), traceId),
    clear: async (streams) => clearStreams(rings, series, streams),
    subscribe: (filter, queueMax) => subscribers.subscribe(filter, queueMax),
    exportRaw: (filter) => exportRecords(current(), filter),
    addMaskRule: (rule) => masker.addRule(rule),
    stats: (): StoreStats => ({
      epoch,
      streams: rings.all.map((ring) => streamStats(rings, ring.number)),
      traces: rings.index.count,
      arenaBytes: limits.slabBytes * (rings.pool.slabsMax + rings.pinned.pool.slabsMax),
      arenaBytesUsed: limits.slabBytes * (rings.pool.slabsUsed + rings.pinned.pool.slabsUsed),
      pinnedTraces: rings.index.tracesInRing[PINNED]!,
      pinSkipped: rings.pinRule.skipped,
      masked: reader.masked,
      series: series.count,
      seriesDropped: series.dropped,
      subscribers: subscribers.count,
      subscriberDropped: subscribers.dropped,
    }),
    close: async () => subscribers.close(),
  };
}

function namesOf({ rings, reader }: Source): Names {
  const services = new Set<string>();
  const { table } = rings.groups;
  for (let group = 1; group < table.numbersUsed; group++) {
    if (table.isHeld(group)) services.add(reader.group(group).resource.service);
  }
  const spanNames = new Set<string>();
  for (let name = 1; name < rings.names.numbersUsed; name++) {
    if (rings.isSpanName[name] === 1 && rings.names.isHeld(name)) spanNames.add(reader.name(name));
  }
  return { services: [...services].sort(), spanNames: [...spanNames].sort() };
}

/**
 * Marks a trace, so that each of its records is copied when it would be evicted: until then it is where it was,
 * and what arrives of it later is kept too.
 */
function pinTrace(source: Source, traceId: string): number {
  const { index } = source.rings;
  const prefix = traceId.toLowerCase();
  const trace = isTracePrefix(prefix) ? findTrace(source, prefix) : NONE;
  if (trace === NONE) return 0;
  index.flags[trace] = index.flags[trace]! | TRACE_FLAGS.pinnedByName;
  return index.recordsOf(trace);
}

function clearStreams(
  rings: Rings,
  series: MetricSeriesTable,
  streams: readonly Stream[] | undefined,
): number {
  const numbers = new Set((streams ?? STREAMS).map((stream) => RING[stream]));
  if (numbers.has(RING.metrics)) series.clear();
  return rings.clear(numbers);
}

function streamStats(rings: Rings, number: number): StreamStats {
  const ring = rings.all[number]!;
  const timeNs = (sequence: number): bigint | null =>
    ring.oldest < ring.next ? absoluteNs(plausibleTimeNs(ring, sequence), rings.epochNs) : null;
  return {
    stream: number === PINNED ? "pinned" : STREAMS[number]!,
    records: number === PINNED ? rings.pinned.count : ring.count,
    bytes: ring.bytes,
    accepted: ring.next,
    evicted: ring.evicted,
    expired: ring.expired,
    dropped: ring.dropped,
    oldestNs: timeNs(ring.oldest),
    newestNs: timeNs(ring.next - 1),
  };
}
