import type { ReceiverLimits } from "../config.ts";
import type { RecordTable } from "../model/scan-table.ts";
import type { CommitResult, TelemetrySink } from "../model/sink.ts";
import type { Signal } from "../wire/encode-response.ts";
import {
  logsJsonToProtobuf,
  metricsJsonToProtobuf,
  profilesJsonCount,
  tracesJsonToProtobuf,
} from "../wire/json-to-protobuf.ts";
import { createPointTable, createRecordTable } from "../wire/record-table.ts";
import { scanLogs } from "../wire/scan-logs.ts";
import { scanMetrics } from "../wire/scan-metrics.ts";
import { countProfiles } from "../wire/scan-profiles.ts";
import { scanTraces } from "../wire/scan-traces.ts";
import type { BodyMemory } from "./body-memory.ts";
import type { Ingested } from "./response.ts";
import type { Format } from "./signals.ts";
import type { Counters } from "./stats.ts";

/**
 * Takes a whole, inflated body and says what became of its records. Throws GasolineError when it is not an export
 * request; then nothing of it was kept.
 */
export type Ingest = (signal: Signal, format: Format, body: Buffer) => Ingested;

const NOTHING = new Uint8Array(0);
const TRANSCODERS = {
  traces: tracesJsonToProtobuf,
  logs: logsJsonToProtobuf,
  metrics: metricsJsonToProtobuf,
} as const;
const ALL_TAKEN: Ingested = { rejected: 0, message: "" };

/**
 * Makes the way from a body to the sink: scan it into a table, which validates all of it, and only then commit the
 * table, so that a malformed tail leaves nothing behind (design decision 3). JSON becomes protobuf first. All of it
 * happens in one turn, so that the tables and the body's buffer can be used again.
 */
export function createIngest(
  sink: TelemetrySink,
  { depthMax }: ReceiverLimits,
  counters: Counters,
  memory: BodyMemory,
): Ingest {
  const records = createRecordTable();
  const points = createPointTable();

  const account = (signal: Signal, table: RecordTable, result: CommitResult): Ingested => {
    const counts = counters.signals[signal];
    counts.accepted += result.stored;
    counts.rejected += table.rejected;
    counts.dropped += result.dropped;
    // The table outlives the request; a large body must not.
    table.body = NOTHING;
    if (table.rejected === 0 && result.dropped === 0) return ALL_TAKEN;
    counters.partialSuccesses++;
    const reasons = [table.rejectedReason, result.droppedReason].filter((reason) => reason !== "");
    return { rejected: table.rejected + result.dropped, message: reasons.join(" ") };
  };

  const commit = (signal: Signal, body: Uint8Array): Ingested => {
    switch (signal) {
      case "traces":
        scanTraces(body, records, depthMax);
        return account(signal, records, sink.commitSpans(records));
      case "logs":
        scanLogs(body, records, depthMax);
        return account(signal, records, sink.commitLogs(records));
      case "metrics":
        scanMetrics(body, points, depthMax);
        return account(signal, points, sink.commitPoints(points));
      case "profiles":
        counters.signals.profiles.accepted += countProfiles(body);
        return ALL_TAKEN;
    }
  };

  const commitJson = (signal: Signal, json: Uint8Array): Ingested => {
    if (signal === "profiles") {
      counters.signals.profiles.accepted += profilesJsonCount(json);
      return ALL_TAKEN;
    }
    const protobuf = TRANSCODERS[signal](json, depthMax);
    const ingested = commit(signal, protobuf);
    memory.free(protobuf);
    return ingested;
  };

  return (signal, format, body) => {
    counters.bytesDecoded += body.length;
    // Not a Buffer, whose `slice` shares memory where Uint8Array's copies; and one type is one shape to the hot loops.
    const bytes = new Uint8Array(body.buffer, body.byteOffset, body.length);
    const ingested = format === "json" ? commitJson(signal, bytes) : commit(signal, bytes);
    counters.signals[signal].requests++;
    return ingested;
  };
}
