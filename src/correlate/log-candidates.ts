import { originOf } from "./relative-time.ts";
import type { TraceWindow } from "./window.ts";

/** A log may be stamped this long after its span ended, since collectors read lines late, or before it began. */
const LATE_NS_MAX = 50_000_000;
const EARLY_NS_MAX = 5_000_000;
/** At which lateness, and at which earliness, a span is half as likely as one that covers the time. */
const LATE_NS_HALF = 1_000_000;
const EARLY_NS_HALF = 200_000;
/** Spans looked at for one log. A service with more at once gives no answer worth having. */
const LOOKED_AT_MAX = 2_000;

/** A span that a log may belong to. */
export interface LogCandidate {
  /** Position in the window. */
  readonly at: number;
  /**
   * How well the times agree: 1 when the span was at work itself, less the longer ago that was. A span that waits for
   * a call writes nothing, unless it does not really wait.
   */
  readonly timeFit: number;
}

/** Likelihood of a log written while the span had a call under way, however long ago it began. */
const WHILE_CALLING = 0.05;

interface Lane {
  /** Positions by start. */
  readonly positions: Uint32Array;
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
  /** Latest end among this span and all that started before it. */
  readonly latestEndNs: Float64Array;
}

/** Finds the spans that were under way in a service when a log was written. */
export class LogCandidates {
  readonly #window: TraceWindow;
  readonly #originNs: bigint;
  readonly #lanes = new Map<string, Lane>();

  constructor(window: TraceWindow) {
    this.#window = window;
    this.#originNs = originOf(window.nodes.map(({ span }) => span));
    const byLane = new Map<string, number[]>();
    for (const [at, { span }] of window.nodes.entries()) {
      const instance = span.resource.attributes["service.instance.id"];
      for (const lane of laneNames(span.resource.service, instance)) {
        const positions = byLane.get(lane);
        if (positions === undefined) byLane.set(lane, [at]);
        else positions.push(at);
      }
    }
    for (const [name, positions] of byLane) this.#lanes.set(name, this.#lane(positions));
  }

  /** Spans of the service, of the same instance where the log names one that has spans, near a time. By start. */
  near(service: string, instance: unknown, timeNs: bigint): LogCandidate[] {
    const names = laneNames(service, instance);
    const lane = this.#lanes.get(names.at(-1)!) ?? this.#lanes.get(names[0]!);
    if (lane === undefined) return [];
    const time = Number(timeNs - this.#originNs);
    const candidates: LogCandidate[] = [];
    const last = countUpTo(lane.startNs, time + EARLY_NS_MAX) - 1;
    for (let i = last; i >= 0 && i > last - LOOKED_AT_MAX; i--) {
      if (lane.latestEndNs[i]! < time - LATE_NS_MAX) break;
      const at = lane.positions[i]!;
      const timeFit =
        coverFit(time, lane.startNs[i]!, lane.endNs[i]!) * this.#workFit(at, time - lane.startNs[i]!);
      if (timeFit > 0) candidates.push({ at, timeFit });
    }
    return candidates.reverse();
  }

  /** Whether the span was at work itself so long after its start, or how long ago it last was. */
  #workFit(at: number, sinceStartNs: number): number {
    const { nodes } = this.#window;
    const node = nodes[at]!;
    let waitingSince = Number.POSITIVE_INFINITY;
    for (const index of node.children) {
      const child = nodes[at - node.index + index]!;
      const from = child.startNs - node.startNs;
      const to = child.endNs - node.startNs;
      if (from < sinceStartNs && sinceStartNs < to) waitingSince = Math.min(waitingSince, from);
    }
    if (waitingSince === Number.POSITIVE_INFINITY) return 1;
    return Math.max(WHILE_CALLING, falloff(sinceStartNs - waitingSince, LATE_NS_HALF));
  }

  #lane(positions: number[]): Lane {
    const window = this.#window;
    const start = (at: number) => Number(window.nodes[at]!.span.startNs - this.#originNs);
    const starts = new Map(positions.map((at) => [at, start(at)]));
    positions.sort((a, b) => starts.get(a)! - starts.get(b)! || a - b);
    const startNs = Float64Array.from(positions, (at) => starts.get(at)!);
    const endNs = Float64Array.from(positions, (at, i) => {
      const { startNs: from, endNs: to } = window.nodes[at]!;
      return startNs[i]! + (to - from);
    });
    let latest = Number.NEGATIVE_INFINITY;
    const latestEndNs = endNs.map((end) => {
      latest = Math.max(latest, end);
      return latest;
    });
    return { positions: Uint32Array.from(positions), startNs, endNs, latestEndNs };
  }
}

/** The service, and its instance where one is named. */
function laneNames(service: string, instance: unknown): string[] {
  return typeof instance === "string" ? [service, `${service}\n${instance}`] : [service];
}

function coverFit(time: number, startNs: number, endNs: number): number {
  if (time < startNs) return startNs - time > EARLY_NS_MAX ? 0 : falloff(startNs - time, EARLY_NS_HALF);
  if (time > endNs) return time - endNs > LATE_NS_MAX ? 0 : falloff(time - endNs, LATE_NS_HALF);
  return 1;
}

function falloff(distance: number, half: number): number {
  return 1 / (1 + (distance / half) ** 2);
}

/** How many of the sorted values are at most `bound`. */
function countUpTo(sorted: Float64Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
