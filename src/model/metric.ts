import type { Attributes } from "./attributes.ts";
import type { Resource, Scope } from "./resource.ts";

/** Metric data types by their field number in OTLP's Metric message (5, 7, 9, 10, 11). */
export type MetricType = "gauge" | "sum" | "histogram" | "exponential_histogram" | "summary";
export type Temporality = "unspecified" | "delta" | "cumulative";

/** A trace that a data point was measured in. */
export interface Exemplar {
  readonly timeNs: bigint;
  readonly value: number | bigint;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

/**
 * One decoded data point with the metric it belongs to (opentelemetry/proto/metrics/v1/metrics.proto).
 *
 * `value` is set for gauge and sum (null when the point says "no recorded value"). The others carry `count`,
 * `sum`, `min`, `max` where given, and their buckets: histogram `bounds`/`counts`, summary `quantiles`;
 * an exponential histogram is given as explicit bounds and counts, computed from its scale.
 */
export interface MetricPoint {
  readonly kind: "metric";
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly type: MetricType;
  readonly temporality: Temporality;
  readonly monotonic: boolean;
  readonly startNs: bigint;
  readonly timeNs: bigint;
  readonly flags: number;
  readonly attributes: Attributes;
  readonly value: number | bigint | null;
  readonly count?: number;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly bounds?: readonly number[];
  readonly counts?: readonly number[];
  readonly quantiles?: readonly { readonly quantile: number; readonly value: number }[];
  readonly exemplars: readonly Exemplar[];
  readonly resource: Resource;
  readonly scope: Scope;
}
