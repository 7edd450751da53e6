import { SPAN_ID_BYTES, TRACE_ID_BYTES } from "./scan-words.ts";

const REMEDY =
  "Ids are raw bytes in protobuf and hex digits in JSON, never base64; check the exporter that made them.";

/** Why a span with ids of these lengths is rejected; `""` when they are fine. No parent (0) is fine. */
export function idLengthProblem(traceIdLength: number, spanIdLength: number, parentIdLength: number): string {
  if (traceIdLength !== TRACE_ID_BYTES) return wrongLength("trace id", traceIdLength, TRACE_ID_BYTES);
  if (spanIdLength !== SPAN_ID_BYTES) return wrongLength("span id", spanIdLength, SPAN_ID_BYTES);
  if (parentIdLength === 0 || parentIdLength === SPAN_ID_BYTES) return "";
  return wrongLength("parent span id", parentIdLength, SPAN_ID_BYTES);
}

/**
 * Why a span whose ids are these words of `RecordTable.ids` is rejected; `""` when they are fine. An id of only zeros
 * means "none" (W3C trace context): right for a parent, not for the span itself.
 */
export function zeroIdProblem(ids: Uint32Array, slot: number): string {
  if ((ids[slot]! | ids[slot + 1]! | ids[slot + 2]! | ids[slot + 3]!) === 0) {
    return `A span's trace id is all zero. ${REMEDY}`;
  }
  return (ids[slot + 4]! | ids[slot + 5]!) === 0 ? `A span's span id is all zero. ${REMEDY}` : "";
}

function wrongLength(what: string, length: number, expected: number): string {
  return `A span's ${what} is ${length} bytes long, expected ${expected}. ${REMEDY}`;
}
