import { stringAttribute } from "../model/attributes.ts";
import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { maskedText, type Templates } from "./templates.ts";
import type { TraceNode } from "./trace-tree.ts";
import type { TraceWindow } from "./window.ts";

/**
 * What a span did, as a set of facts that either hold of it or not. Windows are compared by the share of an
 * operation's spans for which a fact holds.
 */
export type Fact =
  /** It called this operation at least once. */
  | { readonly kind: "call"; readonly call: Call }
  /** It made this many calls of one operation, as a power of two: 3 is 8 to 15. From 1 (two calls) on. */
  | { readonly kind: "repeat"; readonly call: Call; readonly doublings: number }
  /** Operations called, in order of their first call. */
  | { readonly kind: "sequence"; readonly calls: readonly Call[] }
  | { readonly kind: "log"; readonly template: string }
  /** A log record was followed by another; null is the span's beginning or end. */
  | { readonly kind: "next"; readonly template: string | null; readonly then: string | null }
  | { readonly kind: "error" }
  | { readonly kind: "exception"; readonly type: string };

/** What was called: an operation's name, and the service that answered where that was another one. */
export interface Call {
  readonly name: string;
  /** `""` for work within the service, and for calls that nobody answered. */
  readonly callee: string;
}

const SEQUENCE_MAX = 32;

/** The facts of a window's spans, each distinct fact held once. */
export interface Behaviour {
  readonly facts: readonly Fact[];
  /** Facts of the span at a position: `ids[first[p]]` up to `ids[first[p + 1]]`, none twice. */
  readonly first: Uint32Array;
  readonly ids: Uint32Array;
}

/** The key under which a fact is found again in another window. */
export function factKey(fact: Fact): string {
  switch (fact.kind) {
    case "call":
      return `call ${callKey(fact.call)}`;
    case "repeat":
      return `repeat ${fact.doublings} ${callKey(fact.call)}`;
    case "sequence":
      return `sequence ${fact.calls.map(callKey).join("\n")}`;
    case "log":
      return `log ${fact.template}`;
    case "next":
      return `next ${fact.template ?? ""}\n${fact.then ?? ""}`;
    case "error":
      return "error";
    case "exception":
      return `exception ${fact.type}`;
  }
}

export function callKey(call: Call): string {
  return call.callee === "" ? call.name : `${call.name}\t${call.callee}`;
}

/** Collects what every span of the window did. O(n log n) in spans, logs and events. */
export function behaviourOf(window: TraceWindow, templates: Templates): Behaviour {
  const collector = new FactCollector();
  const first = new Uint32Array(window.nodes.length + 1);
  for (let at = 0; at < window.nodes.length; at++) {
    const node = window.nodes[at]!;
    collector.begin(at);
    collectCalls(window, at, collector);
    collectLogs(node, templates, collector);
    if (node.span.statusCode === "error") collector.add({ kind: "error" });
    for (const type of exceptionTypes(node)) collector.add({ kind: "exception", type });
    first[at + 1] = collector.ids.length;
  }
  return { facts: collector.facts, first, ids: Uint32Array.from(collector.ids) };
}

function collectCalls(window: TraceWindow, at: number, collector: FactCollector): void {
  const node = window.nodes[at]!;
  const base = at - node.index;
  const counts = new Map<string, { call: Call; count: number }>();
  for (const child of node.children) {
    const call = callAt(window, base + child);
    const key = callKey(call);
    const seen = counts.get(key);
    if (seen === undefined) counts.set(key, { call, count: 1 });
    else seen.count += 1;
  }
  for (const { call, count } of counts.values()) {
    collector.add({ kind: "call", call });
    for (let doublings = 1; 2 ** doublings <= count; doublings++) {
      collector.add({ kind: "repeat", call, doublings });
    }
  }
  const calls = Array.from(counts.values(), (seen) => seen.call).slice(0, SEQUENCE_MAX);
  collector.add({ kind: "sequence", calls });
}

/** What the span at a position is to its parent. */
export function callAt(window: TraceWindow, at: number): Call {
  const { span } = window.nodes[at]!;
  const callee = window.callee[at]!;
  if (callee >= 0) return { name: span.name, callee: window.nodes[callee]!.span.resource.service };
  const parent = window.parent[at]!;
  const caller = parent < 0 ? undefined : window.nodes[parent]!.span.resource.service;
  return { name: span.name, callee: caller === span.resource.service ? "" : span.resource.service };
}

function collectLogs(node: TraceNode, templates: Templates, collector: FactCollector): void {
  let previous: string | null = null;
  for (const log of node.logs) {
    const template = templates.templateOf(maskedText(log));
    collector.add({ kind: "log", template });
    collector.add({ kind: "next", template: previous, then: template });
    previous = template;
  }
  collector.add({ kind: "next", template: previous, then: null });
}

/** Types of the exceptions recorded on a span: its events, its logs, `error.type`. Each once. */
export function exceptionTypes(node: TraceNode<Span, LogRecord>): Set<string> {
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

class FactCollector {
  readonly facts: Fact[] = [];
  readonly ids: number[] = [];
  readonly #byKey = new Map<string, number>();
  /** By fact: the last position it was added for, plus one. */
  readonly #lastAt: number[] = [];
  #at = 0;

  begin(at: number): void {
    this.#at = at + 1;
  }

  add(fact: Fact): void {
    const key = factKey(fact);
    let id = this.#byKey.get(key);
    if (id === undefined) {
      id = this.facts.push(fact) - 1;
      this.#byKey.set(key, id);
      this.#lastAt.push(0);
    }
    if (this.#lastAt[id] === this.#at) return;
    this.#lastAt[id] = this.#at;
    this.ids.push(id);
  }
}
