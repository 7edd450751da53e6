import type { Attributes } from "../model/attributes.ts";
import { textOf } from "./operation.ts";
import type { TraceNode } from "./trace-tree.ts";

/** How surely a span ran code of a file: its path fits wholly, or only the end of it does. */
export type FileFit = "whole" | "end";

/** Path segments from the end that must be equal when neither path ends with the other. */
const END_SEGMENTS_MIN = 2;
const FRAMES_MAX = 200;
/** `at f (/app/src/a.ts:3:5)`, `File "a.py", line 3`, `(Orders.java:17)`, `/app/main.go:12 +0x1d`. */
const FRAME =
  /(?:\(|at |"|\s|@|^)((?:[a-z-]+:\/\/[^\s/"'()]*|[A-Za-z]:)?[^\s"'()@:]+\.[A-Za-z]{1,5})(?=(?:\?[^\s:]{0,100})?["':])/gm;
const STACK_CHARS_MAX = 20_000;

/** Files whose code a span ran, as far as it says: `code.*` attributes (also older ones) and stack frames. */
export function codeFilesOf(node: TraceNode): string[] {
  const files = new Set<string>();
  const addFrom = (attributes: Attributes) => {
    const file = textOf(attributes, "code.file.path", "code.filepath");
    if (file !== undefined) files.add(normalizePath(file));
    const stack = textOf(attributes, "exception.stacktrace", "code.stacktrace");
    if (stack !== undefined) for (const frame of framesOf(stack)) files.add(frame);
  };
  addFrom(node.span.attributes);
  for (const event of node.span.events) addFrom(event.attributes);
  for (const log of node.logs) addFrom(log.attributes);
  return [...files];
}

function framesOf(stack: string): string[] {
  const frames: string[] = [];
  for (const [, file] of stack.slice(0, STACK_CHARS_MAX).matchAll(FRAME)) {
    frames.push(normalizePath(file!));
    if (frames.length === FRAMES_MAX) break;
  }
  return frames;
}

/** A path with forward slashes, without scheme and host, query, drive or leading `./`. */
export function normalizePath(path: string): string {
  return path
    .replace(/^[a-z-]+:\/\/[^/]*/i, "")
    .replaceAll("\\", "/")
    .replace(/[?#].*$/, "")
    .replace(/^[A-Za-z]:/, "")
    .replace(/^(?:\.\/)+/, "")
    .replace(/\/{2,}/g, "/");
}

/**
 * Whether two paths name the same file: one ends with the other (`src/a.ts` and `/app/src/a.ts`), or, since a build may
 * run elsewhere, at least their last two segments are equal. `undefined` when neither. Both normalised.
 */
export function fitOfPaths(asked: string, seen: string): FileFit | undefined {
  const a = asked.split("/").filter((segment) => segment !== "");
  const b = seen.split("/").filter((segment) => segment !== "");
  let equal = 0;
  while (equal < a.length && equal < b.length && a.at(-1 - equal) === b.at(-1 - equal)) equal += 1;
  if (equal === 0) return undefined;
  if (equal === a.length || (equal === b.length && equal >= END_SEGMENTS_MIN)) return "whole";
  return equal >= END_SEGMENTS_MIN ? "end" : undefined;
}
