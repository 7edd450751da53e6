import { SEVERITY_ERROR } from "../model/log.ts";
import { type BaselineSummary, operationKey, type PlaceSummary, placeKey } from "./baseline.ts";
import { type Call, callKey, type Fact, factKey } from "./behaviour.ts";
import { percentText } from "./finding.ts";
import { arcsineDistance } from "./proportions.ts";
import type { Aspect, Change, Direction, Tolerances } from "./regression-change.ts";
import { shareDifferenceP } from "./regression-statistics.ts";
import type { CheckpointSummary, StatusCount } from "./regression-summary.ts";

/** Shares closer than this on the arcsine scale (-1 to 1) are alike. */
const DISTANCE_MIN = 0.2;
/** A failure never seen before counts from so many traces and this share of them on, without a test. */
const NEW_FAILURE_TRACES_MIN = 2;
const NEW_FAILURE_SHARE_MIN = 0.1;
/** A difference without exception counts from so many traces a side on; in smaller windows, from all there are. */
const FLIP_TRACES_MIN = 3;

/** What comparing facts needs to know of the window beside its summary. */
export interface FactView {
  /** Positions of the window's spans at a place for which a fact holds (or does not). */
  readonly showing: (place: PlaceSummary, fact: Fact, holds: boolean) => readonly number[];
  /** Positions of spans of an operation that ended with a status. */
  readonly withStatus: (count: StatusCount) => readonly number[];
  /** Worst severity seen of a log template. */
  readonly severityOf: (template: string) => number;
}

/** In how many calls something held, of how many, in how many traces. */
interface Share {
  readonly held: number;
  readonly calls: number;
  readonly traces: number;
}

/**
 * Differences in what operations do, given that they ran: calls made, repeated, dropped or reordered, errors,
 * exceptions, statuses and log statements. A changed mix of requests cancels out. Spans of one trace share its fate,
 * so shares are tested as if each trace had one call. `before` is all `windows` merged: a share that one of them had
 * already, or that lies between theirs, is within the baseline's own spread.
 */
export function factChanges(
  windows: readonly CheckpointSummary[],
  before: CheckpointSummary,
  after: CheckpointSummary,
  tolerances: Tolerances,
  view: FactView,
): Change[] {
  const earlier = new Map(before.behaviour.places.map((place) => [placeKey(place), place]));
  const traces = { before: before.behaviour.traces, after: after.behaviour.traces };
  const compare = comparer(traces, tolerances);
  const spread = shareSpread(windows);
  const changes: Change[] = [];
  for (const now of after.behaviour.places) {
    const then = earlier.get(placeKey(now));
    if (then !== undefined) changes.push(...placeChanges(then, now, view, compare, spread));
  }
  changes.push(...statusChanges(before, after, view, compare));
  return changes;
}

type Compare = ReturnType<typeof comparer>;

/** Tests one share against another and says whether the difference is large, and whether it is plain. */
function comparer(windows: { readonly before: number; readonly after: number }, tolerances: Tolerances) {
  const enough = {
    before: Math.min(FLIP_TRACES_MIN, windows.before),
    after: Math.min(FLIP_TRACES_MIN, windows.after),
  };
  return (before: Share, after: Share, isFailure: boolean) => {
    const was = before.held / before.calls;
    const is = after.held / after.calls;
    const distance = Math.abs(arcsineDistance(after.held, after.calls, before.held, before.calls));
    const flipped = Math.abs(is - was) === 1;
    const failing = is * after.traces;
    const isNewFailure =
      isFailure && was === 0 && failing >= NEW_FAILURE_TRACES_MIN && is >= NEW_FAILURE_SHARE_MIN;
    const large = isFailure ? Math.abs(is - was) > tolerances.error_share : distance >= DISTANCE_MIN;
    const traces = { before: before.traces, after: after.traces };
    return {
      before: was,
      after: is,
      unit: "share" as const,
      p: shareDifferenceP(was * before.traces, before.traces, failing, after.traces),
      traces,
      large,
      plain:
        large &&
        (isNewFailure || (flipped && traces.before >= enough.before && traces.after >= enough.after)),
    };
  };
}

/** Least and greatest share of a fact at a place over the baseline's windows; nothing when there is one window only. */
type ShareSpread = (place: string, fact: string) => readonly [least: number, greatest: number] | undefined;

function shareSpread(windows: readonly CheckpointSummary[]): ShareSpread {
  if (windows.length < 2) return () => undefined;
  const places = windows.map(
    ({ behaviour }) =>
      new Map(
        behaviour.places.map((place) => [
          placeKey(place),
          { calls: place.calls, held: new Map(place.facts.map(({ fact, calls }) => [factKey(fact), calls])) },
        ]),
      ),
  );
  return (place, fact) => {
    const shares = places.flatMap((ofWindow) => {
      const seen = ofWindow.get(place);
      return seen === undefined ? [] : [(seen.held.get(fact) ?? 0) / seen.calls];
    });
    return shares.length < 2 ? undefined : [Math.min(...shares), Math.max(...shares)];
  };
}

