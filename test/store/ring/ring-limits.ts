import type { StoreLimits, StreamLimits } from "../../../src/config.ts";
import { STREAMS, type Stream } from "../../../src/model/stream.ts";

/** Limits small enough to be met in a test: slabs of 1 KiB, three reserved a stream, 20 records, one minute. */
export function smallLimits(
  changes: Partial<StoreLimits> = {},
  streams: Partial<Record<Stream, Partial<StreamLimits>>> = {},
): StoreLimits {
  const stream: StreamLimits = { recordsMax: 20, bytesReserved: 3 * 1024, ttlMs: 60_000 };
  const limits = {
    slabBytes: 1024,
    streams: Object.fromEntries(
      STREAMS.map((name) => [name, { ...stream, ...streams[name] }]),
    ) as unknown as Record<Stream, StreamLimits>,
    pinned: { recordsMax: 1_000, bytesReserved: 512 * 1024, ttlMs: 3_600_000 },
    groupsMax: 8,
    namesMax: 64,
    seriesMax: 4,
    pointsPerSeriesMax: 5,
    ...changes,
  };
  const reserved = Object.values(limits.streams).reduce((sum, each) => sum + each.bytesReserved, 0);
  return { arenaBytes: reserved + limits.pinned.bytesReserved, ...limits };
}
