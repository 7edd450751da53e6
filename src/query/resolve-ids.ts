import { GasolineError } from "../model/errors.ts";
import type { Lookup, StoredRecord, TelemetryStore } from "../store/telemetry-store.ts";
import type { ObserveFilter } from "./parameters.ts";

/** The ids of a filter in full, or why there are none to be had. */
export type ResolvedIds =
  | {
      readonly found: "yes";
      readonly traceId: string | undefined;
      readonly spanId: string | undefined;
      /** The record that `filter.id` names. */
      readonly record: StoredRecord | undefined;
    }
  | { readonly found: Exclude<Lookup<unknown>["found"], "yes">; readonly reason: string };

const TRACE_ID = /^[0-9a-f]{32}$/;
const TRACE_PREFIX = /^[0-9a-f]{8,31}$/;
const SPAN_ID = /^[0-9a-f]{16}$/;
const RECORD_ID = /^[slm][0-9a-z]{3,20}$/;

/**
 * Finds the full ids behind what was asked: a trace id or its first digits, a span id, a record's short id.
 * Throws GasolineError `bad_parameter` on text that is none of these.
 */
export async function resolveIds(store: TelemetryStore, filter: ObserveFilter): Promise<ResolvedIds> {
  let record: StoredRecord | undefined;
  let traceId: string | undefined;
  let spanId: string | undefined;
  const short =
    filter.id ??
    (filter.span_id !== undefined && RECORD_ID.test(filter.span_id) ? filter.span_id : undefined);
  if (short !== undefined) {
    if (!RECORD_ID.test(short))
      throw wrongId("filter.id", short, "an id that a reply gave, such as s4k21a or l4k21b");
    const lookup = await store.record(short);
    if (lookup.found !== "yes") return lookup;
    record = lookup.value;
    if (record.kind !== "metric") {
      traceId = record.traceId || undefined;
      spanId = record.spanId || undefined;
    }
  }
  if (filter.span_id !== undefined && !RECORD_ID.test(filter.span_id)) {
    spanId = filter.span_id.toLowerCase();
    if (!SPAN_ID.test(spanId))
      throw wrongId("filter.span_id", filter.span_id, "16 hex digits, or an s… id that a reply gave");
  }
  if (filter.trace_id !== undefined) {
    const asked = filter.trace_id.toLowerCase();
    if (traceId === undefined || !traceId.startsWith(asked)) {
      const lookup = await fullTraceId(store, asked, filter.trace_id);
      if (lookup.found !== "yes") return lookup;
      traceId = lookup.value;
    }
  }
  return { found: "yes", traceId, spanId, record: filter.id === undefined ? undefined : record };
}

async function fullTraceId(store: TelemetryStore, asked: string, given: string): Promise<Lookup<string>> {
  if (TRACE_ID.test(asked)) return { found: "yes", value: asked };
  if (!TRACE_PREFIX.test(asked))
    throw wrongId("filter.trace_id", given, "32 hex digits, or at least the first 8 of them");
  const lookup = await store.trace(asked);
  return lookup.found === "yes" ? { found: "yes", value: lookup.value.traceId } : lookup;
}

function wrongId(parameter: string, value: string, expected: string): GasolineError {
  const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return new GasolineError(
    "bad_parameter",
    `${parameter} is ${shown}; expected ${expected}.`,
    'Call observe {"what":"traces"} for the traces that are held.',
  );
}
