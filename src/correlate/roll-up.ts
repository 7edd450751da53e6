import type { Span } from "../model/span.ts";
import type { CriticalPath } from "./critical-path.ts";
import { isBrowserSpan } from "./host.ts";
import { databaseSystem, isCall, namedPeer } from "./peer.ts";
import { isRemote, remoteChildren } from "./self-time.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** Where time on the critical path was spent. */
const PATH_PARTS = ["browser", "network", "service", "database", "external"] as const;

/**
 * - `browser`: the page's own work
 * - `network`: a client span less the server span that answered it, and what lies between: the way there and back
 * - `service`: a backend's own work
 * - `database`: a database call, as the caller saw it
 * - `external`: a call whose other side is not in the trace, brokers among them
 */
export type PathPart = (typeof PATH_PARTS)[number];

/** Time on the critical path of one service in one part, towards one peer. */
export interface PathShare {
  readonly part: PathPart;
  /** Whose spans they were: for network, database and external the caller. */
  readonly service: string;
  /** The other side of a call: the service that answered, or what the caller says it called; `""` if neither. */
  readonly peer: string;
  readonly ns: number;
  /** Of the path's total, 0 to 1. */
  readonly share: number;
  /** Steps of the path that it sums up. */
  readonly steps: number;
}

/** A critical path summed up. `shares`, `byPart` and `byService` each add up to `totalNs`. */
export interface PathRollUp {
  readonly totalNs: number;
  /** Largest first. */
  readonly shares: readonly PathShare[];
  readonly byPart: Readonly<Record<PathPart, number>>;
  /** Largest first; all parts of a service's spans together. */
  readonly byService: readonly { readonly service: string; readonly ns: number; readonly share: number }[];
}

/** Sums up the steps of a critical path by part, service and peer. Linear. Nothing but zeros for an empty path. */
export function rollUpPath(tree: TraceTree, path: CriticalPath): PathRollUp {
  const { nodes } = tree;
  const callOf = callsBelonged(nodes);
  const remoteChild = remoteChildren(nodes);
  const byPart = Object.fromEntries(PATH_PARTS.map((part) => [part, 0])) as Record<PathPart, number>;
  const services = new Map<string, number>();
  const shares = new Map<string, { -readonly [K in keyof PathShare]: PathShare[K] }>();
  for (const step of path.steps) {
    const call = nodes[callOf[step.index]!];
    const callee = call === undefined ? undefined : nodes[remoteChild[call.index]!];
    const part = partOf(step.span, call?.span, callee?.span);
    const peer = part === "network" ? callee?.span.resource.service : call && namedPeer(call.span)?.name;
    const { service } = step.span.resource;
    const ns = step.endNs - step.startNs;
    byPart[part] += ns;
    services.set(service, (services.get(service) ?? 0) + ns);
    const key = JSON.stringify([part, service, peer ?? ""]);
    const share = shares.get(key);
    if (share === undefined) {
      shares.set(key, { part, service, peer: peer ?? "", ns, share: 0, steps: 1 });
    } else {
      share.ns += ns;
      share.steps += 1;
    }
  }
  const ofTotal = (ns: number) => (path.totalNs === 0 ? 0 : ns / path.totalNs);
  for (const share of shares.values()) share.share = ofTotal(share.ns);
  return {
    totalNs: path.totalNs,
    shares: [...shares.values()].sort((a, b) => b.ns - a.ns),
    byPart,
    byService: Array.from(services, ([service, ns]) => ({ service, ns, share: ofTotal(ns) })).sort(
      (a, b) => b.ns - a.ns,
    ),
  };
}

function partOf(span: Span, call: Span | undefined, callee: Span | undefined): PathPart {
  if (call === undefined) return isBrowserSpan(span) ? "browser" : "service";
  if (callee !== undefined && call.spanKind === "client") return "network";
  return databaseSystem(call) === undefined ? "external" : "database";
}

/**
 * By position: the call that a span's own time belongs to, else -1. A call is its own; what its process does below
 * it (resolving, connecting) belongs to it.
 */
function callsBelonged(nodes: readonly TraceNode[]): Int32Array {
  const callOf = new Int32Array(nodes.length).fill(-1);
  for (const { index, parent, span } of nodes) {
    if (isCall(span)) callOf[index] = index;
    else if (parent >= 0 && !isRemote(span, nodes[parent]!.span)) callOf[index] = callOf[parent]!;
  }
  return callOf;
}
