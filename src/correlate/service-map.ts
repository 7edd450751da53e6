import type { LogRecord } from "../model/log.ts";
import type { Resource } from "../model/resource.ts";
import type { Span } from "../model/span.ts";
import { isBrowserSpan } from "./host.ts";
import { isCall, namedPeer } from "./peer.ts";
import { quantile } from "./quantile.ts";
import { isCaller, isRemote, remoteChildren } from "./self-time.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** Calls summed up. Latencies are nearest-rank percentiles of span durations in ns; NaN without calls. */
export interface CallStats {
  readonly calls: number;
  readonly errors: number;
  /** `errors` of `calls`, 0 to 1; 0 without calls. */
  readonly errorRate: number;
  readonly p50Ns: number;
  readonly p95Ns: number;
  readonly p99Ns: number;
}

export type ServiceMapKind = "service" | "browser" | "database" | "messaging" | "external";

/** Something that calls or is called. Its stats are of the calls it received. */
export interface ServiceMapNode extends CallStats {
  /** `kind:name`, unique in the map. */
  readonly id: string;
  readonly kind: ServiceMapKind;
  readonly name: string;
  /** Spans that it sent itself; 0 for what is only known from its callers. */
  readonly spans: number;
}

/** Calls from one node to another, timed by the caller where it has a span for them. */
export interface ServiceMapEdge<S extends Span = Span> extends CallStats {
  readonly from: string;
  readonly to: string;
  /** `exact`: seen on both sides (parent link); `attribute`: the caller names the other side. */
  readonly method: "exact" | "attribute";
  /** Start of its first and last call. */
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  /** A call to look at: the slowest that failed, else the slowest. */
  readonly sample: S;
}

export interface ServiceMap<S extends Span = Span> {
  /** By id. */
  readonly nodes: readonly ServiceMapNode[];
  /** Most calls first. */
  readonly edges: readonly ServiceMapEdge<S>[];
  /** Calls that do not say where they went. */
  readonly unresolvedCalls: number;
}

/**
 * Who calls whom, from the traces given: along parent links between services, and along what callers name where
 * the other side sent no spans (`namedPeer`). A message is two edges, into its destination and out of it. An
 * address that is the name of a known service counts as that service. O(n log n), no recursion.
 */
export function buildServiceMap<S extends Span, L extends LogRecord>(
  trees: readonly TraceTree<S, L>[],
): ServiceMap<S> {
  const draft = new MapDraft<S>();
  for (const tree of trees) for (const { span } of tree.nodes) draft.addSpan(span);
  for (const tree of trees) {
    const remoteChild = remoteChildren(tree.nodes);
    for (const node of tree.nodes) {
      addReceived(draft, tree.nodes, node);
      addCall(draft, tree.nodes, node, remoteChild);
    }
  }
  return draft.finish();
}

/** Counts the calls that a service received, and the edge to it where its caller has no span for the call. */
function addReceived<S extends Span>(
  draft: MapDraft<S>,
  nodes: readonly TraceNode<S>[],
  node: TraceNode<S>,
): void {
  const { span } = node;
  const parent = nodes[node.parent];
  const remote = parent !== undefined && isRemote(span, parent.span);
  if (parent !== undefined && !remote && span.spanKind !== "server" && span.spanKind !== "consumer") return;
  draft.received(draft.ownId(span), node);
  if (span.spanKind === "consumer") {
    const own = namedPeer(span);
    const sent = parent === undefined ? undefined : namedPeer(parent.span);
    const destination = own?.kind === "messaging" ? own : sent?.kind === "messaging" ? sent : undefined;
    if (destination !== undefined) {
      draft.call(draft.peerId(destination.kind, destination.name), draft.ownId(span), "exact", node);
      return;
    }
  }
  if (remote && !isCaller(parent.span))
    draft.call(draft.ownId(parent.span), draft.ownId(span), "exact", node);
}

/** Adds the call that a caller's span stands for. A call that only carries out the one above it is no other. */
function addCall<S extends Span>(
  draft: MapDraft<S>,
  nodes: readonly TraceNode<S>[],
  node: TraceNode<S>,
  remoteChild: Int32Array,
): void {
  const { span } = node;
  if (!isCall(span)) return;
  const peer = namedPeer(span);
  const callee = nodes[remoteChild[node.index]!]?.span;
  if (callee !== undefined && peer?.kind !== "messaging") {
    draft.call(draft.ownId(span), draft.ownId(callee), "exact", node);
    return;
  }
  const parent = nodes[node.parent]?.span;
  if (parent !== undefined && isCall(parent) && parent.resource.service === span.resource.service) {
    const above = namedPeer(parent);
    if (peer === undefined || (above?.kind === peer.kind && above.name === peer.name)) return;
  }
  if (peer === undefined) draft.unresolvedCalls += 1;
  else draft.call(draft.ownId(span), draft.peerId(peer.kind, peer.name), "attribute", node);
}

