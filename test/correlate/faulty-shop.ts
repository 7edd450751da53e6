import type { Attributes } from "../../src/model/attributes.ts";
import type { LogRecord } from "../../src/model/log.ts";
import type { Resource } from "../../src/model/resource.ts";
import type { Span, SpanEvent, SpanKind } from "../../src/model/span.ts";
import { makeLog, makeResource, makeSpan } from "../support/draw-trace.ts";

/** What is wrong with the shop. Each hook is asked for every span; a shop without any is healthy. */
export interface Fault {
  /** Work of a span is multiplied by this. */
  readonly slower?: (at: Step) => number;
  /** Milliseconds added on the way from caller to callee. */
  readonly way?: (caller: string, callee: string) => number;
  /** Type of the exception that a span throws before it calls anyone. */
  readonly throws?: (at: Step) => string | undefined;
  /** How many times a query is sent, 1 when nothing is wrong. */
  readonly repeats?: (at: Step) => number;
  /** The trace context does not reach the callee. */
  readonly loses?: (caller: string, callee: string) => boolean;
  /** The callee leaves no spans at all. */
  readonly silent?: (service: string) => boolean;
  /** A call that takes longer is given up and tried once more. */
  readonly timeoutMs?: (caller: string, callee: string) => number | undefined;
  /** Which request it is, from what was drawn: below 6 a product, below 8 the cart, below 10 an order. */
  readonly mix?: (drawn: number) => number;
  readonly attributes?: (at: Step) => Attributes;
  readonly resource?: (service: string) => Attributes;
}

/** A span about to be made. */
interface Step {
  readonly service: string;
  readonly name: string;
  /** Number of the request, from 0. */
  readonly request: number;
}

export interface ShopWindow {
  readonly spans: Span[];
  readonly logs: LogRecord[];
}

const MS = 1_000_000;
const FROM_NS = 1_700_000_000_000_000_000n;

/**
 * A minute of a small shop's traffic; the same for the same arguments.
 *
 * ```
 *  page ── gateway ─┬─ catalog ── catalog database              GET /product   6 of 10 requests
 *                   ├─ reviews
 *                   ├─ cart ───── cart database                 GET /cart      2 of 10
 *                   │    └─────── catalog
 *                   └─ checkout ─┬─ cart                        POST /order    2 of 10
 *                                ├─ stock ── stock database
 *                                ├─ payment ── api.bank.example (leaves no spans)
 *                                └─ mail
 * ```
 * Calls fail their caller, but for reviews and mail, which callers do without.
 */
export function faultyShop(seed: number, requests: number, fault: Fault = {}): ShopWindow {
  const random = generator(seed);
  const window: ShopWindow = { spans: [], logs: [] };
  for (let request = 0; request < requests; request++) {
    const drawn = random() * 10;
    new Request(seed, request, random, fault, window).run(fault.mix?.(drawn) ?? drawn);
  }
  return window;
}

class ShopError extends Error {}

class Request {
  readonly #request: number;
  readonly #random: () => number;
  readonly #fault: Fault;
  readonly #window: ShopWindow;
  readonly #baseNs: bigint;
  #traceId: string;
  #spans = 0;
  #atMs = 0;

  constructor(seed: number, request: number, random: () => number, fault: Fault, window: ShopWindow) {
    this.#request = request;
    this.#random = random;
    this.#fault = fault;
    this.#window = window;
    this.#baseNs = FROM_NS + BigInt(seed) * 3_600_000_000_000n + BigInt(request) * 300_000_000n;
    this.#traceId =
      `${(seed * 7_919 + 1).toString(16)}f`.padStart(16, "a") + (request + 1).toString(16).padStart(16, "0");
  }

