import type { Stream } from "./model/stream.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;

/**
 * Bounds of one stream's ring; the oldest records make way when one is met. A ring may use slabs that nobody
 * else needs, and gives them back, oldest first, to a ring that has less than it reserved. The reserves of all
 * rings add up to the arena, so a chatty stream never takes what a quiet one was promised.
 */
export interface StreamLimits {
  readonly recordsMax: number;
  readonly bytesReserved: number;
  readonly ttlMs: number;
}

/** What the receiver accepts. */
export interface ReceiverLimits {
  /** A request body, before and after decompression. */
  readonly bodyBytesMax: number;
  /** Bytes of all bodies in flight; past it a request is told to retry. */
  readonly inFlightBytesMax: number;
  /** A connection that has sent nothing is closed after this long. */
  readonly silentSocketMs: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Longer than the 5 s of batch processors, so that a kept connection is never closed under a request. */
  readonly keepAliveMs: number;
  /** What `Retry-After` and RetryInfo say, in seconds. */
  readonly retryAfterS: number;
  /** Compressed bodies up to this size are inflated at once, larger ones on the thread pool. */
  readonly inflateSyncBytesMax: number;
  /** AnyValue nesting that is still read. */
  readonly depthMax: number;
}

/** What the store keeps. */
export interface StoreLimits {
  /** Slabs of all rings together. */
  readonly arenaBytes: number;
  readonly slabBytes: number;
  readonly streams: Readonly<Record<Stream, StreamLimits>>;
  /** The ring of records that outlive their stream because their trace failed or is named by a checkpoint. */
  readonly pinned: StreamLimits;
  /** Distinct resources and scopes, and distinct names, kept once each. */
  readonly groupsMax: number;
  readonly namesMax: number;
  readonly seriesMax: number;
  /** Points kept per metric series. */
  readonly pointsPerSeriesMax: number;
}

/** Adapters that the daemon runs itself, as clients of its own port. */
export interface AdapterConfig {
  /** Files and glob patterns. */
  readonly tail: readonly string[];
  /** Names of containers; none: all. `undefined`: not at all. */
  readonly docker: readonly string[] | undefined;
  /** Port; `undefined`: not at all. */
  readonly syslog: number | undefined;
  /** The work tree that the daemon is started in. */
  readonly git: boolean;
}

/** Everything that can be set, frozen at start. Times in ms, sizes in bytes. */
export interface Config {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Further ports that the same listener takes when they are free. */
  readonly aliases: readonly number[];
  readonly allowHosts: readonly string[];
  /** `""` when none is required. */
  readonly apiKey: string;
  readonly stateDir: string;
  readonly adapters: AdapterConfig;
  /** Folder of the source code; `""`: the repository around the working directory, else that directory. */
  readonly workspace: string;
  /** Whether interact apply_changes may change files of the workspace. */
  readonly allowEdits: boolean;
  readonly receiver: ReceiverLimits;
  readonly store: StoreLimits;
  /** Byte budget of an MCP reply (text and structured content together), and its ceiling. */
  readonly replyBytes: number;
  readonly replyBytesMax: number;
}

export const DEFAULT_PORT = 7890;
export const DEFAULT_SYSLOG_PORT = 5514;

/** Defaults. Record bounds follow the target architecture's table, raised where the bytes allow it. */
export const DEFAULTS: Config = Object.freeze({
  host: "127.0.0.1",
  port: DEFAULT_PORT,
  aliases: [4317, 4318],
  allowHosts: [],
  apiKey: "",
  stateDir: ".gasoline",
  adapters: { tail: [], docker: undefined, syslog: undefined, git: false },
  workspace: "",
  allowEdits: false,
  receiver: {
    bodyBytesMax: 64 * MIB,
    inFlightBytesMax: 128 * MIB,
    silentSocketMs: 30_000,
    headersTimeoutMs: 30_000,
    requestTimeoutMs: 60_000,
    keepAliveMs: 75_000,
    retryAfterS: 1,
    inflateSyncBytesMax: 64 * KIB,
    depthMax: 64,
  },
  store: {
    arenaBytes: 64 * MIB,
    slabBytes: 256 * KIB,
    streams: {
      "browser.logs": { recordsMax: 16_384, bytesReserved: 6 * MIB, ttlMs: 24 * HOUR_MS },
      "browser.network": { recordsMax: 8_192, bytesReserved: 6 * MIB, ttlMs: 24 * HOUR_MS },
      "browser.dom": { recordsMax: 2_048, bytesReserved: 6 * MIB, ttlMs: 24 * HOUR_MS },
      "backend.spans": { recordsMax: 131_072, bytesReserved: 22 * MIB, ttlMs: 24 * HOUR_MS },
      "backend.logs": { recordsMax: 65_536, bytesReserved: 10 * MIB, ttlMs: 24 * HOUR_MS },
      tests: { recordsMax: 8_192, bytesReserved: 3 * MIB, ttlMs: 24 * HOUR_MS },
      git: { recordsMax: 1_024, bytesReserved: 1 * MIB, ttlMs: 24 * HOUR_MS },
      custom: { recordsMax: 16_384, bytesReserved: 3 * MIB, ttlMs: 24 * HOUR_MS },
      metrics: { recordsMax: 16_384, bytesReserved: 3 * MIB, ttlMs: 24 * HOUR_MS },
    },
    pinned: { recordsMax: 8_192, bytesReserved: 4 * MIB, ttlMs: 24 * HOUR_MS },
    groupsMax: 8_192,
    namesMax: 32_768,
    seriesMax: 4_096,
    pointsPerSeriesMax: 60,
  },
  replyBytes: 8_000,
  replyBytesMax: 10_000,
});

const SLAB_BYTES_MIN = 64 * KIB;
const SLAB_BYTES_MAX = 4 * MIB;
/** Slabs that an arena is cut into: few enough to number in 16 bits, enough that a small ring has several. */
const SLABS_WANTED = 256;

/**
 * The limits of a store with `arenaBytes` of slabs: every ring's reserve and record bound grow alike, what is kept
 * once each (groups, names, series) with the square root, and the slab is a power of two near 1/256 of the arena.
 */
export function scaleLimits(limits: StoreLimits, arenaBytes: number): StoreLimits {
  const factor = arenaBytes / limits.arenaBytes;
  const scale = (stream: StreamLimits): StreamLimits => ({
    recordsMax: Math.max(64, Math.round(stream.recordsMax * factor)),
    bytesReserved: Math.floor(stream.bytesReserved * factor),
    ttlMs: stream.ttlMs,
  });
  const distinct = (count: number): number => Math.max(64, Math.round(count * Math.sqrt(factor)));
  const slabBytes = 2 ** Math.round(Math.log2(arenaBytes / SLABS_WANTED));
  return {
    arenaBytes,
    slabBytes: Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_MIN, slabBytes)),
    streams: Object.fromEntries(
      Object.entries(limits.streams).map(([name, stream]) => [name, scale(stream)]),
    ) as Record<Stream, StreamLimits>,
    pinned: scale(limits.pinned),
    groupsMax: distinct(limits.groupsMax),
    namesMax: distinct(limits.namesMax),
    seriesMax: distinct(limits.seriesMax),
    pointsPerSeriesMax: limits.pointsPerSeriesMax,
  };
}