function idOf(kind: ServiceMapKind, name: string): string {
  return `${kind}:${name}`;
}

/** Calls while they are being counted. */
interface Calls<S extends Span> {
  readonly durationsNs: number[];
  errors: number;
  sample: TraceNode<S> | undefined;
}

interface EdgeCalls<S extends Span> extends Calls<S> {
  readonly from: string;
  readonly to: string;
  readonly method: "exact" | "attribute";
  firstNs: bigint;
  lastNs: bigint;
}

class MapDraft<S extends Span> {
  unresolvedCalls = 0;
  readonly #idOf = new Map<Resource, string>();
  readonly #spans = new Map<string, number>();
  readonly #received = new Map<string, Calls<S>>();
  /** By caller, then method and callee. */
  readonly #edges = new Map<string, Map<string, EdgeCalls<S>>>();

  addSpan(span: S): void {
    const id = this.ownId(span);
    this.#spans.set(id, (this.#spans.get(id) ?? 0) + 1);
  }

  /** The node that sent a span. */
  ownId(span: Span): string {
    let id = this.#idOf.get(span.resource);
    if (id === undefined) {
      id = idOf(isBrowserSpan(span) ? "browser" : "service", span.resource.service);
      this.#idOf.set(span.resource, id);
    }
    return id;
  }

  /** The node that a caller names: a service we have spans of, where an address is a service's name. */
  peerId(kind: ServiceMapKind, name: string): string {
    if (kind !== "external") return idOf(kind, name);
    const host = name.replace(/:\d+$/, "");
    const service = idOf("service", host);
    return this.#spans.has(service) ? service : idOf(kind, name);
  }

  received(id: string, node: TraceNode<S>): void {
    let calls = this.#received.get(id);
    if (calls === undefined) {
      calls = { durationsNs: [], errors: 0, sample: undefined };
      this.#received.set(id, calls);
    }
    count(calls, node);
  }

  call(from: string, to: string, method: "exact" | "attribute", node: TraceNode<S>): void {
    const { startNs } = node.span;
    let edges = this.#edges.get(from);
    if (edges === undefined) {
      edges = new Map();
      this.#edges.set(from, edges);
    }
    let edge = edges.get(`${method} ${to}`);
    if (edge === undefined) {
      const noCalls = { durationsNs: [], errors: 0, sample: undefined };
      edge = { from, to, method, ...noCalls, firstNs: startNs, lastNs: startNs };
      edges.set(`${method} ${to}`, edge);
    }
    if (startNs < edge.firstNs) edge.firstNs = startNs;
    if (startNs > edge.lastNs) edge.lastNs = startNs;
    count(edge, node);
    // What sends no spans itself is known by the calls it got.
    if (!this.#spans.has(to)) this.received(to, node);
  }

  finish(): ServiceMap<S> {
    const ids = new Set([...this.#spans.keys(), ...this.#received.keys()]);
    const found = [...this.#edges.values()].flatMap((edges) => [...edges.values()]);
    for (const edge of found) ids.add(edge.from).add(edge.to);
    const nodes = [...ids].sort().map((id) => {
      const [kind] = id.split(":", 1) as [ServiceMapKind];
      const name = id.slice(kind.length + 1);
      return { id, kind, name, spans: this.#spans.get(id) ?? 0, ...statsOf(this.#received.get(id)) };
    });
    const edges = found.map((edge) => {
      const { from, to, method, firstNs, lastNs, sample } = edge;
      return { from, to, method, ...statsOf(edge), firstNs, lastNs, sample: sample!.span };
    });
    return {
      nodes,
      edges: edges.sort((a, b) => b.calls - a.calls || (a.from + a.to < b.from + b.to ? -1 : 1)),
      unresolvedCalls: this.unresolvedCalls,
    };
  }
}

function count<S extends Span>(calls: Calls<S>, node: TraceNode<S>): void {
  calls.durationsNs.push(node.endNs - node.startNs);
  if (node.span.statusCode === "error") calls.errors += 1;
  if (calls.sample === undefined || isBetterSample(node, calls.sample)) calls.sample = node;
}

function isBetterSample(node: TraceNode, sample: TraceNode): boolean {
  const failed = node.span.statusCode === "error";
  if (failed !== (sample.span.statusCode === "error")) return failed;
  return node.endNs - node.startNs > sample.endNs - sample.startNs;
}

function statsOf<S extends Span>(counted: Calls<S> | undefined): CallStats {
  const sorted = Float64Array.from(counted?.durationsNs ?? []).sort();
  const errors = counted?.errors ?? 0;
  return {
    calls: sorted.length,
    errors,
    errorRate: sorted.length === 0 ? 0 : errors / sorted.length,
    p50Ns: quantile(sorted, 0.5),
    p95Ns: quantile(sorted, 0.95),
    p99Ns: quantile(sorted, 0.99),
  };
}
