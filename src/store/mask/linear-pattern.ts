import { GasolineError } from "../../model/errors.ts";
import { ALNUM, type ByteSet } from "./byte-classes.ts";
import { type Assertion, type Pattern, parsePattern } from "./pattern-syntax.ts";
import { overwrite } from "./range.ts";

/** One state of the automaton. `next` and `other` are indexes of states. */
type State =
  | { readonly kind: "set"; readonly set: ByteSet; readonly next: number }
  | { readonly kind: "split"; readonly next: number; other: number }
  | { readonly kind: "assert"; readonly what: Assertion; readonly next: number }
  | { readonly kind: "accept" };

const STATES_MAX = 512;
const COMPILED_MAX = 16 * STATES_MAX;

/**
 * A pattern that masks every byte of every match, in one pass over the text and with at most `STATES_MAX` steps
 * a byte, whatever the pattern and the text (Thompson's construction, run as in Pike's VM: each state remembers
 * the earliest start that leads to it). No backtracking, so no pattern runs for ever.
 */
export class LinearPattern {
  readonly #states: State[] = [];
  readonly #first: ByteSet;
  readonly #start: number;
  #compiled = 0;
  /** States alive before the current byte and after it, with the earliest start of each, in order of starts. */
  #now: Threads;
  #then: Threads;

  /** Throws `bad_parameter` for what `parsePattern` refuses, and for a pattern that is too large. */
  constructor(source: string) {
    const accept = this.#add({ kind: "accept" }, source);
    this.#start = this.#compile(parsePattern(source), accept, source);
    this.#first = this.#firstBytes();
    this.#now = new Threads(this.#states.length);
    this.#then = new Threads(this.#states.length);
  }

  /** Overwrites the matches in `bytes[start, end)`, whole UTF-8 characters; true when a byte was changed. */
  mask(bytes: Uint8Array, start: number, end: number): boolean {
    const matches = this.#matches(bytes, start, end);
    let changed = false;
    for (let i = 0; i < matches.length; i += 2) {
      let from = matches[i]!;
      let to = matches[i + 1]!;
      while (from > start && isContinuation(bytes[from]!)) from--;
      while (to < end && isContinuation(bytes[to]!)) to++;
      changed = overwrite(bytes, from, to) || changed;
    }
    return changed;
  }

  /** Union of all matches as pairs of start and end, ascending. */
  #matches(bytes: Uint8Array, start: number, end: number): number[] {
    const found: number[] = [];
    this.#now.clear();
    for (let p = start; p < end; p++) {
      if (this.#now.count === 0 && this.#first[bytes[p]!] === 0) continue;
      this.#enter(this.#now, this.#start, p, p, bytes, start, end, found);
      this.#then.clear();
      for (let i = 0; i < this.#now.count; i++) {
        const state = this.#states[this.#now.states[i]!]!;
        if (state.kind !== "set" || state.set[bytes[p]!] === 0) continue;
        this.#enter(this.#then, state.next, this.#now.starts[i]!, p + 1, bytes, start, end, found);
      }
      [this.#now, this.#then] = [this.#then, this.#now];
    }
    return found;
  }

  /** Adds a state and all that follow it without a byte. Threads come in order of starts: the first one stays. */
  #enter(
    threads: Threads,
    index: number,
    from: number,
    p: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    found: number[],
  ): void {
    if (!threads.add(index, from)) return;
    const state = this.#states[index]!;
    if (state.kind === "accept") join(found, from, p);
    else if (state.kind === "split") {
      this.#enter(threads, state.next, from, p, bytes, start, end, found);
      this.#enter(threads, state.other, from, p, bytes, start, end, found);
    } else if (state.kind === "assert" && holds(state.what, bytes, p, start, end)) {
      this.#enter(threads, state.next, from, p, bytes, start, end, found);
    }
  }

  #add(state: State, source: string): number {
    if (this.#states.length >= STATES_MAX) throw tooLarge(source);
    return this.#states.push(state) - 1;
  }

  /** Adds the states of `pattern`, which go on at `next`; returns where they are entered. */
  #compile(pattern: Pattern, next: number, source: string): number {
    // Counts of empty groups multiply without adding a state.
    this.#compiled++;
    if (this.#compiled > COMPILED_MAX) throw tooLarge(source);
    switch (pattern.kind) {
      case "set":
        return this.#add({ kind: "set", set: pattern.set, next }, source);
      case "assert":
        return this.#add({ kind: "assert", what: pattern.what, next }, source);
      case "sequence":
        return pattern.items.reduceRight((after, item) => this.#compile(item, after, source), next);
      case "either":
        return pattern.items
          .map((item) => this.#compile(item, next, source))
          .reduceRight((other, entry) => this.#add({ kind: "split", next: entry, other }, source));
      case "repeat":
        return this.#compileRepeat(pattern.item, pattern.min, pattern.max, next, source);
    }
  }

  #compileRepeat(item: Pattern, min: number, max: number, next: number, source: string): number {
    let entry = next;
    if (max === Number.POSITIVE_INFINITY) {
      const loop: State = { kind: "split", next, other: next };
      entry = this.#add(loop, source);
      loop.other = this.#compile(item, entry, source);
    } else {
      for (let i = min; i < max; i++) {
        const other = this.#compile(item, entry, source);
        entry = this.#add({ kind: "split", next, other }, source);
      }
    }
    for (let i = 0; i < min; i++) entry = this.#compile(item, entry, source);
    return entry;
  }

  /** Bytes that a match can start with. */
  #firstBytes(): ByteSet {
    const first = new Uint8Array(256);
    const seen = new Set<number>();
    const pending = [this.#start];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      const state = this.#states[index]!;
      if (state.kind === "set") for (let byte = 0; byte < 256; byte++) first[byte]! |= state.set[byte]!;
      else if (state.kind === "split") pending.push(state.next, state.other);
      else if (state.kind === "assert") pending.push(state.next);
    }
    return first;
  }
}

function tooLarge(source: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `The pattern ${JSON.stringify(source)} is too large: with its counts written out it has more than ${STATES_MAX} parts.`,
    "Use smaller counts, or + instead of {n,m}.",
  );
}

/** A set of states in the order they were added, each with the start of the match that reached it. */
class Threads {
  readonly states: Int32Array;
  readonly starts: Float64Array;
  readonly #member: Uint8Array;
  count = 0;

  constructor(states: number) {
    this.states = new Int32Array(states);
    this.starts = new Float64Array(states);
    this.#member = new Uint8Array(states);
  }

  add(state: number, start: number): boolean {
    if (this.#member[state] === 1) return false;
    this.#member[state] = 1;
    this.states[this.count] = state;
    this.starts[this.count] = start;
    this.count++;
    return true;
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.#member[this.states[i]!] = 0;
    this.count = 0;
  }
}

/** Joins `[from, to)` to the pairs found so far; `to` never falls from one call to the next. */
function join(found: number[], from: number, to: number): void {
  if (from === to) return;
  let start = from;
  while (found.length > 0 && found.at(-1)! >= start) {
    found.pop();
    start = Math.min(start, found.pop()!);
  }
  found.push(start, to);
}

function holds(what: Assertion, bytes: Uint8Array, p: number, start: number, end: number): boolean {
  if (what === "start") return p === start;
  if (what === "end") return p === end;
  const edge = (p > start && isWord(bytes[p - 1]!)) !== (p < end && isWord(bytes[p]!));
  return edge === (what === "edge");
}

function isWord(byte: number): boolean {
  return ALNUM[byte] === 1 || byte === 0x5f;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
