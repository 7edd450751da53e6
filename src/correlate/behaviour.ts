import { exceptionTypes, isFailed } from "./failure.ts";
import type { LogTemplates } from "./templates.ts";
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
  | { readonly kind: "next"; readonly template: string | null; readonly followedBy: string | null }
  /** It failed (`isFailed`). */
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
      return `next ${fact.template ?? ""}\n${fact.followedBy ?? ""}`;
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
export function behaviourOf(window: TraceWindow, templates: LogTemplates): Behaviour {
  const facts = new FactTable();
  const calls = new CallTable(window, facts);
  const first = new Uint32Array(window.nodes.length + 1);
  for (let at = 0; at < window.nodes.length; at++) {
    const node = window.nodes[at]!;
    facts.begin(at);
    calls.collect(at);
    collectLogs(node, templates, facts);
    if (isFailed(node)) facts.add("error", () => ({ kind: "error" }));
    for (const type of exceptionTypes(node)) {
      facts.add(`exception ${type}`, () => ({ kind: "exception", type }));
    }
    first[at + 1] = facts.ids.length;
  }
  return { facts: facts.list, first, ids: Uint32Array.from(facts.ids) };
}

function collectLogs(node: TraceNode, templates: LogTemplates, facts: FactTable): void {
  let previous: string | null = null;
  for (const log of node.logs) {
    const template = templates.ofLog(log);
    facts.add(`log ${template}`, () => ({ kind: "log", template }));
    addNext(facts, previous, template);
    previous = template;
  }
  addNext(facts, previous, null);
}

function addNext(facts: FactTable, template: string | null, followedBy: string | null): void {
  facts.add(`next ${template ?? ""}\n${followedBy ?? ""}`, () => ({ kind: "next", template, followedBy }));
}

/** Facts by number, and which of them hold of the span at hand. */
class FactTable {
  readonly list: Fact[] = [];
  readonly ids: number[] = [];
  readonly #byKey = new Map<string, number>();
  /** By fact: the last position it was added for, plus one. */
  readonly #lastAt: number[] = [];
  #at = 0;

  begin(at: number): void {
    this.#at = at + 1;
  }

  /** Any key does that no other fact has: `make` is asked only for new ones. */
  add(key: string, make: () => Fact): void {
    let id = this.#byKey.get(key);
    if (id === undefined) {
      id = this.list.push(make()) - 1;
      this.#byKey.set(key, id);
      this.#lastAt.push(0);
    }
    if (this.#lastAt[id] === this.#at) return;
    this.#lastAt[id] = this.#at;
    this.ids.push(id);
  }
}

/** In place of the operation that answered a call: the called span itself. */
const DIRECT = -2;

/** Numbers the calls of a window, so that what a span called is compared by numbers. */
class CallTable {
  readonly #window: TraceWindow;
  readonly #facts: FactTable;
  readonly #calls: Call[] = [];
  /** By operation: number of the call by what answered it (an operation, or -1 for nobody). */
  readonly #numbers: Map<number, number>[];
  /** How often the span at hand made each call. */
  readonly #counts = new Map<number, number>();

  constructor(window: TraceWindow, facts: FactTable) {
    this.#window = window;
    this.#facts = facts;
    this.#numbers = window.operations.map(() => new Map());
  }

  collect(at: number): void {
    const node = this.#window.nodes[at]!;
    const base = at - node.index;
    const counts = this.#counts;
    counts.clear();
    for (const child of node.children) {
      const number = this.#numberOf(base + child, at);
      counts.set(number, (counts.get(number) ?? 0) + 1);
    }
    for (const [number, count] of counts) {
      this.#facts.add(`call ${number}`, () => ({ kind: "call", call: this.#calls[number]! }));
      for (let doublings = 1; 2 ** doublings <= count; doublings++) {
        this.#facts.add(`repeat ${doublings} ${number}`, () => ({
          kind: "repeat",
          call: this.#calls[number]!,
          doublings,
        }));
      }
    }
    const numbers = [...counts.keys()].slice(0, SEQUENCE_MAX);
    this.#facts.add(`sequence ${numbers}`, () => ({
      kind: "sequence",
      calls: numbers.map((number) => this.#calls[number]!),
    }));
  }

  #numberOf(at: number, parent: number): number {
    const { operation, operations, callee } = this.#window;
    const answer = callee[at]!;
    const own = operation[at]!;
    const { service, name } = operations[own]!;
    const answered = answer < 0 ? -1 : operation[answer]!;
    // A span of another service right below, without a call span between, is an answer itself.
    const direct = answered < 0 && service !== operations[operation[parent]!]!.service;
    const answeredBy = answered >= 0 ? operations[answered]!.service : direct ? service : "";
    const numbers = this.#numbers[own]!;
    const by = direct ? DIRECT : answered;
    const known = numbers.get(by);
    if (known !== undefined) return known;
    const key = callKey({ name, callee: answeredBy });
    let number = this.#calls.findIndex((call) => callKey(call) === key);
    if (number < 0) number = this.#calls.push({ name, callee: answeredBy }) - 1;
    numbers.set(by, number);
    return number;
  }
}
