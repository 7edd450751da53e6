import type { ErrorCode } from "../model/errors.ts";
import type { Signal } from "../wire/encode-response.ts";
import { SIGNALS } from "./signals.ts";

/** Records of one signal: spans, log records, data points, profiles. */
interface SignalStats {
  /** Export requests answered with success. */
  readonly requests: number;
  /** Records handed to the sink and kept. */
  readonly accepted: number;
  /** Records refused alone, for a bad id. */
  readonly rejected: number;
  /** Records that the sink could not keep. */
  readonly dropped: number;
}

/** Counts since the start, and what is held now. */
export interface ReceiverStats {
  readonly signals: Readonly<Record<Signal, SignalStats>>;
  /** Export requests refused as a whole, by reason. */
  readonly refused: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Export requests whose client went away before they were whole. */
  readonly aborted: number;
  readonly partialSuccesses: number;
  /** Body bytes of export requests as they arrived, and after decompression. */
  readonly bytesReceived: number;
  readonly bytesDecoded: number;
  /** Body bytes held at this moment. */
  readonly bytesInFlight: number;
  /** Connections taken since the start, and those open now. */
  readonly connections: number;
  readonly connectionsOpen: number;
  /** Connections closed because they said nothing, or nothing that is HTTP. */
  readonly connectionsRefused: number;
}

/** The same while it is being counted. */
export interface Counters {
  readonly signals: Record<Signal, { -readonly [key in keyof SignalStats]: number }>;
  readonly refused: Map<ErrorCode, number>;
  aborted: number;
  partialSuccesses: number;
  bytesReceived: number;
  bytesDecoded: number;
  connections: number;
  connectionsRefused: number;
}

export function createCounters(): Counters {
  const zero = () => ({ requests: 0, accepted: 0, rejected: 0, dropped: 0 });
  return {
    signals: Object.fromEntries(SIGNALS.map((signal) => [signal, zero()])) as Counters["signals"],
    refused: new Map(),
    aborted: 0,
    partialSuccesses: 0,
    bytesReceived: 0,
    bytesDecoded: 0,
    connections: 0,
    connectionsRefused: 0,
  };
}

/** Counts a request that was refused as a whole. */
export function countRefusal(counters: Counters, code: ErrorCode): void {
  counters.refused.set(code, (counters.refused.get(code) ?? 0) + 1);
}

/** A copy of the counts that later requests do not change. */
export function snapshot(counters: Counters, bytesInFlight: number, connectionsOpen: number): ReceiverStats {
  const { signals, refused, ...counts } = counters;
  return {
    ...counts,
    signals: structuredClone(signals),
    refused: Object.fromEntries(refused),
    bytesInFlight,
    connectionsOpen,
  };
}
