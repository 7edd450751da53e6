import {
  type CaptureSettings,
  DEFAULT_SETTINGS,
  type RedirectHop,
  type RedirectQuestion,
} from "../model/messages.ts";
import type { BrowserLog, BrowserRecord, BrowserSpan, SpanReference } from "../model/records.ts";
import { redactUrl } from "../model/redact.ts";
import { msToNs } from "../model/time.ts";
import type { FromMain, FromRelay, WorldLink } from "../model/world-link.ts";
import type { UserAction } from "./actions.ts";
import type { RelayContext } from "./context.ts";
import { DomSummary } from "./dom-summary.ts";
import type { Timing } from "./page-timings.ts";
import type { WorkerLink } from "./worker-link.ts";

const TELL_MS_MAX = 200;
const NO_SPAN: SpanReference = { traceId: "", spanId: "" };

/**
 * What this frame knows: the span that is current in the page's world, how busy the page is, and who listens. All
 * records pass here on their way to the worker.
 */
export class Frame implements RelayContext {
  readonly #main: WorldLink<FromMain, FromRelay>;
  readonly #worker: WorkerLink;
  readonly #taps = new Set<(record: BrowserRecord) => void>();
  readonly #dom = new DomSummary();
  readonly receive: RelayContext["receive"];
  readonly send: RelayContext["send"];
  /** Actions whose selectors are still to be worked out. */
  readonly #untold = new Set<() => void>();
  #current = NO_SPAN;
  #of: "page" | "interaction" = "page";
  #requestsInFlight = 0;
  #lastRequestEndMs = Number.NEGATIVE_INFINITY;
  #paused = false;

  constructor(main: WorldLink<FromMain, FromRelay>, worker: WorkerLink) {
    this.#main = main;
    this.#worker = worker;
    this.receive = worker.receive;
    this.send = (kind, payload) => worker.send(kind, payload);
    main.receive((message) => this.#fromMain(message));
    worker.receive("settings", (settings) => this.#settings(settings));
    worker.send("settings", null).then(
      (settings) => this.#settings(settings),
      () => this.#settings(DEFAULT_SETTINGS),
    );
  }

  tap(listener: (record: BrowserRecord) => void): () => void {
    this.#taps.add(listener);
    return () => this.#taps.delete(listener);
  }

  emit(record: BrowserRecord): void {
    if (this.#paused) return;
    for (const listener of this.#taps) listener(record);
    this.#worker.add(record);
  }

  traceId = (): string => this.#current.traceId;
  spanId = (): string => this.#current.spanId;

  quiet() {
    return {
      requestsInFlight: this.#requestsInFlight,
      lastDomChangeMs: this.#dom.lastChangeMs,
      lastRequestEndMs: this.#lastRequestEndMs,
    };
  }

  /** From the end of parsing on. */
  watchDom(): void {
    this.#dom.watch();
  }

  /** Opens or continues the action's scene in the page's world, then tells of it in that trace. */
  act({ event, text, attributes, selectors, scene }: UserAction): void {
    if (this.#paused) return;
    if (scene !== "none") {
      // Answered by a `context` message before this returns: events between worlds are synchronous.
      this.#main.send({ type: "action", name: text, attributes, joins: scene === "joined" });
    }
    if (event === "") return;
    const log = this.#logOf({ name: event, body: text, severity: 9, atMs: performance.now(), attributes });
    this.#untold.add(() => {
      this.emit({
        ...log,
        attributes: { ...log.attributes, "gasoline.browser.selectors": JSON.stringify(selectors()) },
      });
    });
    // After the page's handlers and the frame they draw: the user waits for those.
    requestIdleCallback(() => this.#tellActions(), { timeout: TELL_MS_MAX });
  }

  #tellActions(): void {
    for (const tell of this.#untold) {
      this.#untold.delete(tell);
      tell();
    }
  }

  measured(timing: Timing): void {
    this.emit(this.#logOf(timing));
  }

  /** Sends what waits: the page may be gone in a moment. */
  flush(): void {
    this.#tellActions();
    this.#worker.flush();
  }

  #logOf({ name, body, severity, atMs, attributes }: Timing): BrowserLog {
    return {
      kind: "log",
      ...this.#current,
      timeNs: msToNs(performance.timeOrigin + atMs),
      severity,
      eventName: name,
      body,
      attributes: { "url.full": redactUrl(location.href), ...attributes },
    };
  }

  #settings(settings: CaptureSettings): null {
    this.#paused = settings.paused;
    this.#main.send({ type: "settings", settings });
    this.#tellContext();
    return null;
  }

  #tellContext(): void {
    if (this.#current === NO_SPAN) return;
    this.#worker.tell("context", { ...this.#current, of: this.#of, origin: self.origin });
  }

  #fromMain(message: FromMain): void {
    switch (message.type) {
      case "records":
        this.#worker.addDropped(message.dropped);
        for (const record of message.records) this.#record(record);
        break;
      case "context":
        this.#current = message.span;
        this.#dom.begin(message.span.spanId);
        this.#of = message.of;
        this.#tellContext();
        break;
      case "busy":
        if (message.requestsInFlight < this.#requestsInFlight) this.#lastRequestEndMs = performance.now();
        this.#requestsInFlight = message.requestsInFlight;
        break;
      case "origin":
        this.#worker.tell("origin", message.report);
        break;
      case "redirect":
        this.#answerRedirect(message.id, message.question);
        break;
    }
  }

  #answerRedirect(id: number, question: RedirectQuestion): void {
    const answer = (hop: RedirectHop | null): void => this.#main.send({ type: "redirect", id, hop });
    this.#worker.send("redirect", question).then(answer, () => answer(null));
  }

  #record(record: BrowserRecord): void {
    if (record.kind === "span") {
      this.emit(this.#withDom(record));
      return;
    }
    this.emit(record);
    if (record.eventName !== "exception") return;
    const { traceId, spanId, body: message } = record;
    // The picture of what went wrong is taken by the worker, which is told after the error itself.
    this.#worker.flush();
    this.#worker.tell("error", { traceId, spanId, message, url: redactUrl(location.href) });
  }

  #withDom(span: BrowserSpan): BrowserSpan {
    if (span.spanKind === 3) return span;
    const lengthMs = (Number(span.endNs) - Number(span.startNs)) / 1e6;
    return { ...span, attributes: { ...span.attributes, ...this.#dom.end(span.spanId, lengthMs) } };
  }
}
