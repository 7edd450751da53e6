import type { LogRecord } from "../model/log.ts";
import { errorMessages, isErrorLog, isFailed } from "./failure.ts";
import type { TraceTree } from "./trace-tree.ts";
import type { TraceWindow } from "./window.ts";

/** What a diagnosis starts from: the traces that it is to explain. */
export type Symptom =
  /** One trace, or of it one span with all below it. */
  | { readonly kind: "trace"; readonly traceId: string; readonly spanId?: string }
  /** Traces with this text in an error message, exception, log or span name; case-insensitive. */
  | { readonly kind: "text"; readonly text: string }
  /** Traces with a failed span or an error log. */
  | { readonly kind: "error" };

/** The spans to explain, by position: whole traces, or what lies below one span. */
export interface Scope {
  readonly traces: number;
  /** Some traces are left out. */
  readonly partial: boolean;
  /** They were chosen for having failed. */
  readonly failing: boolean;
  readonly has: (at: number) => boolean;
}

/** The spans that a symptom asks about; all without one, none when nothing shows it. */
export function scopeOf(window: TraceWindow, symptom: Symptom | undefined): Scope {
  const all = window.trees.length;
  if (symptom === undefined) return { traces: all, partial: false, failing: false, has: () => true };
  const shows = matcher(symptom);
  const traces = new Set<number>();
  window.trees.forEach((tree, number) => {
    if (shows(tree)) traces.add(number);
  });
  const inTrace = (at: number) => traces.has(window.trace[at]!);
  const scope = {
    traces: traces.size,
    partial: traces.size < all,
    failing: symptom.kind !== "trace",
    has: inTrace,
  };
  if (symptom.kind !== "trace" || symptom.spanId === undefined) return scope;
  const [from, to] = subtreeOf(window, inTrace, symptom.spanId);
  return { ...scope, traces: to > from ? 1 : 0, has: (at) => from <= at && at < to };
}

/** First position of a span's subtree and one past its last; both 0 when the span is not there. */
function subtreeOf(
  window: TraceWindow,
  inTrace: (at: number) => boolean,
  spanId: string,
): readonly [number, number] {
  const from = window.nodes.findIndex(({ span }, at) => span.spanId === spanId && inTrace(at));
  if (from < 0) return [0, 0];
  let to = from + 1;
  while (to < window.nodes.length && window.parent[to]! >= from) to += 1;
  return [from, to];
}

function matcher(symptom: Symptom): (tree: TraceTree) => boolean {
  switch (symptom.kind) {
    case "trace":
      return (tree) => tree.traceId === symptom.traceId;
    case "error":
      return (tree) => tree.nodes.some(isFailed) || tree.logs.some(isErrorLog);
    case "text": {
      const text = symptom.text.toLowerCase();
      const has = (value: string) => value.toLowerCase().includes(text);
      const inLog = (log: LogRecord) => typeof log.body === "string" && has(log.body);
      return (tree) =>
        tree.logs.some(inLog) ||
        tree.nodes.some(
          (node) => has(node.span.name) || errorMessages(node).some(has) || node.logs.some(inLog),
        );
    }
  }
}
