import { estimateClockSkew } from "../../correlate/clock-skew.ts";
import { buildTraceTree, type TraceTree } from "../../correlate/trace-tree.ts";
import type { LogRecord } from "../../model/log.ts";
import type { Span } from "../../model/span.ts";
import { findTrace, groupByTrace, type RecordWindow } from "./question.ts";

/**
 * The window's traces as trees by their first span, or the one that an id or prefix names. Clocks of hosts that are
 * apart are read as one. Throws as `findTrace`.
 */
export function treesOf(window: RecordWindow, traceId?: string): TraceTree[] {
  const wanted = traceId === undefined ? undefined : findTrace(window, traceId);
  const spansOf = groupByTrace(window.spans);
  const logsOf = groupByTrace(window.logs);
  const ids = wanted === undefined ? [...spansOf.keys()] : [wanted];
  return ids.map((id) => treeByOneClock(spansOf.get(id) ?? [], logsOf.get(id) ?? []));
}

/** One trace as a tree, with the offsets that its own calls show between hosts' clocks applied where there are any. */
export function treeByOneClock<S extends Span, L extends LogRecord>(
  spans: readonly S[],
  logs: readonly L[],
  options: Parameters<typeof buildTraceTree<S, L>>[2] = {},
): TraceTree<S, L> {
  const tree = buildTraceTree(spans, logs, options);
  const { offsetsNs } = estimateClockSkew([tree]);
  return offsetsNs.size === 0 ? tree : buildTraceTree(spans, logs, { ...options, clockOffsetsNs: offsetsNs });
}
