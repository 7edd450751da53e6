import { stringAttribute } from "../model/attributes.ts";
import { type LogRecord, logTimeNs } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { type BaselineSummary, placeKey } from "./baseline.ts";
import { contextIdsOf } from "./context-ids.ts";
import { type LogCandidate, LogCandidates } from "./log-candidates.ts";
import { requestIdInText, requestIdsOf } from "./request-id.ts";
import { learnTemplates, maskedText, type Templates } from "./templates.ts";
import { buildWindow, type TraceWindow } from "./window.ts";

/** How a log record was put where it is, from the surest way to the least sure. */
type LogJoinMethod =
  /** Its own ids. */
  | "record_ids"
  /** Ids in its attributes or text. */
  | "text_ids"
  /** A request id that a span carries. */
  | "request_id"
  /** Its session, and time. */
  | "session_time"
  /** What its statement belongs to elsewhere, and time. */
  | "template_time"
  /** Its service, and time. */
  | "service_time"
  | "none";

/** Where a log record belongs. The record's own ids are never changed. */
export interface LogJoin {
  /** `""` with method `none`. */
  readonly traceId: string;
  /** `""` where only the trace is known. */
  readonly spanId: string;
  readonly method: LogJoinMethod;
  /** That the trace is right: its share among all candidates, 0 to 1. 1 for ids. */
  readonly confidence: number;
  /** That the span is right. Never high for a statement whose place is not known: then the span is a guess. */
  readonly spanConfidence: number;
}

/** From here on an association is taken for granted, below it, it is shown as possible. */
export const JOIN_SHOWN_MIN = 0.7;
/** From here on causality uses it. */
export const JOIN_TRUSTED_MIN = 0.9;

const NO_JOIN: LogJoin = { traceId: "", spanId: "", method: "none", confidence: 0, spanConfidence: 0 };

/**
 * Finds the span that each log record belongs to, in the order of `logs` (analyses.md, log association). Records with
 * ids keep them; the others are placed by ids in their text, request id, session and time, statement and time, or
 * service and time, whichever is there first.
 *
 * Which operation a statement belongs to is learned from the records that carry ids and from `known` summaries; for
 * statements never seen with ids it is the outermost server span of the service. O(n log n) in spans and logs while
 * services have few spans under way at once.
 */
export function joinLogs(
  spans: readonly Span[],
  logs: readonly LogRecord[],
  known: readonly BaselineSummary[] = [],
): LogJoin[] {
  return new LogJoiner(buildWindow(spans, logs), logs, known).joinAll();
}

/**
 * The records with ids where they had none, as far as `joinLogs` is sure of the trace (0.9): copies that only analyses
 * see. Where the span is not sure it is the one through which the request entered the service. Records that all have
 * ids come back as they are.
 */
export function withTrustedJoins<L extends LogRecord>(
  spans: readonly Span[],
  logs: readonly L[],
  known: readonly BaselineSummary[] = [],
): readonly L[] {
  if (logs.every((log) => log.traceId !== "")) return logs;
  const window = buildWindow(spans, logs);
  const joins = new LogJoiner(window, logs, known).joinAll();
  const entries = entrySpans(window);
  return logs.map((log, i) => {
    const { traceId, spanId, confidence, spanConfidence } = joins[i]!;
    if (log.traceId !== "" || confidence < JOIN_TRUSTED_MIN) return log;
    if (spanConfidence >= JOIN_TRUSTED_MIN) return { ...log, traceId, spanId };
    return { ...log, traceId, spanId: entries.get(spanId) ?? spanId };
  });
}

/** By span id, the id of the span through which its request entered its service. */
function entrySpans(window: TraceWindow): Map<string, string> {
  return new Map(
    window.nodes.map(({ span }, at) => [span.spanId, window.nodes[window.entry[at]!]!.span.spanId]),
  );
}

const CERTAIN = { confidence: 1, spanConfidence: 1 };
/** The most that can be said for a span when it is not known where the statement stands. */
const GUESSED_SPAN_MAX = 0.5;

