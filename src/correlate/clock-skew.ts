import { hostNamer, UNKNOWN_HOST } from "./host.ts";
import { median } from "./quantile.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** How far two clocks are apart, as seen by the calls between them. */
export interface HostPairSkew {
  readonly callerHost: string;
  readonly calleeHost: string;
  /** To be added to the callee's times so that they read by the caller's clock; whole ns. */
  readonly offsetNs: number;
  /** Calls and traces that say so. */
  readonly calls: number;
  readonly traces: number;
}

/** Clock offsets of hosts. They are used when spans are read, and never written anywhere. */
export interface ClockSkew {
  /**
   * By host (`hostOf`): what to add to its times. Only hosts whose clock is off; hosts that are not connected by
   * calls, or not named, have none.
   */
  readonly offsetsNs: ReadonlyMap<string, number>;
  /** By caller, then callee. */
  readonly pairs: readonly HostPairSkew[];
}

/**
 * Estimates how far hosts' clocks are apart from the calls between them, over one trace or many (trees built
 * without offsets).
 *
 * A server span should lie inside its client span. Where it does, the offset is 0. Where it does not, half of the
 * time that the client waited longer than the server worked is taken for the way there:
 * ```
 *  client   |=======================|              offset = client.start + (clientDur - serverDur) / 2
 *  server                    |===========|                  - server.start
 *  read as        |===========|
 * ```
 * A pair's offset is the median over traces of the median over the trace's calls. A server span longer than its
 * client outlived it (the client gave up), so it says only that it did not start earlier. Spans without a host
 * share one clock, with offset 0.
 *
 * Offsets of pairs are added up along the calls with most traces behind them, starting from the hosts where traces
 * begin. Linear in spans, n log n in hosts.
 */
export function estimateClockSkew(trees: readonly TraceTree[]): ClockSkew {
  const pairs = new Map<string, PairEvidence>();
  const begins = new Map<string, number>();
  const hostOf = hostNamer();
  for (const tree of trees) {
    const ofTrace = new Map<PairEvidence, number[]>();
    const hosts = tree.nodes.map((node) => hostOf(node.span));
    for (const head of tree.roots) begins.set(hosts[head]!, (begins.get(hosts[head]!) ?? 0) + 1);
    for (const node of tree.nodes) {
      const sampleNs = offsetOfCall(tree, node, hosts);
      if (sampleNs === undefined) continue;
      const pair = evidenceOf(pairs, hosts[node.parent]!, hosts[node.index]!);
      const samples = ofTrace.get(pair);
      if (samples === undefined) ofTrace.set(pair, [sampleNs]);
      else samples.push(sampleNs);
    }
    for (const [pair, samples] of ofTrace) {
      pair.calls += samples.length;
      pair.traceMedians.push(median(samples));
    }
  }
  const found = [...pairs.values()].map((pair) => ({
    callerHost: pair.callerHost,
    calleeHost: pair.calleeHost,
    offsetNs: Math.round(median(pair.traceMedians)),
    calls: pair.calls,
    traces: pair.traceMedians.length,
  }));
  found.sort((a, b) => compareText(a.callerHost, b.callerHost) || compareText(a.calleeHost, b.calleeHost));
  return { offsetsNs: offsetsByHost(found, begins), pairs: found };
}

/**
 * Starts of a tree's spans with the offsets applied, by position, in ns since its origin; raw times stay in the
 * nodes. To read the whole tree that way, build it again with `clockOffsetsNs`.
 */
export function adjustedStarts(tree: TraceTree, skew: ClockSkew): Float64Array {
  const hostOf = hostNamer();
  return Float64Array.from(
    tree.nodes,
    (node) => node.startNs - node.skewNs + (skew.offsetsNs.get(hostOf(node.span)) ?? 0),
  );
}

interface PairEvidence {
  readonly callerHost: string;
  readonly calleeHost: string;
  calls: number;
  readonly traceMedians: number[];
}

/** What the call that `node` serves says of the two clocks; `undefined` when it is no such call or says nothing. */
function offsetOfCall(tree: TraceTree, node: TraceNode, hosts: readonly string[]): number | undefined {
  const client = tree.nodes[node.parent];
  if (client === undefined || node.span.spanKind !== "server" || client.span.spanKind !== "client")
    return undefined;
  const callerHost = hosts[client.index]!;
  const calleeHost = hosts[node.index]!;
  if (callerHost === calleeHost || callerHost === UNKNOWN_HOST || calleeHost === UNKNOWN_HOST)
    return undefined;
  for (const side of [node, client]) if (side.open || side.negative || side.clamped) return undefined;
  const startsByNs = client.startNs - client.skewNs - (node.startNs - node.skewNs);
  const waitedNs = client.endNs - client.startNs - (node.endNs - node.startNs);
  if (waitedNs < 0) return startsByNs > 0 ? startsByNs : undefined;
  const fits = startsByNs <= 0 && -startsByNs <= waitedNs;
  return fits ? 0 : startsByNs + waitedNs / 2;
}

function evidenceOf(pairs: Map<string, PairEvidence>, callerHost: string, calleeHost: string): PairEvidence {
  const key = JSON.stringify([callerHost, calleeHost]);
  let pair = pairs.get(key);
  if (pair === undefined) {
    pair = { callerHost, calleeHost, calls: 0, traceMedians: [] };
    pairs.set(key, pair);
  }
  return pair;
}

/**
 * Adds up pair offsets from one host in each connected group, whose clock is taken as right: the one where most
 * traces begin. Of the ways between two hosts, the one with most traces behind its calls counts.
 */
function offsetsByHost(
  pairs: readonly HostPairSkew[],
  begins: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const steps = new Map<string, { readonly to: string; readonly offsetNs: number }[]>();
  for (const { callerHost, calleeHost, offsetNs } of spanningPairs(pairs)) {
    for (const host of [callerHost, calleeHost]) if (!steps.has(host)) steps.set(host, []);
    steps.get(callerHost)!.push({ to: calleeHost, offsetNs });
    steps.get(calleeHost)!.push({ to: callerHost, offsetNs: -offsetNs });
  }
  const offsets = new Map<string, number>();
  const hosts = [...steps.keys()];
  hosts.sort((a, b) => (begins.get(b) ?? 0) - (begins.get(a) ?? 0) || compareText(a, b));
  for (const start of hosts) {
    if (offsets.has(start)) continue;
    offsets.set(start, 0);
    const reached = [start];
    for (const host of reached) {
      for (const { to, offsetNs } of steps.get(host)!) {
        if (offsets.has(to)) continue;
        offsets.set(to, offsets.get(host)! + offsetNs);
        reached.push(to);
      }
    }
  }
  for (const [host, offsetNs] of offsets) if (offsetNs === 0) offsets.delete(host);
  return offsets;
}

/** Pairs that connect all hosts without a circle, those with most traces first (Kruskal's spanning forest). */
function spanningPairs(pairs: readonly HostPairSkew[]): HostPairSkew[] {
  const leader = new Map<string, string>();
  const leaderOf = (host: string): string => {
    let at = host;
    while (leader.has(at)) {
      const above = leader.get(at)!;
      // Halving the way up at each look-up keeps it short.
      if (leader.has(above)) leader.set(at, leader.get(above)!);
      at = above;
    }
    return at;
  };
  const kept: HostPairSkew[] = [];
  for (const pair of pairs.toSorted((a, b) => b.traces - a.traces)) {
    const caller = leaderOf(pair.callerHost);
    const callee = leaderOf(pair.calleeHost);
    if (caller === callee) continue;
    leader.set(callee, caller);
    kept.push(pair);
  }
  return kept;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
