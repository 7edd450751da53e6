import { isSecretName, MASK, redactText } from "../model/redact.ts";
import { apply } from "./natives.ts";

/** What one console line may cost, whatever is logged. */
const LIMITS = { depth: 4, keys: 25, items: 25, nodes: 60, chars: 1_000, textChars: 4_000 } as const;

const { getOwnPropertyDescriptor, getPrototypeOf, keys: keysOf } = Object;
const { isArray } = Array;
const errorStack = (error: Error): string => readText(error, "stack");
const nodeType = getOwnPropertyDescriptor(Node.prototype, "nodeType")!.get!;
const nodeName = getOwnPropertyDescriptor(Node.prototype, "nodeName")!.get!;
const elementId = getOwnPropertyDescriptor(Element.prototype, "id")!.get!;

/** Console arguments as text and, when they hold more than text, as JSON. */
export interface Described {
  readonly text: string;
  /** Absent when all arguments are primitives. */
  readonly json?: string;
  /** Stack of the first error among the arguments. */
  readonly error?: { readonly type: string; readonly message: string; readonly stack: string };
}

/**
 * Describes what was logged without running any code of the page's: getters are named, not called; cycles, depth,
 * width and length are cut. A proxy's traps are the one thing that cannot be told from data.
 */
export function describe(args: readonly unknown[]): Described {
  let text = "";
  let structured: string | undefined;
  let error: Described["error"];
  const count = Math.min(args.length, 20);
  const formatted = typeof args[0] === "string" && args[0].includes("%") ? format(args) : undefined;
  for (let i = 0; i < count; i++) {
    const value = args[i];
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    if (isObject && error === undefined && isError(value)) {
      error = {
        type: readText(value, "name") || "Error",
        message: redactText(readText(value, "message")),
        stack: redactText(errorStack(value)),
      };
    }
    const shown = isObject ? walk(value) : primitive(value);
    if (isObject) structured = `${structured === undefined ? "" : `${structured},`}${shown}`;
    if (text.length < LIMITS.textChars)
      text += `${i === 0 ? "" : " "}${typeof value === "string" ? cut(value) : shown}`;
  }
  return {
    text: redactText((formatted ?? text).slice(0, LIMITS.textChars)),
    ...(structured === undefined ? {} : { json: `[${structured.slice(0, LIMITS.textChars)}]` }),
    ...(error === undefined ? {} : { error }),
  };
}

/** `%s %d %i %f %o %O %c` of the console standard; undefined when nothing is substituted. */
function format(args: readonly unknown[]): string | undefined {
  let next = 1;
  const text = (args[0] as string).replace(/%([sdifoOc%])/g, (whole, kind: string) => {
    if (kind === "%") return "%";
    if (next >= args.length) return whole;
    const value = args[next++];
    if (kind === "c") return "";
    if (typeof value === "object" || typeof value === "function") return walk(value);
    return typeof value === "string" ? cut(value) : primitive(value);
  });
  if (next === 1) return undefined;
  let rest = "";
  for (let i = next; i < args.length; i++) {
    const value = args[i];
    rest += ` ${typeof value === "string" ? cut(value) : typeof value === "object" ? walk(value) : primitive(value)}`;
  }
  return text + rest;
}

/** A value as JSON-like text, capped. */
export function walk(root: unknown): string {
  const seen = new Set<unknown>();
  let nodes = 0;
  const visit = (value: unknown, depth: number): string => {
    if (typeof value === "string") return JSON.stringify(cut(value));
    if (typeof value === "function") return `"[function ${readText(value, "name")}]"`;
    if (typeof value !== "object" || value === null) return primitive(value, true);
    if (seen.has(value)) return '"[circular]"';
    if (++nodes > LIMITS.nodes) return '"…"';
    const special = specialText(value);
    if (special !== undefined) return JSON.stringify(special);
    if (depth >= LIMITS.depth) return isArray(value) ? `"[${value.length} items]"` : '"{…}"';
    seen.add(value);
    const shown = isArray(value) ? list(value, depth) : record(value, depth);
    seen.delete(value);
    return shown;
  };
  const list = (value: readonly unknown[], depth: number): string => {
    let shown = "";
    const count = Math.min(value.length, LIMITS.items);
    for (let i = 0; i < count; i++) shown += `${i === 0 ? "" : ","}${member(value, String(i), depth)}`;
    return `[${shown}${value.length > count ? `,"… ${value.length - count} more"` : ""}]`;
  };
  const record = (value: object, depth: number): string => {
    const keys = keysOf(value);
    let shown = "";
    const count = Math.min(keys.length, LIMITS.keys);
    for (let i = 0; i < count && nodes <= LIMITS.nodes; i++) {
      shown += `${i === 0 ? "" : ","}${JSON.stringify(keys[i])}:${member(value, keys[i]!, depth)}`;
    }
    return `{${shown}${keys.length > count ? `,"…":"${keys.length - count} more"` : ""}}`;
  };
  const member = (owner: object, key: string, depth: number): string => {
    const property = getOwnPropertyDescriptor(owner, key);
    if (property === undefined) return "null";
    if (property.get !== undefined || property.set !== undefined) return '"[getter]"';
    return isSecretName(key) ? `"${MASK}"` : visit(property.value, depth + 1);
  };
  try {
    return redactText(visit(root, 0));
  } catch {
    return '"[cannot be shown]"';
  }
}

/** Objects whose own keys say nothing: errors, elements, dates, maps, buffers. */
function specialText(value: object): string | undefined {
  if (isError(value)) return `${readText(value, "name") || "Error"}: ${readText(value, "message")}`;
  if (value instanceof Date) return Number.isNaN(+value) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Node) return nodeText(value);
  if (value instanceof Map || value instanceof Set)
    return `[${value instanceof Map ? "Map" : "Set"} of ${value.size}]`;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Promise) return "[Promise]";
  return undefined;
}

function nodeText(node: Node): string {
  const name = String(apply(nodeName, node, [])).toLowerCase();
  if (apply(nodeType, node, []) !== 1) return name;
  const id = String(apply(elementId, node, []));
  return `<${name}${id === "" ? "" : `#${id}`}>`;
}

function isError(value: unknown): value is Error {
  return value instanceof Error || value instanceof DOMException;
}

/** A data property that is text, own or inherited, without running a getter other than the platform's. */
function readText(owner: object, key: string): string {
  try {
    for (let at: object | null = owner; at !== null; at = getPrototypeOf(at)) {
      const property = getOwnPropertyDescriptor(at, key);
      if (property === undefined) continue;
      const value =
        property.get === undefined
          ? property.value
          : owner instanceof DOMException || key === "stack"
            ? apply(property.get, owner, [])
            : "";
      return typeof value === "string" ? value.slice(0, LIMITS.textChars) : "";
    }
  } catch {
    // A hostile prototype chain has nothing to say.
  }
  return "";
}

function primitive(value: unknown, asJson = false): string {
  if (typeof value === "symbol" || typeof value === "bigint")
    return asJson ? `"${String(value)}"` : String(value);
  if (value === undefined) return asJson ? '"undefined"' : "undefined";
  if (asJson && typeof value === "number" && !Number.isFinite(value)) return `"${value}"`;
  return `${value}`;
}

function cut(text: string): string {
  return text.length <= LIMITS.chars
    ? text
    : `${text.slice(0, LIMITS.chars)}… ${text.length - LIMITS.chars} more`;
}
