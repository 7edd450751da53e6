import type { HrTime } from "@opentelemetry/api";
import type { ScopeGroup } from "../model/scan-table.ts";
import type { Clock } from "../model/time.ts";
import { VERSION } from "../version.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import {
  encodeGroup,
  type LogToEncode,
  type SpanToEncode,
  writeLog,
  writeSpan,
} from "../wire/encode-record.ts";
import { encodeLogs, encodeTraces, type RawRecord } from "../wire/encode-request.ts";
import type { AttributesToEncode } from "../wire/encode-value.ts";
import { createOtlpPost } from "./otlp-post.ts";
import { type Connection, createSendQueue } from "./send-queue.ts";

/** What adapters make; encoded when it is given to a source. */
export type LogToSend = LogToEncode;
export type SpanToSend = SpanToEncode;
export type SendableAttributes = AttributesToEncode;

/** What sends for one resource (one service, container or file). */
export interface OtlpSource {
  log(record: LogToSend): void;
  span(span: SpanToSend): void;
}

/** Counts since the client was made. `dropped` is of records that were never delivered, for `droppedReason`. */
export interface ClientStats {
  readonly sent: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly droppedReason: string;
}

/**
 * The one OTLP client of all adapters. Records wait encoded in a bounded queue and go out in batches; a
 * call never blocks and never throws. While no daemon answers they are kept, the oldest
 * making room for the newest, and what is dropped is counted.
 */
export interface OtlpClient {
  /** `resource` should hold `service.name`; records of one source share one OTLP resource and scope. */
  source(resource: SendableAttributes): OtlpSource;
  /** False while much waits: a source that can wait without harm (a file) should, and then loses nothing. */
  hasRoom(): boolean;
  stats(): ClientStats;
  /** Resolves true when nothing waits, false when there is no daemon or `capMs` passed first. */
  flush(capMs: number): Promise<boolean>;
  /** Flushes, then counts what still waits as dropped. Returns the final counts. */
  close(capMs: number): Promise<ClientStats>;
}

export interface OtlpClientOptions {
  /**
   * Base URL of the daemon, or `undefined` while there is none. Asked before the first batch and again after one
   * that could not be delivered, so that a daemon that starts later, or on another port, is found.
   */
  readonly endpoint: () => Promise<string | undefined>;
  /** `""` when none is required. */
  readonly apiKey: string;
  readonly clock: Clock;
  /** Bytes of log records that may wait, and of spans. */
  readonly queueBytesMax?: number;
}

const QUEUE_BYTES_MAX = 32 * 1024 ** 2;
/** What a record takes beside its bytes: the object that holds them, its place in the queue. */
const RECORD_BYTES = 150;

export function createOtlpClient(options: OtlpClientOptions): OtlpClient {
  const { clock, apiKey, endpoint } = options;
  const bytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX;
  const queueOf = (path: string, encode: Encoder) =>
    createSendQueue<RawRecord>({ bytesMax, endpoint, connect: (url) => connect(url + path, apiKey, encode) });
  const logs = queueOf("/v1/logs", encodeLogs);
  const spans = queueOf("/v1/traces", encodeTraces);
  const writer = new ByteWriter();

  /** What `write` writes, as a record of `group`. */
  function encoded(group: ScopeGroup, write: () => void): RawRecord {
    writer.clear();
    write();
    return { group, bytes: Buffer.from(writer.finish()) };
  }

  function stats(): ClientStats {
    const [ofLogs, ofSpans] = [logs.stats(), spans.stats()];
    return {
      sent: ofLogs.sent + ofSpans.sent,
      waiting: ofLogs.waiting + ofSpans.waiting,
      dropped: ofLogs.dropped + ofSpans.dropped,
      droppedReason: ofLogs.droppedReason || ofSpans.droppedReason,
    };
  }

  async function flush(capMs: number): Promise<boolean> {
    const flushed = await Promise.all([logs.flush(capMs), spans.flush(capMs)]);
    return flushed.every(Boolean);
  }

  return {
    source: (attributes) => {
      const group = encodeGroup(attributes, SCOPE_NAME, VERSION);
      return {
        log: (record) => {
          const raw = encoded(group, () => writeLog(writer, record, hrTimeOfMs(clock.nowMs())));
          logs.push(raw, raw.bytes.length + RECORD_BYTES);
        },
        span: (span) => {
          const raw = encoded(group, () => writeSpan(writer, span));
          spans.push(raw, raw.bytes.length + RECORD_BYTES);
        },
      };
    },
    hasRoom: () => logs.hasRoom() && spans.hasRoom(),
    stats,
    flush,
    close: async (capMs) => {
      await flush(capMs);
      logs.close();
      spans.close();
      return stats();
    },
  };
}

type Encoder = (records: readonly RawRecord[], writer: ByteWriter) => Uint8Array;

const SCOPE_NAME = "gasoline360";

function connect(url: string, apiKey: string, encode: Encoder): Connection<RawRecord> {
  const post = createOtlpPost(url, apiKey === "" ? {} : { "x-api-key": apiKey });
  // One request is on its way at a time, so all are written into the same memory.
  const body = new ByteWriter();
  return { send: (records) => post.send(encode(records, body)), close: post.close };
}

/** Unix milliseconds, with their fraction, as [seconds, nanoseconds]. */
export function hrTimeOfMs(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
