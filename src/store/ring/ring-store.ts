import type { StoreLimits } from "../../config.ts";
import type { Clock } from "../../model/time.ts";
import { createMasker, type Masker } from "../mask.ts";
import type { TelemetryStore } from "../telemetry-store.ts";
import { Committer } from "./commit.ts";
import { queryRecords, type Source } from "./query.ts";
import { RecordReader } from "./read.ts";
import { newEpoch } from "./record-id.ts";
import { Rings } from "./rings.ts";
import { readTrace } from "./trace-read.ts";

export interface RingStoreOptions {
  readonly limits: StoreLimits;
  readonly clock: Clock;
  /** Uniform in [0, 1): seeds the hashes and names the epoch. */
  readonly random: () => number;
  readonly masker?: Masker;
}

/** The store that `gasoline` runs on: everything in memory, in rings of raw bytes (design decisions 1 to 7). */
export function createRingStore(options: RingStoreOptions): TelemetryStore {
  const { random, clock, limits } = options;
  const masker = options.masker ?? createMasker();
  const epoch = newEpoch(random);
  const rings = new Rings(limits, clock, random);
  const reader = new RecordReader(rings, masker, epoch);
  const source: Source = { rings, reader, masker };
  const committer = new Committer(rings);
  return {
    epoch,
    commitSpans: (table) => committer.commitSpans(table),
    commitLogs: (table) => committer.commitLogs(table),
    commitPoints: (table) => committer.commitPoints(table, () => {}),
    records: (query) => queryRecords(source, query),
    trace: (idOrPrefix) => readTrace(source, idOrPrefix),
  } as TelemetryStore;
}
