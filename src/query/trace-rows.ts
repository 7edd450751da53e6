import type { TraceNode, TraceTree } from "../correlate/trace-tree.ts";
import { SEVERITY_ERROR } from "../model/log.ts";
import type { StoredLog, StoredSpan } from "../store/telemetry-store.ts";

export type Node = TraceNode<StoredSpan, StoredLog>;
export type Tree = TraceTree<StoredSpan, StoredLog>;

/**
 * One line of a trace as it is shown: a span, or siblings that do the same (`nodes`, by start), folded. The
 * children of folded siblings stand together below them, folded in the same way, so that a loop of a thousand
 * iterations takes as many lines as one of them.
 */
export interface TraceLine {
  readonly nodes: readonly Node[];
  /** Index of the parent's line, -1 at the top. */
  readonly parent: number;
  readonly depth: number;
  /** Its name; `*` stands for the numbers and ids in which folded names differ. */
  readonly name: string;
  /** The slowest of `nodes`: the one to look at. */
  readonly slowest: Node;
  readonly totalNs: number;
  readonly failed: boolean;
  /** It failed and nothing below it did. */
  readonly origin: boolean;
}

/** Siblings are folded from this many on: two calls are told apart more easily than counted. */
const FOLD_MIN = 3;

/**
 * The lines of a tree in display order, a parent before its children; of the subtree under `head` when given.
 * Linear in the number of spans, no recursion.
 */
export function traceLines(tree: Tree, head?: Node): TraceLine[] {
  const placed: Placed[] = [];
  const heads =
    head === undefined ? [...tree.roots, ...tree.orphans].map((index) => tree.nodes[index]!) : [head];
  const pending: { readonly siblings: readonly Node[]; readonly parent: Placed | undefined }[] = [
    { siblings: heads, parent: undefined },
  ];
  while (pending.length > 0) {
    const { siblings, parent } = pending.pop()!;
    for (const group of foldSiblings(siblings)) {
      const line: Placed = {
        ...group,
        parentLine: parent,
        depth: parent === undefined ? 0 : parent.depth + 1,
        children: [],
      };
      (parent === undefined ? placed : parent.children).push(line);
      const children = group.nodes.flatMap((node) => node.children.map((index) => tree.nodes[index]!));
      if (children.length > 0) pending.push({ siblings: children, parent: line });
    }
  }
  return markOrigins(inOrder(placed));
}

interface Group {
  readonly nodes: readonly Node[];
  readonly name: string;
}

interface Placed extends Group {
  readonly parentLine: Placed | undefined;
  readonly depth: number;
  readonly children: Placed[];
}

/** Groups siblings that have service, kind, outcome and name (but for numbers) in common; by first start. */
function foldSiblings(siblings: readonly Node[]): Group[] {
  if (siblings.length < FOLD_MIN) return siblings.map((node) => ({ nodes: [node], name: node.span.name }));
  const groups = new Map<string, Node[]>();
  for (const node of siblings) {
    const { span } = node;
    const key = [span.resource.service, span.spanKind, isFailed(node), nameTemplate(span.name)].join("\n");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  return [...groups.values()]
    .flatMap((nodes) =>
      nodes.length >= FOLD_MIN ? [foldedGroup(nodes)] : nodes.map((node) => foldedGroup([node])),
    )
    .sort((a, b) => a.nodes[0]!.startNs - b.nodes[0]!.startNs || a.nodes[0]!.index - b.nodes[0]!.index);
}

function foldedGroup(nodes: readonly Node[]): Group {
  const name = nodes[0]!.span.name;
  const same = nodes.every((node) => node.span.name === name);
  return { nodes, name: same ? name : nameTemplate(name) };
}

/** A name with `*` for whatever looks like a number, a UUID or a long hex id. */
function nameTemplate(name: string): string {
  return name.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,}\b|\d+/gi, "*");
}

export function isFailed(node: Node): boolean {
  return node.span.statusCode === "error" || node.logs.some((log) => log.severity >= SEVERITY_ERROR);
}

export function lengthNs(node: Node): number {
  return node.endNs - node.startNs;
}

/** Pre-order over the placed lines, with indices in place of references. */
function inOrder(heads: readonly Placed[]): TraceLine[] {
  const lines: TraceLine[] = [];
  const indexOf = new Map<Placed, number>();
  const pending = heads.toReversed();
  while (pending.length > 0) {
    const placed = pending.pop()!;
    const { nodes, name, depth, parentLine } = placed;
    indexOf.set(placed, lines.length);
    let slowest = nodes[0]!;
    let totalNs = 0;
    for (const node of nodes) {
      totalNs += lengthNs(node);
      if (lengthNs(node) > lengthNs(slowest)) slowest = node;
    }
    lines.push({
      nodes,
      parent: parentLine === undefined ? -1 : indexOf.get(parentLine)!,
      depth,
      name,
      slowest,
      totalNs,
      failed: isFailed(nodes[0]!),
      origin: false,
    });
    for (let i = placed.children.length - 1; i >= 0; i--) pending.push(placed.children[i]!);
  }
  return lines;
}

