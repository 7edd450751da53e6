import { stringAttribute } from "../model/attributes.ts";
import { type LogRecord, SEVERITY_ERROR } from "../model/log.ts";
import type { SpanEvent } from "../model/span.ts";
import type { TraceNode } from "./trace-tree.ts";

const MESSAGE_CHARS_MAX = 300;

/** True for a span that failed or that an error log was written under. */
export function isFailed(node: TraceNode): boolean {
  return node.span.statusCode === "error" || node.logs.some(isErrorLog) || node.span.events.some(isException);
}

export function isErrorLog(log: LogRecord): boolean {
  return log.severity >= SEVERITY_ERROR;
}

/** What a span says of its failure: status messages, exception messages, error logs. Longest texts are cut. */
export function errorMessages(node: TraceNode): string[] {
  const messages: string[] = [];
  if (node.span.statusCode === "error" && node.span.statusMessage !== "")
    messages.push(node.span.statusMessage);
  for (const event of node.span.events) {
    if (!isException(event)) continue;
    const type = stringAttribute(event.attributes, "exception.type");
    const message = stringAttribute(event.attributes, "exception.message");
    messages.push([type, message].filter((part) => part !== undefined && part !== "").join(": "));
  }
  for (const log of node.logs) if (isErrorLog(log) && typeof log.body === "string") messages.push(log.body);
  return messages.filter((message) => message !== "").map((message) => message.slice(0, MESSAGE_CHARS_MAX));
}

function isException(event: SpanEvent): boolean {
  return event.name === "exception";
}

/** Types of the exceptions recorded on a span: its events, its logs, `error.type`. Each once. */
export function exceptionTypes(node: TraceNode): Set<string> {
  const types = new Set<string>();
  for (const event of node.span.events) {
    if (event.name === "exception")
      types.add(stringAttribute(event.attributes, "exception.type") ?? "unknown");
  }
  for (const log of node.logs) {
    const type = stringAttribute(log.attributes, "exception.type");
    if (type !== undefined) types.add(type);
  }
  const errorType = stringAttribute(node.span.attributes, "error.type");
  if (errorType !== undefined) types.add(errorType);
  return types;
}
