import { isAbsolute, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { frameOfAttributes, parseStack, type StackFrame, topFrame } from "../enrich/stack.ts";
import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { textOf } from "./request-facts.ts";

/** Where in the code a record says it comes from: its exception's innermost own frame, else its `code.*` attributes. */
export function codePlaceOf(record: Span | LogRecord): StackFrame | undefined {
  const carriers =
    record.kind === "span"
      ? [...record.events.map(({ attributes }) => attributes).toReversed(), record.attributes]
      : [record.attributes];
  for (const attributes of carriers) {
    const frame = topFrame(parseStack(textOf(attributes, "exception.stacktrace") ?? ""));
    if (frame !== undefined && !frame.isLibrary) return frame;
  }
  return frameOfAttributes(record.attributes);
}

/** Its file as one goes to it: relative to `root` where it lies below, with slashes; a path outside, or a URL, as it is. */
export function fileFrom({ file }: StackFrame, root: string): string {
  if (/^https?:/.test(file)) return file;
  const path =
    file.startsWith("file://") && URL.canParse(file) ? fileURLToPath(file) : file.replace(/^\.\//, "");
  const inside = isAbsolute(path) ? relative(root, path) : path;
  return (inside.startsWith("..") ? path : inside).replaceAll("\\", "/");
}
