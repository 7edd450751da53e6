import type { LogRecord } from "../model/log.ts";
import { errorMessages, isErrorLog, isFailed } from "./failure.ts";
import type { TraceTree } from "./trace-tree.ts";
import type { TraceWindow } from "./window.ts";

/** What a diagnosis starts from: the traces that it is to explain. */
export type Symptom =
  /** One trace, and of it one span where given. */
  | { readonly kind: "trace"; readonly traceId: string; readonly spanId?: string }
  /** Traces with this text in an error message, exception, log or span name; case-insensitive. */
  | { readonly kind: "text"; readonly text: string }
  /** Traces with a failed span or an error log. */
  | { readonly kind: "error" };

/** Numbers of the traces that show the symptom, ascending. */
export function symptomaticTraces(window: TraceWindow, symptom: Symptom): number[] {
  const shows = matcher(symptom);
  const traces: number[] = [];
  window.trees.forEach((tree, number) => {
    if (tree.nodes.length > 0 && shows(tree)) traces.push(number);
  });
  return traces;
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
