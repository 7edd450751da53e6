import { expect } from "vitest";
import type { FaultName } from "../../demo/shop/faults.ts";
import { stringAttribute } from "../../src/model/attributes.ts";
import type { Span } from "../../src/model/span.ts";
import { nsToMs } from "../../src/model/time.ts";
import type { Window } from "./record-faults.ts";

/** What each fault must show in a window of whole visits, beside the same shop without it. */
export const SIGNS: { readonly [name in FaultName]: (faulty: Window, healthy: Window) => void } = {
  "error-deep": (faulty) => {
    expect(statuses(faulty, "pay")).toEqual(new Set([502]));
    const failed = spansOf(faulty, "payment", "INSERT charges");
    expect(failed.map((span) => span.statusMessage)).toContain("attempt to write a readonly database");
    // The exception is recorded where it began, and by the handler it ended: nowhere above.
    expect(throwers(faulty)).toEqual(new Set(["payment INSERT charges", "payment POST /charges"]));
    const chain = faulty.spans.filter(
      (span) => span.traceId === failed[0]!.traceId && span.statusCode === "error",
    );
    expect(new Set(chain.map((span) => span.resource.service))).toEqual(
      new Set(["payment", "orders", "storefront"]),
    );
  },
  "slow-query": (faulty, healthy) => {
    const statement = "SELECT product_index";
    expect(fastestMs(faulty, "catalog", statement)).toBeGreaterThan(
      10 * fastestMs(healthy, "catalog", statement),
    );
    expect(texts(faulty, "catalog", statement)[0]).toContain("text LIKE ?");
  },
  "n-plus-one": (faulty) => {
    for (const { traceId } of faulty.sent.filter(({ step }) => step === "list")) {
      const statements = faulty.spans.filter(
        (span) => span.traceId === traceId && stringAttribute(span.attributes, "db.query.text") !== undefined,
      );
      expect(statements.map((span) => span.name).sort()).toEqual([
        ...Array<string>(96).fill("SELECT prices"),
        "SELECT products",
      ]);
    }
  },
  "timeout-retry": (faulty) => {
    expect(statuses(faulty, "pay")).toEqual(new Set([200]));
    const calls = spansOf(faulty, "orders", "GET /carts/:id");
    expect(calls.map((span) => span.attributes["error.type"])).toContain("TimeoutError");
    expect(calls.map((span) => span.attributes["http.request.resend_count"])).toContain(1);
    // cart itself sees no error, only that it takes long.
    const cart = spansOf(faulty, "cart", "GET /carts/:id");
    expect(cart.filter((span) => span.statusCode === "error")).toEqual([]);
    expect(Math.max(...cart.map(durationMs))).toBeGreaterThan(100);
  },
  "missing-index": (faulty, healthy) => {
    const statement = "SELECT reviews";
    expect(texts(faulty, "catalog", statement)).toEqual(texts(healthy, "catalog", statement));
    expect(fastestMs(faulty, "catalog", statement)).toBeGreaterThan(
      10 * fastestMs(healthy, "catalog", statement),
    );
  },
  "bad-deploy": (faulty, healthy) => {
    expect(statuses(faulty, "pay")).toEqual(new Set([200, 502]));
    const failed = spansOf(faulty, "orders", "price order").filter((span) => span.statusCode === "error");
    expect(failed[0]!.attributes["error.type"]).toBe("TypeError");
    expect(versions(faulty, "orders")).toEqual(new Set(["1.5.0"]));
    expect(versions(healthy, "orders")).toEqual(new Set(["1.4.2"]));
  },
  "poisoned-cache": (faulty) => {
    expect(statuses(faulty, "add")).toEqual(new Set([200, 502]));
    const failed = spansOf(faulty, "cart", "read price cache").filter((span) => span.statusCode === "error");
    expect(failed[0]!.attributes["error.type"]).toBe("SyntaxError");
  },
  "third-party-slowdown": (faulty, healthy) => {
    const call = "POST /authorizations";
    expect(fastestMs(faulty, "payment", call)).toBeGreaterThan(170);
    expect(fastestMs(healthy, "payment", call)).toBeLessThan(100);
    expect(spansOf(faulty, "payment", call)[0]!.attributes["server.address"]).toBe("bank.example");
    expect(statuses(faulty, "pay")).toEqual(new Set([200]));
  },
  "browser-only-error": (faulty) => {
    expect(throwers(faulty)).toEqual(new Set());
    expect(statuses(faulty, "page")).toEqual(new Set([200]));
  },
  "propagation-broken": (faulty) => {
    const ids = new Set(faulty.spans.map((span) => span.spanId));
    const calls = spansOf(faulty, "orders", "POST /charges");
    const callees = spansOf(faulty, "payment", "POST /charges");
    expect(callees.length).toBe(calls.length);
    expect(callees.map((span) => span.parentSpanId)).toEqual(calls.map(() => ""));
    expect(faulty.spans.filter((span) => span.parentSpanId !== "" && !ids.has(span.parentSpanId))).toEqual(
      [],
    );
    expect(statuses(faulty, "pay")).toEqual(new Set([200]));
  },
  "twin-slow": (faulty) => {
    expect(medianMs(faulty, "catalog", "GET /products")).toBeGreaterThan(55);
    expect(medianMs(faulty, "cart", "GET /carts/:id")).toBeGreaterThan(55);
    expect(new Set(faulty.spans.map((span) => span.attributes["server.address"]))).not.toContain("licence");
  },
  "twin-errors": (faulty, healthy) => {
    expect(statuses(faulty, "home")).toEqual(new Set([502]));
    expect(throwers(faulty)).toEqual(new Set(["catalog GET /products", "cart GET /carts/:id"]));
    expect(throwers(healthy)).toEqual(new Set());
  },
};

function spansOf(window: Window, service: string, name: string): Span[] {
  const found = window.spans.filter((span) => span.resource.service === service && span.name === name);
  if (found.length === 0) throw new Error(`no span ${name} of ${service} in the window`);
  return found;
}

/** What became of one step. Declined cards (402) are ordinary trouble of any window, and left out. */
export function statuses(window: Window, step: string): Set<number> {
  const answers = window.sent.filter((sent) => sent.step === step && sent.status !== 402);
  return new Set(answers.map(({ status }) => status));
}

/** Spans that recorded an exception, as `service name`. */
function throwers(window: Window): Set<string> {
  const thrown = window.spans.filter((span) => span.events.some((event) => event.name === "exception"));
  return new Set(thrown.map((span) => `${span.resource.service} ${span.name}`));
}

function texts(window: Window, service: string, name: string): string[] {
  const all = spansOf(window, service, name).map(
    (span) => stringAttribute(span.attributes, "db.query.text") ?? "",
  );
  return [...new Set(all)];
}

export function versions(window: Window, service: string): Set<unknown> {
  const own = window.spans.filter((span) => span.resource.service === service);
  return new Set(own.map((span) => span.resource.attributes["service.version"]));
}

function durationMs(span: Span): number {
  return nsToMs(span.endNs - span.startNs);
}

/** The least that the work takes: a busy machine adds to the others, never to this one. */
export function fastestMs(window: Window, service: string, name: string): number {
  return Math.min(...spansOf(window, service, name).map(durationMs));
}

function medianMs(window: Window, service: string, name: string): number {
  const durations = spansOf(window, service, name).map(durationMs);
  return durations.sort((a, b) => a - b)[Math.floor(durations.length / 2)]!;
}
