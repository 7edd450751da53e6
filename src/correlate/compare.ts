import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { PathIndex, profileTraces, type TraceProfile } from "./path-profile.ts";
import { median } from "./quantile.ts";
import type { TraceTree } from "./trace-tree.ts";

/** Where a difference is. */
export interface PathRef {
  /** Operations from the root, the place itself last; of deep places the nearest eight, `…` before them. */
  readonly path: readonly string[];
  readonly service: string;
  readonly operation: string;
}

/** What one side did at a place. */
export interface PathSide<S extends Span = Span> {
  readonly traces: number;
  readonly spans: number;
  readonly perParent: number;
  /** Of one span: mean within a trace, median over the traces that have the place. */
  readonly selfNs: number;
  /** Of all time on critical paths, 0 to 1. */
  readonly criticalShare: number;
  readonly sample: S;
}

/** A place that only one side has, with all below it. */
export interface OneSidedPath<S extends Span = Span> extends PathRef, PathSide<S> {
  /** Places below it that the other side lacks as well. */
  readonly below: number;
}

/** A place that both sides have. */
export interface ChangedPath<S extends Span = Span> extends PathRef {
  readonly before: PathSide<S>;
  readonly after: PathSide<S>;
}

export interface ErrorOrigin<S extends Span = Span> extends PathRef {
  /** Exception type, error type or status; `""` when the span says none. */
  readonly failure: string;
  readonly spans: number;
  readonly sample: S;
}

/** How two sets of traces differ. Every list has its largest difference first. */
export interface TraceComparison<S extends Span = Span> {
  /** Traces with spans, and the median duration of their main roots in ns (NaN without traces). */
  readonly before: { readonly traces: number; readonly durationNs: number };
  readonly after: { readonly traces: number; readonly durationNs: number };
  /** Places of one side only, topmost ones: what lies below them is counted in them. */
  readonly added: readonly OneSidedPath<S>[];
  readonly removed: readonly OneSidedPath<S>[];
  /** The same operation, gone from one place and new at another (a wrapper put in between, say). */
  readonly moved: readonly { readonly from: OneSidedPath<S>; readonly to: OneSidedPath<S> }[];
  /** Done at least twice as often under one parent (an N+1 born), or at most half as often. */
  readonly repeatedMore: readonly ChangedPath<S>[];
  readonly repeatedLess: readonly ChangedPath<S>[];
  readonly slower: readonly ChangedPath<S>[];
  readonly faster: readonly ChangedPath<S>[];
  /** Where most time on the critical path is, before and after; null on a side without any. */
  readonly criticalTop: { readonly before: PathRef | null; readonly after: PathRef | null };
  /** True when those two differ. */
  readonly criticalMoved: boolean;
  readonly newErrors: readonly ErrorOrigin<S>[];
  readonly goneErrors: readonly ErrorOrigin<S>[];
}

export interface CompareOptions {
  /** Self times that differ by less are alike; 1 ms unless told. */
  readonly selfNsMin?: number;
  /** And by less than this share of the smaller; 0.25 unless told. */
  readonly selfShareMin?: number;
  /** Repeats under one parent that count as many; 3 unless told. */
  readonly repeatsMin?: number;
}

/**
 * Compares two traces, or two sets of traces, place by place: a place is an operation below the operations of its
 * ancestors, so ids, times and the order of siblings do not matter. O(n log n) in spans, no recursion.
 *
 * A self time counts as changed when its median moved by `selfNsMin` and by `selfShareMin`, and, with several
 * traces, by more than the median deviation of either side.
 */
