import type { Attributes } from "../../src/model/attributes.ts";
import type { LogRecord } from "../../src/model/log.ts";
import type { Resource, Scope } from "../../src/model/resource.ts";
import type { Span } from "../../src/model/span.ts";
import {
  type AttributesSpec,
  DEFAULT_START_NS,
  DEFAULT_TRACE_ID,
  type LogSpec,
  type RecordSpec,
  type SpanSpec,
} from "../support/otlp-build.ts";

/** What a spec of the test builder must decode to; `position` is that of its record in the request. */

export function expectedSpan(spec: SpanSpec, position: number): Span {
  const startNs = spec.startNs ?? DEFAULT_START_NS + BigInt(position) * 1_000_000n;
  return {
    kind: "span",
    traceId: spec.traceId ?? DEFAULT_TRACE_ID,
    spanId: spec.spanId ?? (position + 1).toString(16).padStart(16, "0"),
    parentSpanId: spec.parentSpanId ?? "",
    traceState: spec.traceState ?? "",
    flags: spec.flags ?? 0,
    name: spec.name ?? "operation",
    spanKind: spec.kind ?? "internal",
    startNs,
    endNs: spec.endNs ?? BigInt.asUintN(64, startNs + 1_000_000n),
    attributes: map(spec.attributes),
    events: (spec.events ?? []).map((event) => ({
      name: event.name ?? "event",
      timeNs: event.timeNs ?? startNs,
      attributes: map(event.attributes),
      droppedAttributes: 0,
    })),
    links: (spec.links ?? []).map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      traceState: "",
      attributes: map(link.attributes),
      flags: 0,
      droppedAttributes: 0,
    })),
    statusCode: spec.status?.code ?? "unset",
    statusMessage: spec.status?.message ?? "",
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...sender(spec),
  };
}

export function expectedLog(spec: LogSpec, position: number): LogRecord {
  return {
    kind: "log",
    traceId: spec.traceId ?? "",
    spanId: spec.spanId ?? "",
    flags: spec.flags ?? 0,
    timeNs: spec.timeNs ?? DEFAULT_START_NS + BigInt(position) * 1_000_000n,
    observedNs: spec.observedNs ?? 0n,
    severity: spec.severity ?? 0,
    severityText: spec.severityText ?? "",
    eventName: spec.eventName ?? "",
    body: spec.body ?? null,
    attributes: map(spec.attributes),
    droppedAttributes: 0,
    ...sender(spec),
  };
}

function sender(spec: RecordSpec): { resource: Resource; scope: Scope } {
  const attributes = map(spec.resource ?? { "service.name": "shop" });
  const service = attributes["service.name"];
  return {
    resource: {
      attributes,
      service: typeof service === "string" && service !== "" ? service : "unknown_service",
      schemaUrl: "",
    },
    scope: {
      name: spec.scope?.name ?? "test-scope",
      version: spec.scope?.version ?? "",
      attributes: map({}),
      schemaUrl: "",
    },
  };
}

/** Attributes come without a prototype. */
function map(attributes: AttributesSpec | undefined): Attributes {
  return Object.assign(Object.create(null) as AttributesSpec, attributes);
}
