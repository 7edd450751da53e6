import type { PointTable, RecordTable } from "./scan-table.ts";

/** What became of a committed table. `dropped` records could not be kept (too large); each is counted. */
export interface CommitResult {
  readonly stored: number;
  readonly dropped: number;
  /** Why, for partial_success; `""` when nothing was dropped. */
  readonly droppedReason: string;
}

/**
 * Where validated records go. The receiver writes to it; the store satisfies it. A call copies everything it
 * keeps out of `table.body` before it returns, stores all rows or counts them dropped, and does not throw on
 * any table that a scan produced.
 */
export interface TelemetrySink {
  commitSpans(table: RecordTable): CommitResult;
  commitLogs(table: RecordTable): CommitResult;
  commitPoints(table: PointTable): CommitResult;
}
