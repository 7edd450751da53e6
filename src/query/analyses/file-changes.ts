import type { Finding } from "../../correlate/finding.ts";
import { stringAttribute } from "../../model/attributes.ts";
import type { LogRecord } from "../../model/log.ts";
import { isoTime } from "../render/units.ts";

const CHANGES_MAX = 3;
/** That something was changed before it got worse is a hint, and no more. */
const CONFIDENCE = 0.4;

/**
 * The files that were changed in a window, as git and apply_changes told, the newest change of each file and at most three: what
 * a regression in that window may come from. Empty when nobody told of any.
 */
export function fileChanges(logs: readonly LogRecord[]): Finding[] {
  const newest = new Map<string, LogRecord>();
  for (const log of logs) {
    const path = stringAttribute(log.attributes, "code.file.path");
    if (log.eventName !== "gasoline.git.change" || path === undefined) continue;
    if (log.timeNs >= (newest.get(path)?.timeNs ?? 0n)) newest.set(path, log);
  }
  const changes = [...newest].sort(([, a], [, b]) => Number(b.timeNs - a.timeNs)).slice(0, CHANGES_MAX);
  return changes.map(([path, { timeNs, attributes }]) => {
    const by =
      stringAttribute(attributes, "gasoline.git.change.by") === "interact" ? " by apply_changes" : "";
    return {
      kind: "file_change",
      text: `${path} was changed${by} at ${isoTime(timeNs)}, in this window`,
      evidence: [],
      method: "time-window",
      confidence: CONFIDENCE,
    };
  });
}
