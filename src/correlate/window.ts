import type { LogRecord } from "../model/log.ts";
import type { Span, SpanKind } from "../model/span.ts";
import { estimateClockSkew } from "./clock-skew.ts";
import { criticalPath } from "./critical-path.ts";
import { operationNamer } from "./operation.ts";
import { isRemote, selfTimes } from "./self-time.ts";
import { buildTraceTree, type TraceNode, type TraceTree } from "./trace-tree.ts";

/** What a span does, whoever asked for it: the unit that behaviour is compared by. */
export interface Operation {
  readonly service: string;
  /** As `operationNamer` gives it: without what changes from call to call. */
  readonly name: string;
  readonly kind: SpanKind;
}

/** An operation as it is reached: the same function may serve several routes, and then behave differently. */
export interface Place extends Operation {
  /** Operation through which the request entered the service; `""` for that operation itself. */
  readonly entry: string;
}

/**
 * The traces of a window, laid out in columns so that analyses over many traces walk arrays:
 *
 * ```
 *  position   0 1 2 3 │ 4 5 │ 6 7 8      trees one after the other, each in pre-order: a parent precedes its
 *  trace      0 0 0 0 │ 1 1 │ 2 2 2      children, so a walk backwards meets children first
 * ```
 * Columns are by position. Positions in another column are -1 where there is none.
 */
export interface TraceWindow<S extends Span = Span, L extends LogRecord = LogRecord> {
  readonly trees: readonly TraceTree<S, L>[];
  readonly nodes: readonly TraceNode<S, L>[];
  /** First position of each tree, and one past the last. */
  readonly first: Uint32Array;
  readonly trace: Uint32Array;
  readonly parent: Int32Array;
  /** Where the request entered this span's service: the nearest ancestor or itself that a remote parent called. */
  readonly entry: Int32Array;
  /** The span on the other side of a call. */
  readonly callee: Int32Array;
  readonly operation: Uint32Array;
  readonly operations: readonly Operation[];
  readonly place: Uint32Array;
  readonly places: readonly Place[];
  /** Time spent in the span itself; of a call with a callee, the gap between the two (`selfTimes`). */
  readonly selfNs: Float64Array;
  /** How much of it the request waited for (`criticalPath` of each head). */
  readonly pathNs: Float64Array;
  /** Logs that name no trace held. By arrival. */
  readonly looseLogs: readonly L[];
}

/**
 * Orders the spans and logs of a window by trace and computes what analyses over many traces need. Takes any input
 * (see `buildTraceTree`). Clocks of hosts that disagree are aligned first. O(n log n), no recursion.
 */
export function buildWindow<S extends Span, L extends LogRecord>(
  spans: readonly S[],
  logs: readonly L[],
): TraceWindow<S, L> {
  const spansOf = groupByTrace(spans);
  const logsOf = groupByTrace(logs);
  const build = (clockOffsetsNs?: ReadonlyMap<string, number>) =>
    Array.from(spansOf, ([traceId, ofTrace]) =>
      buildTraceTree<S, L>(
        ofTrace,
        logsOf.get(traceId) ?? [],
        clockOffsetsNs === undefined ? {} : { clockOffsetsNs },
      ),
    );
  let trees = build();
  const { offsetsNs } = estimateClockSkew(trees);
  if (offsetsNs.size > 0) trees = build(offsetsNs);
  return layOut(
    trees,
    logs.filter((log) => !spansOf.has(log.traceId)),
  );
}

function groupByTrace<R extends { readonly traceId: string }>(records: readonly R[]): Map<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const record of records) {
    const group = groups.get(record.traceId);
    if (group === undefined) groups.set(record.traceId, [record]);
    else group.push(record);
  }
  return groups;
}

function layOut<S extends Span, L extends LogRecord>(
  trees: readonly TraceTree<S, L>[],
  looseLogs: readonly L[],
): TraceWindow<S, L> {
  const first = new Uint32Array(trees.length + 1);
  for (let t = 0; t < trees.length; t++) first[t + 1] = first[t]! + trees[t]!.nodes.length;
  const count = first[trees.length]!;
  const nodes: TraceNode<S, L>[] = [];
  const trace = new Uint32Array(count);
  const parent = new Int32Array(count).fill(-1);
  const entry = new Int32Array(count);
  const callee = new Int32Array(count).fill(-1);
  const operation = new Uint32Array(count);
  const selfNs = new Float64Array(count);
  const pathNs = new Float64Array(count);
  const place = new Uint32Array(count);
  const operations = new OperationTable();
  const places = new PlaceTable(operations.list);

  for (let t = 0; t < trees.length; t++) {
    const tree = trees[t]!;
    const base = first[t]!;
    const self = selfTimes(tree);
    selfNs.set(self.selfNs, base);
    for (const node of tree.nodes) {
      const at = base + node.index;
      nodes.push(node);
      trace[at] = t;
      if (node.parent >= 0) parent[at] = base + node.parent;
      if (self.remoteChild[node.index]! >= 0) callee[at] = base + self.remoteChild[node.index]!;
      operation[at] = operations.indexOf(node.span);
      const within = node.parent >= 0 && !isRemote(node.span, tree.nodes[node.parent]!.span);
      entry[at] = within ? entry[parent[at]!]! : at;
      place[at] = places.indexOf(operation[at]!, entry[at] === at ? -1 : operation[entry[at]!]!);
    }
    for (const head of [...tree.roots, ...tree.orphans]) {
      for (const step of criticalPath(tree, head).steps) {
        pathNs[base + step.index]! += step.endNs - step.startNs;
      }
    }
  }
  const columns = { first, trace, parent, entry, callee, operation, place, selfNs, pathNs };
  return { trees, nodes, ...columns, operations: operations.list, places: places.list, looseLogs };
}

/** Gives each distinct operation its index. */
class OperationTable {
  readonly list: Operation[] = [];
  readonly #nameOf = operationNamer();
  readonly #indexes = new Map<string, Map<string, number>>();

  indexOf(span: Span): number {
    const group = `${span.spanKind} ${span.resource.service}`;
    let indexes = this.#indexes.get(group);
    if (indexes === undefined) {
      indexes = new Map();
      this.#indexes.set(group, indexes);
    }
    const name = this.#nameOf(span);
    let index = indexes.get(name);
    if (index === undefined) {
      index = this.list.push({ service: span.resource.service, name, kind: span.spanKind }) - 1;
      indexes.set(name, index);
    }
    return index;
  }
}

/** Gives each distinct pair of an operation and the one that it was reached through its index. */
class PlaceTable {
  readonly list: Place[] = [];
  readonly #operations: readonly Operation[];
  readonly #indexes: Map<number, number>[] = [];

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
  }

  /** `entry` is an operation's index, or -1 for the operation itself. */
  indexOf(operation: number, entry: number): number {
    this.#indexes[operation] ??= new Map();
    const indexes = this.#indexes[operation];
    let index = indexes.get(entry);
    if (index === undefined) {
      const name = entry < 0 ? "" : this.#operations[entry]!.name;
      index = this.list.push({ ...this.#operations[operation]!, entry: name }) - 1;
      indexes.set(entry, index);
    }
    return index;
  }
}
