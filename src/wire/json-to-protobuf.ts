import { ByteWriter } from "./byte-writer.ts";
import { asBuffer } from "./decode-scalars.ts";
import { compilePlan, type JsonPlan } from "./json-plan.ts";
import { JsonReader } from "./json-reader.ts";
import { JsonTranscoder } from "./json-transcoder.ts";
import { countProfiles } from "./scan-profiles.ts";
import { LOGS_REQUEST, METRICS_REQUEST, PROFILES_REQUEST, TRACES_REQUEST } from "./schema.ts";

const TRACES = compilePlan(TRACES_REQUEST);
const LOGS = compilePlan(LOGS_REQUEST);
const METRICS = compilePlan(METRICS_REQUEST);
const PROFILES = compilePlan(PROFILES_REQUEST);

/**
 * An ExportTraceServiceRequest in OTLP/JSON (OTLP specification, "JSON Protobuf Encoding") as protobuf bytes, for the
 * scan to validate further. Exact for all 64-bit integers. An id that is not hex makes only its record bad, but one
 * that looks like base64 the whole request. `depthMax` bounds nested attribute values, roughly; the scan does so
 * exactly. Throws `malformed_body` on JSON that is not well-formed or whose fields have the wrong type.
 */
export function tracesJsonToProtobuf(json: Uint8Array, depthMax = 64): Uint8Array {
  return toProtobuf(json, TRACES, depthMax);
}

/** `tracesJsonToProtobuf` for an ExportLogsServiceRequest. */
export function logsJsonToProtobuf(json: Uint8Array, depthMax = 64): Uint8Array {
  return toProtobuf(json, LOGS, depthMax);
}

/** `tracesJsonToProtobuf` for an ExportMetricsServiceRequest. */
export function metricsJsonToProtobuf(json: Uint8Array, depthMax = 64): Uint8Array {
  return toProtobuf(json, METRICS, depthMax);
}

/** How many profiles an ExportProfilesServiceRequest in JSON holds. Throws `malformed_body`. */
export function profilesJsonCount(json: Uint8Array): number {
  return countProfiles(toProtobuf(json, PROFILES, 1));
}

/** Messages around a record's attributes, and messages that one level of nested values takes (a keyed list). */
const DEPTH_AROUND = 8;
const DEPTH_A_VALUE = 3;

function toProtobuf(json: Uint8Array, plan: JsonPlan, depthMax: number): Uint8Array {
  const reader = new JsonReader(asBuffer(json));
  // Protobuf is about half as long as its JSON; the writer grows when it is not.
  const out = new ByteWriter(json.length >> 1);
  new JsonTranscoder(reader, out, DEPTH_AROUND + DEPTH_A_VALUE * depthMax).message(plan, 0);
  reader.peek();
  if (reader.at < reader.end) throw reader.error("expected the end after the request");
  return out.finish();
}
