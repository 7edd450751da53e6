import {
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { BasicTracerProvider, StackContextManager } from "@opentelemetry/sdk-trace-web";
import type { Attributes, BrowserSpan, SpanReference } from "../model/records.ts";
import { redactUrl } from "../model/redact.ts";
import { msToNs } from "../model/time.ts";
import { parseTraceparent, randomHex } from "../model/traceparent.ts";
import { nowMs } from "./natives.ts";
import type { Outbox } from "./outbox.ts";
import { Scene } from "./scene.ts";

const SCENE = createContextKey("gasoline360 scene");

declare global {
  interface Window {
    /** Set by a test: the step the page runs under, see `testParent`. A page may put anything here. */
    readonly __gasolineTraceparent?: unknown;
  }
}

/** Says which scene is active where the page's own stack does not: promises and timers carry no context. */
class SceneContextManager extends StackContextManager {
  readonly #fallback: () => Context;

  constructor(fallback: () => Context) {
    super();
    this.#fallback = fallback;
  }

  override active(): Context {
    const active = super.active();
    return active === ROOT_CONTEXT ? this.#fallback() : active;
  }
}

/**
 * The traces of one document: one for its load, one for each thing the user does, linked to the load. Whatever the
 * page does belongs to the newest scene that is still open, else to the load.
 */
export class Tracing {
  readonly #provider: BasicTracerProvider;
  /** Ids that the next span is to have. */
  #nextIds: SpanReference | undefined;
  readonly #outbox: Outbox;
  #page: Scene;
  #current: Scene | undefined;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
    this.#provider = new BasicTracerProvider({
      idGenerator: {
        generateTraceId: () => this.#nextIds?.traceId ?? randomHex(16),
        generateSpanId: () => this.#nextIds?.spanId ?? randomHex(8),
      },
      spanProcessors: [
        {
          onStart: () => undefined,
          onEnd: (span) => outbox.add(toRecord(span)),
          forceFlush: async () => undefined,
          shutdown: async () => undefined,
        },
      ],
    });
    context.setGlobalContextManager(
      new SceneContextManager(() => (this.#current ?? this.#page).context).enable(),
    );
    this.#page = this.#openPage();
  }

  /** Tells the relay what is current; called when it joins and whenever it changes. */
  announce(): void {
    const scene = this.#current ?? this.#page;
    const of = scene === this.#page ? "page" : "interaction";
    this.#outbox.send({ type: "context", of, span: referenceOf(scene.span) });
  }

  /**
   * Opens a scene for what the user did, or goes on with the one that is open when the action only `joins` it.
   * A step of a test becomes its parent; else it is the root of a trace.
   */
  act(name: string, attributes: Attributes, joins: boolean): Scene {
    if (joins && this.#current !== undefined) return this.#current;
    const parent = testParent();
    const span = this.#start(name, {
      attributes,
      parent,
      links: [referenceOf(this.#page.span)],
      startMs: nowMs(),
    });
    const scene = this.#newScene(span, () => {
      if (this.#current !== scene) return;
      this.#current = undefined;
      this.announce();
    });
    this.#current = scene;
    this.announce();
    scene.settle();
    return scene;
  }

  /** The document is complete: its scene may close once it is quiet. */
  pageLoaded(): void {
    this.#page.settle();
  }

  /** The page goes away: whatever is open ends now. */
  end(): void {
    this.#current?.close();
    this.#page.close();
  }

  /** The page is shown again out of the back/forward cache: a new load, linked to the one before. */
  resume(): void {
    const before = referenceOf(this.#page.span);
    this.#page = this.#openPage([before]);
    this.#page.settle();
    this.announce();
  }

  /** The span that what happens now belongs to. */
  active(): SpanReference {
    return referenceOf(trace.getSpan(context.active()) ?? this.#page.span);
  }

  /** Starts a client span under the active scene, which stays open until the span has ended. */
  startRequest(name: string, attributes: Attributes, links: readonly SpanReference[] = []): RequestScope {
    const parent = context.active();
    const scene = parent.getValue(SCENE) as Scene | undefined;
    const span = this.#provider
      .getTracer("gasoline360")
      .startSpan(
        name,
        { kind: SpanKind.CLIENT, attributes, links: links.map(toLink), startTime: nowMs() },
        parent,
      );
    scene?.requestStarted();
    return { span, reference: referenceOf(span), ended: () => scene?.requestEnded() };
  }

  #openPage(links: readonly SpanReference[] = []): Scene {
    const told = toldByNetwork();
    const parent = testParent() ?? told.parent;
    if (links.length === 0 && parent === undefined) this.#nextIds = told.own;
    const startMs = links.length > 0 ? nowMs() : performance.timeOrigin;
    const attributes = {
      "url.full": redactUrl(location.href),
      "gasoline.browser.frame": window.top === window ? "top" : "child",
    };
    const span = this.#start(`page load ${location.pathname}`, { attributes, parent, links, startMs });
    this.#nextIds = undefined;
    return this.#newScene(span, () => undefined);
  }

  #start(
    name: string,
    options: {
      readonly attributes: Attributes;
      readonly parent: SpanReference | undefined;
      readonly links: readonly SpanReference[];
      readonly startMs: number;
    },
  ): Span {
    const { attributes, parent, links, startMs } = options;
    const under =
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: 1 });
    const tracer = this.#provider.getTracer("gasoline360");
    return tracer.startSpan(name, { attributes, links: links.map(toLink), startTime: startMs }, under);
  }

  #newScene(span: Span, closed: () => void): Scene {
    return new Scene(span, (scene) => trace.setSpan(ROOT_CONTEXT, span).setValue(SCENE, scene), closed);
  }
}

