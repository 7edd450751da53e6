import type { AttributeValue } from "../model/attributes.ts";
import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { criticalPath, mainRoot } from "./critical-path.ts";
import { type OperationNamer, operationNamer, textOf } from "./operation.ts";
import { selfTimes } from "./self-time.ts";
import type { TraceTree } from "./trace-tree.ts";

/** A place in traces: an operation below the operations of its ancestors. */
export interface TracePath {
  /** -1 for heads. A path's number is larger than its parent's. */
  readonly parent: number;
  readonly service: string;
  readonly operation: string;
  /** Same for all paths that end in the same service, kind and operation. */
  readonly step: number;
}

/**
 * Numbers paths, so that several sets of traces can be compared by number. A path is told by its own step (service,
 * span kind, operation) and its parent's number, so a path of any depth costs one entry.
 */
export class PathIndex {
  readonly paths: TracePath[] = [];
  readonly #numbers = new Map<string, number>();
  /** By service, then kind and operation. */
  readonly #steps = new Map<string, Map<string, number>>();
  #stepCount = 0;
  readonly #nameOf: OperationNamer = operationNamer();

  /** The number of the path of a span whose parent has the path `parent` (-1 for heads). */
  numberOf(span: Span, parent: number): number {
    const operation = this.#nameOf(span);
    const { service } = span.resource;
    const step = this.#stepOf(service, `${span.spanKind} ${operation}`);
    const key = `${parent}/${step}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.paths.push({ parent, service, operation, step }) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  #stepOf(service: string, does: string): number {
    let steps = this.#steps.get(service);
    if (steps === undefined) {
      steps = new Map();
      this.#steps.set(service, steps);
    }
    let step = steps.get(does);
    if (step === undefined) {
      step = this.#stepCount;
      this.#stepCount += 1;
      steps.set(does, step);
    }
    return step;
  }
}

/** What a set of traces did at one path. */
export interface PathProfile<S extends Span = Span> {
  /** Traces that have it, and spans in all. */
  readonly traces: number;
  readonly spans: number;
  /** Spans by parent that has any: 1 for most, N for an N+1. */
  readonly perParent: number;
  /** By trace that has it: the mean self time of its spans. */
  readonly selfNs: readonly number[];
  /** Time on critical paths, in all. */
  readonly criticalNs: number;
  /** Error origins here (errors with no error below them), by what failed. */
  readonly origins: ReadonlyMap<string, { readonly spans: number; readonly sample: S }>;
  readonly sample: S;
}

/** A set of traces, by path. */
export interface TraceProfile<S extends Span = Span> {
  readonly traces: number;
  readonly byPath: ReadonlyMap<number, PathProfile<S>>;
  /** By trace: duration of its main root. */
  readonly durationsNs: readonly number[];
  /** Durations of all critical paths added up. */
  readonly criticalNs: number;
}

/** Sums up traces by path, numbering paths in `index`. O(n log n), no recursion. */
export function profileTraces<S extends Span, L extends LogRecord>(
  trees: readonly TraceTree<S, L>[],
  index: PathIndex,
): TraceProfile<S> {
  const byPath = new Map<number, Draft<S>>();
  const durationsNs: number[] = [];
  let criticalNs = 0;
  for (const tree of trees) {
    if (tree.nodes.length === 0) continue;
    const pathOf = new Int32Array(tree.nodes.length);
    const drafts: Draft<S>[] = [];
    const { selfNs } = selfTimes(tree);
    for (const { index: at, parent, span } of tree.nodes) {
      const number = index.numberOf(span, parent < 0 ? -1 : pathOf[parent]!);
      pathOf[at] = number;
      const draft = draftOf(byPath, number, span);
      drafts.push(draft);
      draft.spans += 1;
      if (draft.lastTree !== tree) {
        draft.lastTree = tree;
        draft.spansInTree = 0;
        draft.selfNs.push(0);
      }
      draft.spansInTree += 1;
      const mean = draft.selfNs.at(-1)!;
      draft.selfNs[draft.selfNs.length - 1] = mean + (selfNs[at]! - mean) / draft.spansInTree;
    }
    countParents(tree, drafts);
    addOrigins(tree, drafts);
    const path = criticalPath(tree, mainRoot(tree));
    for (const step of path.steps) drafts[step.index]!.criticalNs += step.endNs - step.startNs;
    criticalNs += path.totalNs;
    durationsNs.push(path.totalNs);
  }
  const profiles = new Map<number, PathProfile<S>>();
  for (const [number, { spans, parents, selfNs, criticalNs: onPathNs, origins, sample }] of byPath) {
    profiles.set(number, {
      traces: selfNs.length,
      spans,
      perParent: spans / parents,
      selfNs,
      criticalNs: onPathNs,
      origins,
      sample,
    });
  }
  return { traces: durationsNs.length, byPath: profiles, durationsNs, criticalNs };
}

interface Draft<S extends Span> {
  spans: number;
  parents: number;
  readonly selfNs: number[];
  criticalNs: number;
  readonly origins: Map<string, { spans: number; sample: S }>;
  readonly sample: S;
  lastTree: TraceTree | undefined;
  spansInTree: number;
  /** The list of siblings that was counted last. */
  lastSiblings: readonly number[] | undefined;
}

function draftOf<S extends Span>(byPath: Map<number, Draft<S>>, number: number, sample: S): Draft<S> {
  let draft = byPath.get(number);
  if (draft === undefined) {
    draft = {
      spans: 0,
      parents: 0,
      selfNs: [],
      criticalNs: 0,
      origins: new Map(),
      sample,
      lastTree: undefined,
      spansInTree: 0,
      lastSiblings: undefined,
    };
    byPath.set(number, draft);
  }
  return draft;
}

/** Counts, for each path, the parents that have it below them; all roots together count as one, so do orphans. */
function countParents<S extends Span>(tree: TraceTree<S>, drafts: readonly Draft<S>[]): void {
  const count = (siblings: readonly number[]) => {
    for (const at of siblings) {
      const draft = drafts[at]!;
      if (draft.lastSiblings === siblings) continue;
      draft.lastSiblings = siblings;
      draft.parents += 1;
    }
  };
  count(tree.roots);
  count(tree.orphans);
  for (const node of tree.nodes) count(node.children);
}

/** An error's origin is the deepest span of its chain: no span below it failed. */
function addOrigins<S extends Span>(tree: TraceTree<S, LogRecord>, drafts: readonly Draft<S>[]): void {
  const failedBelow = new Uint8Array(tree.nodes.length);
  for (let i = tree.nodes.length - 1; i >= 0; i--) {
    const { parent, span } = tree.nodes[i]!;
    const failed = span.statusCode === "error";
    if (parent >= 0 && (failed || failedBelow[i] === 1)) failedBelow[parent] = 1;
    if (!failed || failedBelow[i] === 1) continue;
    const { origins } = drafts[i]!;
    const reason = failureOf(span);
    const origin = origins.get(reason);
    if (origin === undefined) origins.set(reason, { spans: 1, sample: span });
    else origin.spans += 1;
  }
}

/** What failed: the type of the last exception, else `error.type`, else the HTTP or RPC status; `""` if unsaid. */
function failureOf(span: Span): string {
  const exception = span.events.findLast((event) => event.name === "exception");
  const type = exception === undefined ? undefined : textOf(exception.attributes, "exception.type");
  const status: AttributeValue | undefined =
    span.attributes["http.response.status_code"] ??
    span.attributes["http.status_code"] ??
    span.attributes["rpc.grpc.status_code"];
  return type ?? textOf(span.attributes, "error.type") ?? (status === undefined ? "" : String(status));
}
