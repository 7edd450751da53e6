import type { StoredRecord } from "../store/telemetry-store.ts";
import { type Detail, durationNs, levelOf, messageOf, timeOf } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { clockTime, formatDuration } from "./render/units.ts";
import { lineChars } from "./reply.ts";
import { shortTraceId } from "./short-id.ts";

/** `10:02:03.123 error payment  card declined  l4k2a1 trace 3fa2b1c0` */
export function eventLine(record: StoredRecord, detail: Detail): string {
  const parts = [clockTime(timeOf(record)), levelOf(record), clean(record.resource.service, 60)];
  parts.push(clean(messageOf(record), lineChars(detail)));
  if (record.kind === "span") {
    const duration = durationNs(record);
    parts.push(`(${record.spanKind} span, ${duration === undefined ? "open" : formatDuration(duration)})`);
  }
  parts.push(record.id);
  if (record.kind !== "metric" && record.traceId !== "") {
    parts.push(`trace ${shortTraceId(record.traceId, timeOf(record))}`);
  }
  return parts.join(" ");
}
