import type { MetricPoint, MetricType, Temporality } from "../model/metric.ts";
import type { Resource, Scope } from "../model/resource.ts";
import type { MetricHeader } from "../model/scan-table.ts";
import { fieldEnd, fieldNumber, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { decodeExponentialPoint } from "./decode-exponential.ts";
import {
  decodeHistogramPoint,
  decodeNumberPoint,
  decodeSummaryPoint,
  type PointData,
} from "./decode-point.ts";
import { asBuffer, boolAt, textAt, uint32At } from "./decode-scalars.ts";

/** What the data's field number in Metric says: the kind of metric, and how to decode its points. */
const DATA: Readonly<
  Record<number, { readonly type: MetricType; readonly decode: (bytes: Buffer) => PointData }>
> = {
  5: { type: "gauge", decode: decodeNumberPoint },
  7: { type: "sum", decode: decodeNumberPoint },
  9: { type: "histogram", decode: decodeHistogramPoint },
  10: { type: "exponential_histogram", decode: decodeExponentialPoint },
  11: { type: "summary", decode: decodeSummaryPoint },
};

const TEMPORALITIES: readonly Temporality[] = ["unspecified", "delta", "cumulative"];

/**
 * Decodes one data point with the metric it belongs to (opentelemetry/proto/metrics/v1/metrics.proto). Times are
 * exact; counts and bucket counts above 2^53 are rounded, as_int values are not. A summary and a gauge have no
 * temporality. Throws `malformed_body` on bytes that no scan has let through.
 */
export function decodePoint(
  header: MetricHeader,
  pointBytes: Uint8Array,
  resource: Resource,
  scope: Scope,
): MetricPoint {
  const data = DATA[header.dataField] ?? DATA[5]!;
  return {
    kind: "metric",
    type: data.type,
    ...decodeHeader(header),
    ...data.decode(asBuffer(pointBytes)),
    resource,
    scope,
  };
}

type HeaderFields = Pick<MetricPoint, "name" | "description" | "unit" | "temporality" | "monotonic">;

/** Metric {1 name, 2 description, 3 unit}, in its data {2 temporality, 3 is_monotonic}. */
function decodeHeader(header: MetricHeader): HeaderFields {
  const bytes = asBuffer(header.bytes);
  const end = bytes.length;
  let description = "";
  let unit = "";
  let temporality = 0;
  let monotonic = false;
  let p = 0;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    if (tag === 0x12) description = textAt(bytes, valueAt, p);
    else if (tag === 0x1a) unit = textAt(bytes, valueAt, p);
    else if (fieldNumber(tag) === header.dataField) {
      for (let q = payloadStart(bytes, valueAt, p); q < p; ) {
        const dataTag = varintValue(bytes, q);
        const dataValueAt = varintEnd(bytes, q, p);
        q = fieldEnd(bytes, dataValueAt, p, dataTag);
        if (dataTag === 0x10) temporality = uint32At(bytes, dataValueAt);
        else if (dataTag === 0x18) monotonic = boolAt(bytes, dataValueAt);
      }
    }
  }
  return {
    name: header.name,
    description,
    unit,
    temporality: TEMPORALITIES[temporality] ?? "unspecified",
    monotonic,
  };
}