function placeChanges(
  then: PlaceSummary,
  now: PlaceSummary,
  view: FactView,
  compare: Compare,
  spread: ShareSpread,
): Change[] {
  const facts = new Map([...then.facts, ...now.facts].map(({ fact }) => [factKey(fact), fact]));
  const thenHeld = new Map(then.facts.map(({ fact, calls }) => [factKey(fact), calls]));
  const nowHeld = new Map(now.facts.map(({ fact, calls }) => [factKey(fact), calls]));
  const reordered = sameCallsInAnotherOrder(then, now);
  const changes: Change[] = [];
  for (const [key, fact] of facts) {
    const held = { before: thenHeld.get(key) ?? 0, after: nowHeld.get(key) ?? 0 };
    const grew = held.after / now.calls > held.before / then.calls;
    const meaning = meaningOf(fact, grew, view, reordered.has(key));
    if (meaning === undefined) continue;
    const compared = compare(
      { held: held.before, calls: then.calls, traces: then.traces },
      { held: held.after, calls: now.calls, traces: now.traces },
      meaning.aspect === "errors" || (meaning.aspect === "logs" && meaning.direction === "worse"),
    );
    if (compared.before === compared.after) continue;
    const seen = spread(placeKey(now), key);
    if (seen !== undefined && compared.after >= seen[0] && compared.after <= seen[1]) continue;
    const of = `of its calls (${percentText(compared.before)} before)`;
    const via = now.entry === "" ? "" : ` (under ${now.entry})`;
    changes.push({
      ...compared,
      aspect: meaning.aspect,
      direction: meaning.direction,
      rank: meaning.rank,
      subject: { service: now.service, operation: now.name, kind: now.kind },
      text: `${now.service} ${now.name}${via} ${meaning.words} in ${percentText(compared.after)} ${of}.`,
      evidence: compared.large ? view.showing(now, fact, grew) : [],
    });
  }
  return changes;
}

interface Meaning {
  readonly aspect: Aspect;
  readonly direction: Direction;
  readonly words: string;
  readonly rank: number;
}

/** What it means that a fact holds more often, or less often; `undefined` for facts that other facts tell. */
function meaningOf(fact: Fact, grew: boolean, view: FactView, reordered: boolean): Meaning | undefined {
  switch (fact.kind) {
    case "error":
      return { aspect: "errors", direction: grew ? "worse" : "better", words: "fails", rank: 0 };
    case "exception":
      return {
        aspect: "errors",
        direction: grew ? "worse" : "better",
        words: `raises ${fact.type}`,
        rank: 2,
      };
    case "call":
      return {
        aspect: "calls",
        direction: grew ? "neutral" : "worse",
        words: `calls ${callText(fact.call)}`,
        rank: 0,
      };
    case "repeat":
      return {
        aspect: "calls",
        direction: grew ? "worse" : "better",
        words: `calls ${callText(fact.call)} ${2 ** fact.doublings} times or more`,
        rank: fact.doublings,
      };
    case "sequence":
      if (!reordered || !grew) return undefined;
      return {
        aspect: "order",
        direction: "neutral",
        words: `calls in the order ${fact.calls.map((call) => call.name).join(", ")}`,
        rank: 0,
      };
    case "log": {
      const isError = view.severityOf(fact.template) >= SEVERITY_ERROR;
      const direction = isError && grew ? "worse" : "neutral";
      return { aspect: "logs", direction, words: `logs "${fact.template}"`, rank: 0 };
    }
    case "next":
      return undefined;
  }
}

function callText(call: Call): string {
  return call.callee === "" ? call.name : `${call.name} of ${call.callee}`;
}

/** Keys of the window's sequences that hold the same calls as one of the baseline's, but in an order it never had. */
function sameCallsInAnotherOrder(then: PlaceSummary, now: PlaceSummary): ReadonlySet<string> {
  const sequences = (place: PlaceSummary) =>
    place.facts.flatMap(({ fact }) => (fact.kind === "sequence" && fact.calls.length > 1 ? [fact] : []));
  const setOf = (calls: readonly Call[]) => calls.map(callKey).sort().join("\n");
  const earlier = sequences(then);
  const known = new Set(earlier.map(factKey));
  const sets = new Set(earlier.map(({ calls }) => setOf(calls)));
  return new Set(
    sequences(now).flatMap((fact) => {
      const key = factKey(fact);
      return !known.has(key) && sets.has(setOf(fact.calls)) ? [key] : [];
    }),
  );
}

function statusChanges(
  before: CheckpointSummary,
  after: CheckpointSummary,
  view: FactView,
  compare: Compare,
): Change[] {
  const operations = (summary: BaselineSummary) =>
    new Map(summary.operations.map((operation) => [operationKey(operation), operation]));
  const thenOf = operations(before.behaviour);
  const nowOf = operations(after.behaviour);
  const keyOf = (count: StatusCount) => `${operationKey(count)}\n${count.status}`;
  const thenHeld = new Map(before.statuses.map((count) => [keyOf(count), count.calls]));
  const nowHeld = new Map(after.statuses.map((count) => [keyOf(count), count.calls]));
  const all = new Map([...before.statuses, ...after.statuses].map((count) => [keyOf(count), count]));
  const changes: Change[] = [];
  for (const [key, count] of all) {
    const then = thenOf.get(operationKey(count));
    const now = nowOf.get(operationKey(count));
    if (then === undefined || now === undefined) continue;
    const failed = isFailure(count.status);
    const compared = compare(
      { held: thenHeld.get(key) ?? 0, calls: then.calls, traces: then.traces },
      { held: nowHeld.get(key) ?? 0, calls: now.calls, traces: now.traces },
      failed,
    );
    const grew = compared.after > compared.before;
    // Of a status that gives way to another, the one that came instead is told.
    if (compared.before === compared.after || (!failed && !grew)) continue;
    changes.push({
      ...compared,
      aspect: "errors",
      rank: 1,
      direction: !failed ? "neutral" : grew ? "worse" : "better",
      subject: { service: count.service, operation: count.name, kind: count.kind },
      text: `${count.service} ${count.name} answers ${count.status} in ${percentText(compared.after)} of its calls (${percentText(compared.before)} before).`,
      evidence: grew ? view.withStatus(count) : [],
    });
  }
  return changes;
}

/** HTTP statuses from 400 on, and gRPC codes but 0. */
function isFailure(status: string): boolean {
  const code = Number(status);
  return code >= 400 || (code > 0 && code < 100);
}