  run(kind: number): void {
    try {
      this.#span(
        undefined,
        "page",
        "client",
        kind < 6 ? "GET /product" : kind < 8 ? "GET /cart" : "POST /order",
        1,
        (page) => {
          if (kind < 6) this.#call(page, "page", "gateway", "GET /product", 2, (at) => this.#product(at));
          else if (kind < 8)
            this.#call(page, "page", "gateway", "GET /cart", 2, (at) => this.#cart(at, "gateway"));
          else this.#call(page, "page", "gateway", "POST /order", 2, (at) => this.#order(at));
        },
      );
    } catch (error) {
      if (!(error instanceof ShopError)) throw error;
    }
  }

  #product(at: Span): void {
    this.#remote(at, "gateway", "catalog", "GET /item", 4, (item) => {
      this.#log(item, `looking up item ${this.#request}`);
      this.#query(item, "catalog", "SELECT * FROM items WHERE id = ?", 3);
      this.#log(item, `found item ${this.#request}`);
    });
    this.#optional(() =>
      this.#remote(at, "gateway", "reviews", "GET /reviews", 5, (reviews) => {
        this.#log(reviews, `reviews of item ${this.#request} loaded`);
      }),
    );
  }

  #cart(at: Span, from: string): void {
    this.#remote(at, from, "cart", "GET /cart", 3, (cart) => {
      this.#query(cart, "cart", "SELECT * FROM cart_lines WHERE cart = ?", 2);
      this.#log(cart, `cart of customer ${this.#request} has lines`);
      this.#remote(cart, "cart", "catalog", "GET /price", 2, (price) => {
        this.#query(price, "catalog", "SELECT price FROM items WHERE id = ?", 1);
      });
    });
  }

  #order(at: Span): void {
    this.#remote(at, "gateway", "checkout", "POST /order", 4, (order) => {
      this.#log(order, `order ${this.#request} received`);
      this.#cart(order, "checkout");
      this.#remote(order, "checkout", "stock", "POST /reserve", 3, (reserve) => {
        this.#query(reserve, "stock", "UPDATE stock SET reserved = reserved + ? WHERE item = ?", 4);
        this.#log(reserve, `reserved item ${this.#request}`);
      });
      this.#remote(order, "checkout", "payment", "POST /charge", 3, (charge) => {
        this.#log(charge, `charging card for order ${this.#request}`);
        this.#span(charge, "payment", "client", "POST api.bank.example", 20, undefined, {
          "http.request.method": "POST",
          "server.address": "api.bank.example",
        });
        this.#log(charge, `charged card for order ${this.#request}`);
      });
      this.#optional(() => this.#remote(order, "checkout", "mail", "POST /mail", 3));
      this.#log(order, `order ${this.#request} placed`);
    });
  }

  #remote(
    from: Span,
    caller: string,
    callee: string,
    name: string,
    ms: number,
    work?: (at: Span) => void,
  ): void {
    const timeoutMs = this.#fault.timeoutMs?.(caller, callee);
    if (timeoutMs === undefined) {
      this.#once(from, caller, callee, name, ms, work);
      return;
    }
    const before = this.#atMs;
    this.#once(from, caller, callee, name, ms, work, timeoutMs);
    if (this.#atMs - before >= timeoutMs) this.#once(from, caller, callee, name, ms, work, timeoutMs);
  }

  #once(
    from: Span,
    caller: string,
    callee: string,
    name: string,
    ms: number,
    work?: (at: Span) => void,
    timeoutMs?: number,
  ): void {
    const attributes = { "server.address": callee, "http.request.method": name.split(" ", 1)[0]! };
    this.#span(
      from,
      caller,
      "client",
      name,
      0.5,
      (call) => this.#call(call, caller, callee, name, ms, work),
      attributes,
      timeoutMs,
    );
  }

  #call(
    call: Span,
    caller: string,
    callee: string,
    name: string,
    ms: number,
    work?: (at: Span) => void,
  ): void {
    this.#atMs += (this.#fault.way?.(caller, callee) ?? 0) * (0.8 + 0.4 * this.#random());
    const lost = this.#fault.loses?.(caller, callee) ?? false;
    const traceId = this.#traceId;
    if (lost) this.#traceId = `${traceId.slice(0, 15)}b${traceId.slice(16)}`;
    try {
      const attributes = { "http.route": name.split(" ")[1]! };
      if (this.#fault.silent?.(callee)) this.#work(callee, name, ms);
      else this.#span(lost ? undefined : call, callee, "server", name, ms, work, attributes);
    } finally {
      this.#traceId = traceId;
    }
  }

  #query(from: Span, service: string, statement: string, ms: number): void {
    const step = { service, name: statement, request: this.#request };
    for (let i = 0; i < (this.#fault.repeats?.(step) ?? 1); i++) {
      this.#span(from, service, "client", statement, ms, undefined, {
        "db.system.name": "postgresql",
        "db.query.text": statement,
      });
    }
  }

  #optional(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ShopError)) throw error;
    }
  }

  #span(
    parent: Span | undefined,
    service: string,
    spanKind: SpanKind,
    name: string,
    ms: number,
    inside?: (span: Span) => void,
    attributes: Attributes = {},
    timeoutMs?: number,
  ): void {
    const step = { service, name, request: this.#request };
    const index = this.#window.spans.length;
    const fromMs = this.#atMs;
    this.#spans += 1;
    const span = makeSpan({
      traceId: this.#traceId,
      spanId: (this.#request * 1_000 + this.#spans).toString(16).padStart(16, "0"),
      parentSpanId: parent?.spanId ?? "",
      name,
      spanKind,
      startNs: this.#now(),
      attributes: { ...attributes, ...this.#fault.attributes?.(step) },
      resource: this.#resource(service),
    });
    this.#window.spans.push(span);
    let failure: ShopError | undefined;
    try {
      this.#work(service, name, ms / 2);
      const type = this.#fault.throws?.(step);
      if (type !== undefined) throw new ShopError(type);
      inside?.(span);
      this.#work(service, name, ms / 2);
    } catch (error) {
      if (!(error instanceof ShopError)) throw error;
      failure = error;
    }
    const endMs = timeoutMs === undefined ? this.#atMs : Math.min(this.#atMs, fromMs + timeoutMs);
    const endNs = this.#baseNs + BigInt(Math.round(endMs * MS));
    // Whoever gave up goes on from there, while the callee is still at work.
    this.#atMs = endMs;
    const failed =
      failure === undefined ? {} : { statusCode: "error" as const, ...this.#failure(span, failure) };
    this.#window.spans[index] = { ...span, endNs, ...failed };
    if (failure !== undefined) throw failure;
  }

  #failure(span: Span, { message }: ShopError): Partial<Span> {
    const attributes = {
      "exception.type": message,
      "exception.message": `${message} in request ${this.#request}`,
    };
    const event: SpanEvent = { timeNs: this.#now(), name: "exception", attributes, droppedAttributes: 0 };
    if (span.spanKind === "server") this.#log(span, `request ${this.#request} failed: ${message}`, 17);
    return { statusMessage: message, events: [event] };
  }

  #work(service: string, name: string, ms: number): void {
    const slower = this.#fault.slower?.({ service, name, request: this.#request }) ?? 1;
    const spread = Math.exp(0.25 * (this.#random() + this.#random() + this.#random() - 1.5));
    this.#atMs += ms * slower * spread;
  }

  #log(span: Span, body: string, severity = 9): void {
    this.#window.logs.push(
      makeLog({
        traceId: span.traceId,
        spanId: span.spanId,
        timeNs: this.#now(),
        body,
        severity,
        resource: span.resource,
      }),
    );
  }

  #now(): bigint {
    return this.#baseNs + BigInt(Math.round(this.#atMs * MS));
  }

  #resource(service: string): Resource {
    return makeResource(service, {
      "service.instance.id": `${service}-1`,
      ...(service === "page" ? { "telemetry.sdk.language": "webjs" } : {}),
      ...this.#fault.resource?.(service),
    });
  }
}

/** mulberry32: numbers in [0, 1) that a seed repeats. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