export function compareTraces<S extends Span, L extends LogRecord>(
  beforeTrees: readonly TraceTree<S, L>[],
  afterTrees: readonly TraceTree<S, L>[],
  options: CompareOptions = {},
): TraceComparison<S> {
  const index = new PathIndex();
  const before = profileTraces(beforeTrees, index);
  const after = profileTraces(afterTrees, index);
  const sides: Sides<S> = { index, before, after };
  const topBefore = topPath(before);
  const topAfter = topPath(after);
  const gained = shareOf(after, topAfter) - shareOf(before, topAfter);
  return {
    before: { traces: before.traces, durationNs: median(before.durationsNs) },
    after: { traces: after.traces, durationNs: median(after.durationsNs) },
    ...oneSided(sides),
    ...repeats(sides, options.repeatsMin ?? 3),
    ...selfChanges(sides, options),
    criticalTop: {
      before: topBefore < 0 ? null : refOf(index, topBefore),
      after: topAfter < 0 ? null : refOf(index, topAfter),
    },
    criticalMoved: topBefore !== topAfter && gained >= CRITICAL_GAIN_MIN,
    newErrors: originsMissingIn(before, after, index),
    goneErrors: originsMissingIn(after, before, index),
  };
}

/** The place with most time on critical paths takes over only when it gained this share of all of it. */
const CRITICAL_GAIN_MIN = 0.1;
const PATH_STEPS_SHOWN = 8;

interface Sides<S extends Span> {
  readonly index: PathIndex;
  readonly before: TraceProfile<S>;
  readonly after: TraceProfile<S>;
}

function oneSided<S extends Span>({ index, before, after }: Sides<S>) {
  const added = pathsMissingIn(before, after, index);
  const removed = pathsMissingIn(after, before, index);
  const to = (number: number) => oneSidedPath(index, after, added, number);
  const from = (number: number) => oneSidedPath(index, before, removed, number);

  const moved: { from: OneSidedPath<S>; to: OneSidedPath<S> }[] = [];
  const matched = new Set<number>();
  const matchTops = (tops: Set<number>, others: MissingPaths, add: (top: number, other: number) => void) => {
    for (const top of tops) {
      const sameStep = others.byStep.get(index.paths[top]!.step) ?? [];
      let other = sameStep.pop();
      while (other !== undefined && matched.has(other)) other = sameStep.pop();
      if (other === undefined) continue;
      matched.add(top).add(other);
      tops.delete(top);
      others.tops.delete(other);
      add(top, other);
    }
  };
  matchTops(removed.tops, added, (gone, come) => moved.push({ from: from(gone), to: to(come) }));
  // What is left at the top of one side may still match something below a top of the other.
  matchTops(added.tops, removed, (come, gone) => moved.push({ from: from(gone), to: to(come) }));
  const bySpans = (a: OneSidedPath<S>, b: OneSidedPath<S>) => b.below - a.below || b.spans - a.spans;
  return {
    added: Array.from(added.tops, to).sort(bySpans),
    removed: Array.from(removed.tops, from).sort(bySpans),
    moved: moved.sort((a, b) => bySpans(a.to, b.to)),
  };
}

interface MissingPaths {
  /** Those whose parent is not missing too. */
  readonly tops: Set<number>;
  /** By number: missing paths below it. */
  readonly below: Uint32Array;
  /** Missing paths by their step, topmost last. */
  readonly byStep: Map<number, number[]>;
}

/** Paths of `side` that `other` lacks. */
function pathsMissingIn(other: TraceProfile, side: TraceProfile, index: PathIndex): MissingPaths {
  const missing: MissingPaths = {
    tops: new Set(),
    below: new Uint32Array(index.paths.length),
    byStep: new Map(),
  };
  const { paths } = index;
  for (let number = paths.length - 1; number >= 0; number--) {
    if (!side.byPath.has(number) || other.byPath.has(number)) continue;
    const { parent, step } = paths[number]!;
    const sameStep = missing.byStep.get(step);
    if (sameStep === undefined) missing.byStep.set(step, [number]);
    else sameStep.push(number);
    if (parent < 0 || other.byPath.has(parent)) missing.tops.add(number);
    else missing.below[parent]! += missing.below[number]! + 1;
  }
  return missing;
}

function oneSidedPath<S extends Span>(
  index: PathIndex,
  side: TraceProfile<S>,
  missing: MissingPaths,
  number: number,
): OneSidedPath<S> {
  return { ...refOf(index, number), ...sideOf(side, number), below: missing.below[number]! };
}

