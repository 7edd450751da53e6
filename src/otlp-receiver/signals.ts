import type { Signal } from "../wire/encode-response.ts";

/** What OTLP carries. Profiles (`v1development`) are accepted and counted, not kept. */
export const SIGNALS: readonly Signal[] = ["traces", "metrics", "logs", "profiles"];

/** How a request body is written: protobuf, or OTLP's own JSON mapping. */
export type Format = "protobuf" | "json";

/** OTLP/HTTP request paths (OTLP specification, "OTLP/HTTP Request"). */
const HTTP_PATHS: ReadonlyMap<string, Signal> = new Map([
  ["/v1/traces", "traces"],
  ["/v1/metrics", "metrics"],
  ["/v1/logs", "logs"],
  ["/v1development/profiles", "profiles"],
]);

/** OTLP/gRPC methods (opentelemetry/proto/collector/*). */
const GRPC_PATHS: ReadonlyMap<string, Signal> = new Map([
  ["/opentelemetry.proto.collector.trace.v1.TraceService/Export", "traces"],
  ["/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "metrics"],
  ["/opentelemetry.proto.collector.logs.v1.LogsService/Export", "logs"],
  ["/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", "profiles"],
]);

/**
 * The signal that an OTLP/HTTP request target names, `undefined` for any other path. A query is ignored, and an
 * absolute target (`http://localhost:7890/v1/traces`, as sent to a proxy) is read like its path (RFC 9112, 3.2.2).
 */
export function signalOfTarget(target: string): Signal | undefined {
  const direct = HTTP_PATHS.get(target);
  if (direct !== undefined) return direct;
  const origin = target.startsWith("http://") ? target.indexOf("/", "http://".length) : 0;
  if (origin < 0) return undefined;
  const query = target.indexOf("?", origin);
  return HTTP_PATHS.get(target.slice(origin, query < 0 ? target.length : query));
}

/** The signal that a gRPC method exports, `undefined` for any other method. */
export function signalOfMethod(path: string): Signal | undefined {
  return GRPC_PATHS.get(path);
}
