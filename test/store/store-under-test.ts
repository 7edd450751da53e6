import type { StoreLimits } from "../../src/config.ts";
import type { CommitResult } from "../../src/model/sink.ts";
import type { Clock } from "../../src/model/time.ts";
import type { RecordFilter, StoredRecord, TelemetryStore } from "../../src/store/telemetry-store.ts";
import { createPointTable, createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanMetrics } from "../../src/wire/scan-metrics.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import {
  buildLogsRequest,
  buildMetricsRequest,
  buildTracesRequest,
  type LogSpec,
  type MetricSpec,
  type SpanSpec,
} from "../support/otlp-build.ts";

/** A clock that stands still until it is told. */
export class FakeClock implements Clock {
  ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }

  nowMs(): number {
    return this.ms;
  }
}

/** 2026-01-01T00:00:10Z: ten seconds after the default times of test/support/otlp-build.ts. */
export const START_MS = 1_767_225_610_000;

/** What a contract's tests are given: an empty store with limits of its own where they ask for some. */
export type MakeStore = (clock: FakeClock, limits?: StoreLimits) => Promise<TelemetryStore>;

const records = createRecordTable();
const points = createPointTable();

export function commitSpans(store: TelemetryStore, spans: readonly SpanSpec[]): CommitResult {
  const body = Buffer.from(buildTracesRequest(spans));
  scanTraces(body, records);
  return forgetting(body, store.commitSpans(records));
}

export function commitLogs(store: TelemetryStore, logs: readonly LogSpec[]): CommitResult {
  const body = Buffer.from(buildLogsRequest(logs));
  scanLogs(body, records);
  return forgetting(body, store.commitLogs(records));
}

export function commitMetrics(store: TelemetryStore, metrics: readonly MetricSpec[]): CommitResult {
  const body = Buffer.from(buildMetricsRequest(metrics));
  scanMetrics(body, points);
  return forgetting(body, store.commitPoints(points));
}

/** A body is the sender's again after a commit: a store that kept a view of it is found out. */
function forgetting(body: Buffer, result: CommitResult): CommitResult {
  body.fill(0xff);
  return result;
}

/** Every record that passes, oldest first. */
export async function allRecords(
  store: TelemetryStore,
  filter: RecordFilter = {},
): Promise<readonly StoredRecord[]> {
  return (await store.records({ filter, order: "oldest", limit: 100_000 })).records;
}

/** Names of all that passes, oldest first; a log's is its event name. */
export async function namesOf(store: TelemetryStore, filter: RecordFilter): Promise<readonly string[]> {
  return (await allRecords(store, filter)).map((record) =>
    record.kind === "log" ? record.eventName : record.name,
  );
}

/** A trace id of 32 digits that ends in `number`. */
export function traceId(number: number): string {
  return number.toString(16).padStart(32, "a0");
}
