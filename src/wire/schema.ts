import { WIRE } from "./cursor.ts";

/**
 * OTLP's messages as data: field numbers, kinds and JSON names (opentelemetry-proto 1.x, packages common,
 * resource, trace, logs, metrics). Messages off the hot path are validated by these tables, and JSON is
 * transcoded by them. Fields that are not listed are unknown, and skipped.
 */
export interface Message {
  readonly name: string;
  /** Fields by number; holes are unknown fields. */
  readonly fields: readonly (Field | undefined)[];
}

export interface Field {
  readonly number: number;
  /** lowerCamelCase, as OTLP/JSON spells it. */
  readonly name: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Zero is told from absent (optional and oneof fields). */
  readonly presence: boolean;
  /** Set exactly when `kind` is "message". */
  readonly message: Message | undefined;
}

/** Scalar kinds of protobuf, but for `id`: bytes that OTLP/JSON writes as hex. */
export type FieldKind = keyof typeof WIRE_OF_KIND;

export const WIRE_OF_KIND = {
  bool: WIRE.varint,
  enum: WIRE.varint,
  uint32: WIRE.varint,
  sint32: WIRE.varint,
  int64: WIRE.varint,
  uint64: WIRE.varint,
  fixed32: WIRE.fixed32,
  fixed64: WIRE.fixed64,
  sfixed64: WIRE.fixed64,
  double: WIRE.fixed64,
  string: WIRE.length,
  bytes: WIRE.length,
  id: WIRE.length,
  message: WIRE.length,
} as const;

type Scalar = Exclude<FieldKind, "message">;

function one(number: number, name: string, type: Scalar | Message): Field {
  return field(number, name, type, false, false);
}

function optional(number: number, name: string, type: Scalar | Message): Field {
  return field(number, name, type, false, true);
}

function many(number: number, name: string, type: Scalar | Message): Field {
  return field(number, name, type, true, true);
}

function field(
  number: number,
  name: string,
  type: Scalar | Message,
  repeated: boolean,
  presence: boolean,
): Field {
  return typeof type === "string"
    ? { number, name, kind: type, repeated, presence, message: undefined }
    : { number, name, kind: "message", repeated, presence: true, message: type };
}

function message(name: string, ...fields: Field[]): Message {
  return { name, fields: byNumber(fields) };
}

function byNumber(fields: readonly Field[]): (Field | undefined)[] {
  const numbered: (Field | undefined)[] = [];
  for (const each of fields) {
    while (numbered.length <= each.number) numbered.push(undefined);
    numbered[each.number] = each;
  }
  return numbered;
}

// AnyValue holds lists of itself, so its fields are added once the lists exist.
const anyValueFields: (Field | undefined)[] = [];
export const ANY_VALUE: Message = { name: "AnyValue", fields: anyValueFields };
export const KEY_VALUE = message("KeyValue", one(1, "key", "string"), one(2, "value", ANY_VALUE));
export const ARRAY_VALUE = message("ArrayValue", many(1, "values", ANY_VALUE));
export const KEY_VALUE_LIST = message("KeyValueList", many(1, "values", KEY_VALUE));
anyValueFields.push(
  ...byNumber([
    optional(1, "stringValue", "string"),
    optional(2, "boolValue", "bool"),
    optional(3, "intValue", "int64"),
    optional(4, "doubleValue", "double"),
    optional(5, "arrayValue", ARRAY_VALUE),
    optional(6, "kvlistValue", KEY_VALUE_LIST),
    optional(7, "bytesValue", "bytes"),
  ]),
);

export const RESOURCE = message(
  "Resource",
  many(1, "attributes", KEY_VALUE),
  one(2, "droppedAttributesCount", "uint32"),
);

export const SCOPE = message(
  "InstrumentationScope",
  one(1, "name", "string"),
  one(2, "version", "string"),
  many(3, "attributes", KEY_VALUE),
  one(4, "droppedAttributesCount", "uint32"),
);

export const SPAN_EVENT = message(
  "Span.Event",
  one(1, "timeUnixNano", "fixed64"),
  one(2, "name", "string"),
  many(3, "attributes", KEY_VALUE),
  one(4, "droppedAttributesCount", "uint32"),
);

const SPAN_LINK = message(
  "Span.Link",
  one(1, "traceId", "id"),
  one(2, "spanId", "id"),
  one(3, "traceState", "string"),
  many(4, "attributes", KEY_VALUE),
  one(5, "droppedAttributesCount", "uint32"),
  one(6, "flags", "fixed32"),
);

export const STATUS = message("Status", one(2, "message", "string"), one(3, "code", "enum"));

export const SPAN = message(
  "Span",
  one(1, "traceId", "id"),
  one(2, "spanId", "id"),
  one(3, "traceState", "string"),
  one(4, "parentSpanId", "id"),
  one(5, "name", "string"),
  one(6, "kind", "enum"),
  one(7, "startTimeUnixNano", "fixed64"),
  one(8, "endTimeUnixNano", "fixed64"),
  many(9, "attributes", KEY_VALUE),
  one(10, "droppedAttributesCount", "uint32"),
  many(11, "events", SPAN_EVENT),
  one(12, "droppedEventsCount", "uint32"),
  many(13, "links", SPAN_LINK),
  one(14, "droppedLinksCount", "uint32"),
  one(15, "status", STATUS),
  one(16, "flags", "fixed32"),
);

