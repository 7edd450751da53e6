import { GasolineError } from "../../model/errors.ts";
import type { Lookup, StoredLog, StoredSpan, TraceRecords } from "../telemetry-store.ts";
import { NONE } from "./columns.ts";
import type { PagePlace } from "./page.ts";
import { readPlace, type Source } from "./query.ts";
import { forEachOfTrace } from "./scan.ts";
import { hexOfWords } from "./trace-id.ts";
import { ROW_COST, Turns } from "./turns.ts";

const PREFIX_DIGITS_MIN = 8;
const CANDIDATES_SHOWN_MAX = 5;

/**
 * All that is held of one trace, by its id or a prefix of at least 8 hex digits. Throws GasolineError
 * `bad_parameter` for a text that is neither, and for a prefix of several traces, naming them.
 */
export async function readTrace(source: Source, idOrPrefix: string): Promise<Lookup<TraceRecords>> {
  const { rings } = source;
  const prefix = idOrPrefix.toLowerCase();
  if (!isTracePrefix(prefix)) {
    throw new GasolineError(
      "bad_parameter",
      `"${idOrPrefix}" is not a trace id: 32 hex digits, or the first ${PREFIX_DIGITS_MIN} or more of them.`,
      "Take one from a list of traces (observe traces).",
    );
  }
  const trace = findTrace(source, prefix);
  if (trace !== NONE) return { found: "yes", value: await decodeTrace(source, trace) };
  const isGone = rings.index.departed.some((ids, at) => hexOfWords(ids, at, 4).startsWith(prefix));
  return isGone
    ? {
        found: "evicted",
        reason: `Trace ${prefix} was here; all its records made way for newer ones, expired or were cleared.`,
      }
    : { found: "never_seen", reason: `No trace whose id begins with ${prefix} has been received.` };
}

/** Whether a text is a trace id of hex digits in lower case, or enough of one. */
export function isTracePrefix(text: string): boolean {
  return /^[0-9a-f]{8,32}$/.test(text);
}

/** Number of the one trace whose id begins with the prefix (8 to 32 hex digits), or NONE. */
export function findTrace({ rings }: Source, prefix: string): number {
  const { index } = rings;
  const low = (i: number): number => Number.parseInt(prefix.slice(8 * i, 8 * i + 8).padEnd(8, "0"), 16);
  if (prefix.length === 32) return index.find(low(0), low(1), low(2), low(3));
  const w0 = low(0);
  const found: number[] = [];
  for (let trace = 0; trace < index.numbersUsed; trace++) {
    if (index.ids[4 * trace] !== w0 || !index.isHeld(trace)) continue;
    if (hexOfWords(index.ids, 4 * trace, 4).startsWith(prefix)) found.push(trace);
  }
  if (found.length > 1) {
    const shown = found.slice(0, CANDIDATES_SHOWN_MAX).map((trace) => hexOfWords(index.ids, 4 * trace, 4));
    throw new GasolineError(
      "bad_parameter",
      `Trace id prefix "${prefix}" names ${found.length} traces: ${shown.join(", ")}${found.length > shown.length ? ", …" : ""}.`,
      "Give more of its digits.",
    );
  }
  return found[0] ?? NONE;
}

/** Where a trace's records were first stored, by time and then arrival. */
function placesOfTrace({ rings, reader }: Source, trace: number): readonly PagePlace[] {
  const places: (PagePlace & { readonly arrival: number })[] = [];
  forEachOfTrace(rings, trace, (ring, slot) => {
    const { start, arrival } = ring.columns;
    places.push({ timeNs: start[slot]!, arrival: arrival[slot]!, ...reader.origin(ring, slot) });
  });
  return places.sort((a, b) => a.timeNs - b.timeNs || a.arrival - b.arrival);
}

async function decodeTrace(source: Source, trace: number): Promise<TraceRecords> {
  const { index } = source.rings;
  const traceId = hexOfWords(index.ids, 4 * trace, 4);
  let lost = index.lost[trace]!;
  const spans: StoredSpan[] = [];
  const logs: StoredLog[] = [];
  const turns = new Turns(ROW_COST.decoded);
  for (const place of placesOfTrace(source, trace)) {
    const record = readPlace(source, place);
    if (record === undefined) lost++;
    else if (record.kind === "span") spans.push(record);
    else if (record.kind === "log") logs.push(record);
    if (turns.spend()) await turns.next();
  }
  return { traceId, spans, logs, lost };
}