/** A request under way. `ended` is called once, when its span has ended. */
export interface RequestScope {
  readonly span: Span;
  readonly reference: SpanReference;
  ended(): void;
}

const referenceOf = (span: Span): SpanReference => {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
};

const toLink = (reference: SpanReference) => ({ context: { ...reference, traceFlags: 1 } });

/**
 * A test that drives the page says under which of its steps things happen: `window.__gasolineTraceparent`, set by an
 * init script and renewed at every step.
 */
function testParent(): SpanReference | undefined {
  return parseTraceparent(window.__gasolineTraceparent);
}

/**
 * What the network layer wrote on the document's answer (service-worker/propagation.ts): the ids that the request
 * for this page carried, which are this load's own; or, in a frame, its parent's. The server's own `traceparent`
 * entry makes the load a child of what the server did.
 */
function toldByNetwork(): { own?: SpanReference; parent?: SpanReference } {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const told: { own?: SpanReference; parent?: SpanReference } = {};
  for (const { name, description } of navigation?.serverTiming ?? []) {
    const reference = parseTraceparent(description);
    if (reference === undefined) continue;
    if (name === "gasoline-page") told.own = reference;
    if (name === "gasoline-parent") told.parent = reference;
  }
  return told;
}

type EndedSpan = Parameters<
  NonNullable<
    NonNullable<ConstructorParameters<typeof BasicTracerProvider>[0]>["spanProcessors"]
  >[number]["onEnd"]
>[0];

function toRecord(span: EndedSpan): BrowserSpan {
  const { traceId, spanId } = span.spanContext();
  const parent = span.parentSpanContext?.spanId;
  return {
    kind: "span",
    traceId,
    spanId,
    ...(parent === undefined ? {} : { parentSpanId: parent }),
    name: span.name,
    spanKind: span.kind === SpanKind.CLIENT ? 3 : 1,
    startNs: hrToNs(span.startTime),
    endNs: hrToNs(span.endTime),
    attributes: span.attributes as Attributes,
    ...(span.status.code === 2 ? { error: span.status.message ?? "" } : {}),
    ...(span.links.length === 0
      ? {}
      : { links: span.links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId })) }),
  };
}

const hrToNs = ([seconds, nanos]: readonly [number, number]): string => msToNs(seconds * 1000 + nanos / 1e6);