/** Children stand after their parents, so a walk backwards knows of failures below before it comes to a line. */
function markOrigins(lines: readonly TraceLine[]): TraceLine[] {
  const failedBelow = new Uint8Array(lines.length);
  for (let i = lines.length - 1; i >= 0; i--) {
    const { parent, failed } = lines[i]!;
    if (parent >= 0 && (failed || failedBelow[i] === 1)) failedBelow[parent] = 1;
  }
  return lines.map((line, index) => ({ ...line, origin: line.failed && failedBelow[index] === 0 }));
}

/** Which lines are shown, and how many spans each shown line hides below it. */
export interface Selection {
  /** Indices of shown lines, in display order. */
  readonly shown: readonly number[];
  /** By line: spans of the lines left out whose nearest shown ancestor it is. */
  readonly hiddenSpans: Uint32Array;
  /** By line: levels left out between it and its nearest shown ancestor. */
  readonly levelsSkipped: Uint32Array;
  /** By line: shown ancestors. */
  readonly indent: Uint32Array;
  /** Spans left out that have no shown ancestor. */
  readonly hiddenAtTop: number;
}

/** Ancestors shown with a line; of a longer chain only its end, since a line says how many levels it skips. */
const ANCESTORS_MAX = 6;
const ANCESTORS_OF_LONG_CHAIN = 2;

/**
 * The `countMax` lines that tell the most: the first head, what failed (its origin first), then what took
 * longest; each with the way that leads to it.
 */
export function selectLines(
  lines: readonly TraceLine[],
  ranking: readonly number[],
  countMax: number,
): Selection {
  const isShown = new Uint8Array(lines.length);
  let left = Math.min(countMax, lines.length);
  for (const index of ranking) {
    if (left === 0) break;
    const chain: number[] = [];
    for (
      let at = index;
      at >= 0 && isShown[at] === 0 && chain.length <= ANCESTORS_MAX;
      at = lines[at]!.parent
    ) {
      chain.push(at);
    }
    const taken = chain.length > ANCESTORS_MAX ? chain.slice(0, 1 + ANCESTORS_OF_LONG_CHAIN) : chain;
    // Where not all of the way fits, the line itself matters more than what leads to it.
    for (const at of taken.slice(0, left)) {
      isShown[at] = 1;
      left--;
    }
  }
  return describeSelection(lines, isShown);
}

/** Lines by how much they tell, best first. */
export function rankLines(lines: readonly TraceLine[]): number[] {
  const rankOf = (index: number): number => {
    const { origin, failed } = lines[index]!;
    return index === 0 ? 0 : origin ? 1 : failed ? 2 : 3;
  };
  return lines
    .map((_, index) => index)
    .sort(
      (a, b) =>
        rankOf(a) - rankOf(b) ||
        lines[b]!.totalNs - lines[a]!.totalNs ||
        lines[a]!.depth - lines[b]!.depth ||
        a - b,
    );
}

function describeSelection(lines: readonly TraceLine[], isShown: Uint8Array): Selection {
  const shown: number[] = [];
  const hiddenSpans = new Uint32Array(lines.length);
  const levelsSkipped = new Uint32Array(lines.length);
  const indent = new Uint32Array(lines.length);
  // Nearest shown line at or above each line, and the levels between.
  const shownAbove = new Int32Array(lines.length);
  const skipped = new Uint32Array(lines.length);
  let hiddenAtTop = 0;
  for (let i = 0; i < lines.length; i++) {
    const { parent, nodes } = lines[i]!;
    const above = parent < 0 ? -1 : shownAbove[parent]!;
    const levels = parent < 0 ? 0 : skipped[parent]!;
    if (isShown[i] === 1) {
      shown.push(i);
      levelsSkipped[i] = levels;
      indent[i] = above < 0 ? 0 : indent[above]! + 1;
      shownAbove[i] = i;
    } else {
      if (above >= 0) hiddenSpans[above]! += nodes.length;
      else hiddenAtTop += nodes.length;
      shownAbove[i] = above;
      skipped[i] = levels + 1;
    }
  }
  return { shown, hiddenSpans, levelsSkipped, indent, hiddenAtTop };
}
