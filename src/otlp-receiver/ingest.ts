import type { ReceiverLimits } from "../config.ts";
import type { RecordTable } from "../model/scan-table.ts";
import type { CommitResult, TelemetrySink } from "../model/sink.ts";
import type { Signal } from "../wire/encode-response.ts";
import { createPointTable, createRecordTable } from "../wire/record-table.ts";
import { scanLogs } from "../wire/scan-logs.ts";
import { scanMetrics } from "../wire/scan-metrics.ts";
import { countProfiles } from "../wire/scan-profiles.ts";
import { scanTraces } from "../wire/scan-traces.ts";
import type { Ingested } from "./response.ts";
import type { Format } from "./signals.ts";
import type { Counters } from "./stats.ts";

export type Ingest = (signal: Signal, format: Format, body: Buffer) => Ingested;

const NOTHING = new Uint8Array(0);
const ALL_TAKEN: Ingested = { rejected: 0, message: "" };

/**
 * Makes the way from a whole body to the sink: scan it into a table, which validates all of it, and only then commit
 * the table (design decision 3). Both happen in one turn, so the tables and the body's buffer can be reused.
 *
 * The result throws `malformed_body` (or what the scan throws) before anything is committed.
 */
export function createIngest(sink: TelemetrySink, limits: ReceiverLimits, counters: Counters): Ingest {
  const records = createRecordTable();
  const points = createPointTable();

  const commit = (signal: Signal, body: Uint8Array): Ingested => {
    switch (signal) {
      case "traces":
        scanTraces(body, records, limits.depthMax);
        return account(signal, records, sink.commitSpans(records));
      case "logs":
        scanLogs(body, records, limits.depthMax);
        return account(signal, records, sink.commitLogs(records));
      case "metrics":
        scanMetrics(body, points, limits.depthMax);
        return account(signal, points, sink.commitPoints(points));
      case "profiles":
        counters.signals.profiles.accepted += countProfiles(body);
        return ALL_TAKEN;
    }
  };

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

  return (signal, format, body) => {
    counters.bytesDecoded += body.length;
    const ingested = commit(signal, format === "json" ? body : body);
    counters.signals[signal].requests++;
    return ingested;
  };
}
