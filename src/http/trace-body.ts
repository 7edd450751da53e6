import type { TraceNode } from "../correlate/trace-tree.ts";
import { levelOfSeverity, logTimeNs } from "../model/log.ts";
import { treeByOneClock } from "../query/analyses/trees.ts";
import { attributesToJson, toJson } from "../query/json-value.ts";
import type { StoredLog, StoredSpan, TraceRecords } from "../store/telemetry-store.ts";
import type { TraceBody, TraceLog, TraceSpan } from "./api-types.ts";

/** All that is held of a trace as JSON, exact; ordered as the trace tree orders it. */
export function traceBody(records: TraceRecords): TraceBody {
  const tree = treeByOneClock(records.spans, records.logs, { lost: records.lost });
  const spans = tree.nodes.map((node) => node.span);
  return {
    trace_id: records.traceId,
    ...(spans.length === 0
      ? {}
      : {
          start_ns: earliest(spans.map((span) => span.startNs)).toString(),
          end_ns: latest(spans.flatMap((span) => [span.startNs, span.endNs])).toString(),
        }),
    services: [...new Set([...spans, ...records.logs].map((record) => record.resource.service))].sort(),
    spans: tree.nodes.map(spanBody),
    logs: tree.logs.map(logBody),
    lost: tree.lost,
    partial: tree.partial,
    missing_parents: tree.missingParents.map((parent) => parent.spanId),
    duplicates_folded: tree.duplicates,
  };
}

function earliest(times: readonly bigint[]): bigint {
  let least = times[0]!;
  for (const time of times) if (time < least) least = time;
  return least;
}

function latest(times: readonly bigint[]): bigint {
  let most = times[0]!;
  for (const time of times) if (time > most) most = time;
  return most;
}

function spanBody(node: TraceNode<StoredSpan, StoredLog>): TraceSpan {
  const { span } = node;
  const flags = flagsOf(node);
  const { droppedAttributes, droppedEvents, droppedLinks } = span;
  return {
    id: span.id,
    trace_id: span.traceId,
    span_id: span.spanId,
    ...(span.parentSpanId === "" ? {} : { parent_span_id: span.parentSpanId }),
    parent: node.parent,
    depth: node.depth,
    name: span.name,
    service: span.resource.service,
    kind: span.spanKind,
    start_ns: span.startNs.toString(),
    ...(node.open ? {} : { end_ns: span.endNs.toString() }),
    status: { code: span.statusCode, ...(span.statusMessage === "" ? {} : { message: span.statusMessage }) },
    attributes: attributesToJson(span.attributes),
    events: span.events.map((event) => ({
      time_ns: event.timeNs.toString(),
      name: event.name,
      attributes: attributesToJson(event.attributes),
    })),
    links: span.links.map((link) => ({
      trace_id: link.traceId,
      span_id: link.spanId,
      attributes: attributesToJson(link.attributes),
    })),
    logs: node.logs.map(logBody),
    resource: attributesToJson(span.resource.attributes),
    scope: { name: span.scope.name, version: span.scope.version },
    ...(span.traceState === "" ? {} : { trace_state: span.traceState }),
    ...(droppedAttributes + droppedEvents + droppedLinks === 0
      ? {}
      : { dropped: { attributes: droppedAttributes, events: droppedEvents, links: droppedLinks } }),
    ...(flags.length === 0 ? {} : { flags }),
  };
}

function logBody(log: StoredLog): TraceLog {
  return {
    id: log.id,
    ...(log.traceId === "" ? {} : { trace_id: log.traceId }),
    ...(log.spanId === "" ? {} : { span_id: log.spanId }),
    time_ns: logTimeNs(log).toString(),
    level: levelOfSeverity(log.severity),
    severity: log.severity,
    ...(log.eventName === "" ? {} : { event_name: log.eventName }),
    body: toJson(log.body),
    attributes: attributesToJson(log.attributes),
    service: log.resource.service,
  };
}

function flagsOf(node: TraceNode): string[] {
  const flags: readonly (readonly [string, boolean])[] = [
    ["orphan", node.orphan],
    ["open", node.open],
    ["late", node.late],
    ["negative", node.negative],
    ["cycle_cut", node.cycleBroken],
  ];
  return flags.filter(([, holds]) => holds).map(([flag]) => flag);
}