export const LOG_RECORD = message(
  "LogRecord",
  one(1, "timeUnixNano", "fixed64"),
  one(2, "severityNumber", "enum"),
  one(3, "severityText", "string"),
  one(5, "body", ANY_VALUE),
  many(6, "attributes", KEY_VALUE),
  one(7, "droppedAttributesCount", "uint32"),
  one(8, "flags", "fixed32"),
  one(9, "traceId", "id"),
  one(10, "spanId", "id"),
  one(11, "observedTimeUnixNano", "fixed64"),
  one(12, "eventName", "string"),
);

const EXEMPLAR = message(
  "Exemplar",
  one(2, "timeUnixNano", "fixed64"),
  optional(3, "asDouble", "double"),
  one(4, "spanId", "id"),
  one(5, "traceId", "id"),
  optional(6, "asInt", "sfixed64"),
  many(7, "filteredAttributes", KEY_VALUE),
);

const NUMBER_POINT = message(
  "NumberDataPoint",
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  optional(4, "asDouble", "double"),
  many(5, "exemplars", EXEMPLAR),
  optional(6, "asInt", "sfixed64"),
  many(7, "attributes", KEY_VALUE),
  one(8, "flags", "uint32"),
);

const HISTOGRAM_POINT = message(
  "HistogramDataPoint",
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  one(4, "count", "fixed64"),
  optional(5, "sum", "double"),
  many(6, "bucketCounts", "fixed64"),
  many(7, "explicitBounds", "double"),
  many(8, "exemplars", EXEMPLAR),
  many(9, "attributes", KEY_VALUE),
  one(10, "flags", "uint32"),
  optional(11, "min", "double"),
  optional(12, "max", "double"),
);

const BUCKETS = message("Buckets", one(1, "offset", "sint32"), many(2, "bucketCounts", "uint64"));

const EXPONENTIAL_POINT = message(
  "ExponentialHistogramDataPoint",
  many(1, "attributes", KEY_VALUE),
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  one(4, "count", "fixed64"),
  optional(5, "sum", "double"),
  one(6, "scale", "sint32"),
  one(7, "zeroCount", "fixed64"),
  one(8, "positive", BUCKETS),
  one(9, "negative", BUCKETS),
  one(10, "flags", "uint32"),
  many(11, "exemplars", EXEMPLAR),
  optional(12, "min", "double"),
  optional(13, "max", "double"),
  one(14, "zeroThreshold", "double"),
);

const QUANTILE = message("ValueAtQuantile", one(1, "quantile", "double"), one(2, "value", "double"));

const SUMMARY_POINT = message(
  "SummaryDataPoint",
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  one(4, "count", "fixed64"),
  one(5, "sum", "double"),
  many(6, "quantileValues", QUANTILE),
  many(7, "attributes", KEY_VALUE),
  one(8, "flags", "uint32"),
);

const points = (name: string, point: Message, ...more: Field[]): Message =>
  message(name, many(1, "dataPoints", point), ...more);
const temporality = one(2, "aggregationTemporality", "enum");

export const METRIC = message(
  "Metric",
  one(1, "name", "string"),
  one(2, "description", "string"),
  one(3, "unit", "string"),
  optional(5, "gauge", points("Gauge", NUMBER_POINT)),
  optional(7, "sum", points("Sum", NUMBER_POINT, temporality, one(3, "isMonotonic", "bool"))),
  optional(9, "histogram", points("Histogram", HISTOGRAM_POINT, temporality)),
  optional(10, "exponentialHistogram", points("ExponentialHistogram", EXPONENTIAL_POINT, temporality)),
  optional(11, "summary", points("Summary", SUMMARY_POINT)),
  many(12, "metadata", KEY_VALUE),
);

/** A request: resources, in each scopes, in each records; the three signals differ only in names. */
function request(name: string, resourceName: string, scopeName: string, recordName: string, record: Message) {
  const scope = message(
    scopeName,
    one(1, "scope", SCOPE),
    many(2, recordName, record),
    one(3, "schemaUrl", "string"),
  );
  const resource = message(
    resourceName,
    one(1, "resource", RESOURCE),
    many(2, scopeName, scope),
    one(3, "schemaUrl", "string"),
  );
  return message(name, many(1, resourceName, resource));
}

export const TRACES_REQUEST = request(
  "ExportTraceServiceRequest",
  "resourceSpans",
  "scopeSpans",
  "spans",
  SPAN,
);
export const LOGS_REQUEST = request(
  "ExportLogsServiceRequest",
  "resourceLogs",
  "scopeLogs",
  "logRecords",
  LOG_RECORD,
);
export const METRICS_REQUEST = request(
  "ExportMetricsServiceRequest",
  "resourceMetrics",
  "scopeMetrics",
  "metrics",
  METRIC,
);

/** v1development; what a profile holds is not modelled. */
export const PROFILES_REQUEST = request(
  "ExportProfilesServiceRequest",
  "resourceProfiles",
  "scopeProfiles",
  "profiles",
  message("Profile"),
);