function repeats<S extends Span>(sides: Sides<S>, repeatsMin: number) {
  const more: { readonly number: number; readonly factor: number }[] = [];
  const less: { readonly number: number; readonly factor: number }[] = [];
  for (const [number, { perParent: was }] of sides.before.byPath) {
    const is = sides.after.byPath.get(number)?.perParent;
    if (is === undefined) continue;
    if (is >= repeatsMin && is >= 2 * was) more.push({ number, factor: is / was });
    if (was >= repeatsMin && was >= 2 * is) less.push({ number, factor: was / is });
  }
  return { repeatedMore: changedPaths(sides, more), repeatedLess: changedPaths(sides, less) };
}

function selfChanges<S extends Span>(sides: Sides<S>, options: CompareOptions) {
  const nsMin = options.selfNsMin ?? 1_000_000;
  const shareMin = options.selfShareMin ?? 0.25;
  const slower: { readonly number: number; readonly factor: number }[] = [];
  const faster: { readonly number: number; readonly factor: number }[] = [];
  for (const [number, { selfNs }] of sides.before.byPath) {
    const now = sides.after.byPath.get(number)?.selfNs;
    if (now === undefined) continue;
    const was = median(selfNs);
    const is = median(now);
    const deltaNs = Math.abs(is - was);
    if (deltaNs < nsMin || deltaNs < shareMin * Math.min(was, is)) continue;
    if (deltaNs <= Math.max(medianDeviation(selfNs, was), medianDeviation(now, is))) continue;
    (is > was ? slower : faster).push({ number, factor: deltaNs });
  }
  return { slower: changedPaths(sides, slower), faster: changedPaths(sides, faster) };
}

/** How far values lie from their median, by the median of that. */
function medianDeviation(values: readonly number[], middle: number): number {
  return median(values.map((value) => Math.abs(value - middle)));
}

function changedPaths<S extends Span>(
  { index, before, after }: Sides<S>,
  found: { readonly number: number; readonly factor: number }[],
): ChangedPath<S>[] {
  found.sort((a, b) => b.factor - a.factor || a.number - b.number);
  return found.map(({ number }) => ({
    ...refOf(index, number),
    before: sideOf(before, number),
    after: sideOf(after, number),
  }));
}

function originsMissingIn<S extends Span>(
  other: TraceProfile<S>,
  side: TraceProfile<S>,
  index: PathIndex,
): ErrorOrigin<S>[] {
  const found: ErrorOrigin<S>[] = [];
  for (const [number, { origins }] of side.byPath) {
    const known = other.byPath.get(number)?.origins;
    for (const [failure, origin] of origins) {
      if (known?.has(failure) !== true) found.push({ ...refOf(index, number), failure, ...origin });
    }
  }
  return found.sort((a, b) => b.spans - a.spans);
}

/** The path with most time on critical paths, the first of several; -1 when there is no such time. */
function topPath(side: TraceProfile): number {
  let top = -1;
  let topNs = 0;
  for (const [number, { criticalNs }] of side.byPath) {
    if (criticalNs <= topNs) continue;
    top = number;
    topNs = criticalNs;
  }
  return top;
}

function shareOf(side: TraceProfile, number: number): number {
  const criticalNs = side.byPath.get(number)?.criticalNs ?? 0;
  return side.criticalNs === 0 ? 0 : criticalNs / side.criticalNs;
}

function sideOf<S extends Span>(side: TraceProfile<S>, number: number): PathSide<S> {
  const { traces, spans, perParent, selfNs, sample } = side.byPath.get(number)!;
  return { traces, spans, perParent, selfNs: median(selfNs), criticalShare: shareOf(side, number), sample };
}

function refOf(index: PathIndex, number: number): PathRef {
  const { service, operation, parent } = index.paths[number]!;
  const path = [operation];
  let at = parent;
  for (; at >= 0 && path.length < PATH_STEPS_SHOWN; at = index.paths[at]!.parent) {
    path.push(index.paths[at]!.operation);
  }
  if (at >= 0) path.push("…");
  return { path: path.reverse(), service, operation };
}