class LogJoiner {
  readonly #window: TraceWindow;
  readonly #logs: readonly LogRecord[];
  readonly #masked: readonly string[];
  readonly #templates: Templates;
  readonly #homes: TemplateHomes;
  readonly #candidates: LogCandidates;
  readonly #traces = new Map<string, number>();
  readonly #requests = new Map<string, number[]>();
  readonly #sessions: (string | undefined)[];
  /** How often a span has written a statement, by position and template. */
  readonly #written = new Map<string, number>();

  constructor(window: TraceWindow, logs: readonly LogRecord[], known: readonly BaselineSummary[]) {
    this.#window = window;
    this.#logs = logs;
    this.#masked = logs.map(maskedText);
    const texts = new Set(this.#masked);
    for (const { places } of known) {
      for (const { facts } of places)
        for (const { fact } of facts) if (fact.kind === "log") texts.add(fact.template);
    }
    this.#templates = learnTemplates(texts);
    this.#homes = new TemplateHomes(window, this.#templates, known);
    this.#candidates = new LogCandidates(window);
    window.trees.forEach((tree, number) => {
      this.#traces.set(tree.traceId, number);
      // Datadog's loggers keep only the lower half.
      this.#traces.set(tree.traceId.slice(16), number);
    });
    this.#sessions = window.nodes.map(({ span }) => stringAttribute(span.attributes, "session.id"));
    for (const [at, { span }] of window.nodes.entries()) {
      for (const id of requestIdsOf(span.attributes))
        this.#requests.set(id, [...(this.#requests.get(id) ?? []), at]);
    }
  }

  /** In order of time, since what a span has written already counts against it. */
  joinAll(): LogJoin[] {
    const joins: LogJoin[] = new Array(this.#logs.length);
    const order = this.#logs.map((log, i) => ({ i, timeNs: logTimeNs(log) }));
    order.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
    for (const { i } of order) joins[i] = this.#join(this.#logs[i]!, this.#masked[i]!);
    return joins;
  }

  #join(log: LogRecord, masked: string): LogJoin {
    if (log.traceId !== "") {
      return { traceId: log.traceId, spanId: log.spanId, method: "record_ids", ...CERTAIN };
    }
    const ids = contextIdsOf(log);
    if (ids !== undefined) {
      const tree = this.#traces.get(ids.traceId);
      const traceId = tree === undefined ? ids.traceId : this.#window.trees[tree]!.traceId;
      return { traceId, spanId: ids.spanId, method: "text_ids", ...CERTAIN };
    }
    const { service, attributes: resource } = log.resource;
    const near = this.#candidates.near(service, resource["service.instance.id"], logTimeNs(log));
    const template = this.#templates.templateOf(masked);
    const ofRequest = this.#ofRequest(log, near);
    if (ofRequest.length > 0) return this.#choose(ofRequest, template, service, "request_id");
    const session = stringAttribute(log.attributes, "session.id");
    const ofSession = session === undefined ? [] : near.filter(({ at }) => this.#sessionOf(at) === session);
    if (ofSession.length > 0) return this.#choose(ofSession, template, service, "session_time");
    return this.#choose(near, template, service, "service_time");
  }

  /** Spans of the request that the record names: those near it in time, else those that carry the id. */
  #ofRequest(log: LogRecord, near: readonly LogCandidate[]): readonly LogCandidate[] {
    const named = requestIdsOf(log.attributes);
    if (named.length === 0 && typeof log.body === "string") {
      const inText = requestIdInText(log.body);
      if (inText !== undefined) named.push(inText);
    }
    const carriers = named.flatMap((id) => this.#requests.get(id) ?? []);
    if (carriers.length === 0) return [];
    const traces = new Set(carriers.map((at) => this.#window.trace[at]!));
    const ofTrace = near.filter(({ at }) => traces.has(this.#window.trace[at]!));
    if (ofTrace.length > 0) return ofTrace;
    return carriers.map((at) => ({ at, timeFit: 1 }));
  }

  /** The session of a span or of the nearest caller that names one. */
  #sessionOf(at: number): string | undefined {
    for (let up = at; up >= 0; up = this.#window.parent[up]!) {
      const session = this.#sessions[up];
      if (session !== undefined) return session;
    }
    return undefined;
  }

  #choose(
    candidates: readonly LogCandidate[],
    template: string,
    service: string,
    method: LogJoinMethod,
  ): LogJoin {
    const home = this.#homes.of(service, template);
    const scored = candidates.map(({ at, timeFit }) => ({
      at,
      score:
        timeFit *
        (home === undefined ? this.#outermost(at) : home(this.#window.place[at]!)) *
        AGAIN_LIKELIHOOD ** (this.#written.get(`${at} ${template}`) ?? 0),
    }));
    let best = scored[0];
    for (const candidate of scored) if (candidate.score > best!.score) best = candidate;
    if (best === undefined || best.score === 0) return NO_JOIN;
    const wrote = `${best.at} ${template}`;
    this.#written.set(wrote, (this.#written.get(wrote) ?? 0) + 1);
    const { traceId, spanId } = this.#window.nodes[best.at]!.span;
    const trace = this.#window.trace[best.at]!;
    let total = 0;
    let ofTrace = 0;
    for (const { at, score } of scored) {
      total += score;
      if (this.#window.trace[at] === trace) ofTrace += score;
    }
    return {
      traceId,
      spanId,
      method: method === "service_time" && home !== undefined ? "template_time" : method,
      confidence: ofTrace / total,
      spanConfidence: (best.score / total) * (home === undefined ? GUESSED_SPAN_MAX : 1),
    };
  }

  /** How likely a statement of unknown place was written by a span, by itself: the one that entered the service. */
  #outermost(at: number): number {
    return this.#window.entry[at] === at ? 1 : INNER_LIKELIHOOD;
  }
}

const INNER_LIKELIHOOD = 0.05;
/** Likelihood of a statement being written by a span that wrote it before, against one that did not. */
const AGAIN_LIKELIHOOD = 0.2;
/** Likelihood of a place where a statement was never seen, against one where it always is. */
const ELSEWHERE_LIKELIHOOD = 0.001;

/** In which places each statement of a service was written, where ids say so. */
class TemplateHomes {
  /** By service and template: how likely a call of each place writes it. */
  readonly #homes = new Map<string, Map<string, number>>();
  readonly #placeKeys: readonly string[];

  constructor(window: TraceWindow, templates: Templates, known: readonly BaselineSummary[]) {
    this.#placeKeys = window.places.map(placeKey);
    const written = new Map<string, Map<string, number>>();
    const calls = new Map<string, number>();
    for (const summary of known) {
      for (const place of summary.places) {
        const key = placeKey(place);
        calls.set(key, (calls.get(key) ?? 0) + place.calls);
        for (const { fact, calls: held } of place.facts) {
          if (fact.kind === "log")
            count(written, homeKey(place.service, templates.templateOf(fact.template)), key, held);
        }
      }
    }
    for (const [at, node] of window.nodes.entries()) {
      const { service } = node.span.resource;
      const key = this.#placeKeys[window.place[at]!]!;
      calls.set(key, (calls.get(key) ?? 0) + 1);
      const here = new Set(node.logs.map((log) => templates.templateOf(maskedText(log))));
      for (const template of here) count(written, homeKey(service, template), key, 1);
    }
    for (const [home, places] of written) {
      this.#homes.set(home, new Map(Array.from(places, ([key, held]) => [key, held / calls.get(key)!])));
    }
  }

  /** How likely a span of a place (by its index) writes the statement; undefined when it was never seen with ids. */
  of(service: string, template: string): ((place: number) => number) | undefined {
    const places = this.#homes.get(homeKey(service, template));
    return places && ((place) => places.get(this.#placeKeys[place]!) ?? ELSEWHERE_LIKELIHOOD);
  }
}

function homeKey(service: string, template: string): string {
  return `${service}\n${template}`;
}

function count(counts: Map<string, Map<string, number>>, outer: string, inner: string, by: number): void {
  let ofOuter = counts.get(outer);
  if (ofOuter === undefined) {
    ofOuter = new Map();
    counts.set(outer, ofOuter);
  }
  ofOuter.set(inner, (ofOuter.get(inner) ?? 0) + by);
}
