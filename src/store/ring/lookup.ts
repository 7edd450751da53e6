import { STREAMS } from "../../model/stream.ts";
import type { Lookup, StoredRecord } from "../telemetry-store.ts";
import { readPlace, type Source } from "./query.ts";
import { parseRecordId } from "./record-id.ts";

/** The record with this id, or which of the three ways it is not here. */
export function readRecord(source: Source, epoch: string, text: string): Lookup<StoredRecord> {
  const id = parseRecordId(text);
  if (id === undefined || id.ring >= STREAMS.length) {
    return { found: "never_seen", reason: `"${text}" is not a record id.` };
  }
  if (id.epoch !== epoch) {
    return {
      found: "before_restart",
      reason: `Record ${text} is from before the restart; its memory is gone.`,
    };
  }
  const ring = source.rings.all[id.ring]!;
  if (id.sequence >= ring.next)
    return { found: "never_seen", reason: `No record ${text} has been received.` };
  const record = readPlace(source, { timeNs: 0, ring: id.ring, sequence: id.sequence });
  if (record?.kind === id.kind) return { found: "yes", value: record };
  if (record !== undefined) {
    return {
      found: "never_seen",
      reason: `Record ${record.id} is a ${record.kind}, so ${text} is no record's id.`,
    };
  }
  const stream = STREAMS[id.ring];
  const reason =
    id.sequence < ring.clearedBelow
      ? `Record ${text} was cleared from ${stream}.`
      : `Record ${text} was in ${stream}, and made way for newer records or expired.`;
  return { found: "evicted", reason };
}
