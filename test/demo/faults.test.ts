import { Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_NAMES, FAULTS, type FaultName } from "../../demo/shop/faults.ts";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { stringAttribute } from "../../src/model/attributes.ts";
import type { Span } from "../../src/model/span.ts";
import { nsToMs } from "../../src/model/time.ts";
import { type Collector, startCollector } from "./collector.ts";
import { recordFault, recordWindow, type Window } from "./record-faults.ts";

let collector: Collector;
let shop: Shop;
let healthy: Window;

beforeAll(async () => {
  collector = await startCollector();
  shop = await startShop({ endpoint: collector.url });
  await recordWindow(shop, collector, { seed: 1, visits: 3 });
  healthy = await recordWindow(shop, collector, { seed: 2, visits: 8 });
});

afterAll(async () => {
  await shop?.close();
  await collector?.close();
});

/** What each fault must show, beside the same shop without it. */
const SHOWS: { readonly [name in FaultName]: (faulty: Window) => void } = {
  "error-deep": (faulty) => {
    expect(statuses(faulty, "pay")).toEqual(new Set([502]));
    const failed = spansOf(faulty, "payment", "INSERT charges");
    expect(failed.map((span) => span.statusMessage)).toContain("attempt to write a readonly database");
    expect(failed[0]!.events.map((event) => event.name)).toEqual(["exception"]);
    // The exception is recorded where it began and nowhere above.
    expect(throwers(faulty)).toEqual(new Set(["payment INSERT charges", "payment POST /charges"]));
    const chain = faulty.spans.filter(
      (span) => span.traceId === failed[0]!.traceId && span.statusCode === "error",
    );
    expect(new Set(chain.map((span) => span.resource.service))).toEqual(
      new Set(["payment", "orders", "storefront"]),
    );
  },
  "slow-query": (faulty) => {
    const statement = "SELECT product_index";
    expect(medianMs(faulty, "catalog", statement)).toBeGreaterThan(
      10 * medianMs(healthy, "catalog", statement),
    );
    expect(texts(faulty, "catalog", statement)[0]).toContain("text LIKE ?");
  },
  "n-plus-one": (faulty) => {
    for (const { traceId } of faulty.sent) {
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
    const timedOut = calls.filter((span) => span.attributes["error.type"] === "TimeoutError");
    expect(timedOut.length).toBeGreaterThan(0);
    expect(calls.some((span) => span.attributes["http.request.resend_count"] === 1)).toBe(true);
    // cart itself sees no error, only that it takes long.
    const cart = spansOf(faulty, "cart", "GET /carts/:id");
    expect(cart.filter((span) => span.statusCode === "error")).toEqual([]);
    expect(medianMs(faulty, "cart", "GET /carts/:id", "server")).toBeGreaterThan(90);
  },
  "missing-index": (faulty) => {
    const statement = "SELECT reviews";
    expect(texts(faulty, "catalog", statement)).toEqual(texts(healthy, "catalog", statement));
    expect(medianMs(faulty, "catalog", statement)).toBeGreaterThan(
      10 * medianMs(healthy, "catalog", statement),
    );
  },
  "bad-deploy": (faulty) => {
    expect(statuses(faulty, "pay")).toEqual(new Set([200, 502]));
    const failed = spansOf(faulty, "orders", "price order").filter((span) => span.statusCode === "error");
    expect(failed[0]!.attributes["error.type"]).toBe("TypeError");
    expect(versions(faulty, "orders")).toEqual(new Set(["1.5.0"]));
    expect(versions(healthy, "orders")).toEqual(new Set(["1.4.2"]));
  },
  "poisoned-cache": (faulty) => {
    expect(statuses(faulty, "cart")).toEqual(new Set([200, 502]));
    const failed = spansOf(faulty, "cart", "read price cache").filter((span) => span.statusCode === "error");
    expect(failed[0]!.attributes["error.type"]).toBe("SyntaxError");
  },
  "third-party-slowdown": (faulty) => {
    const call = "POST /authorizations";
    expect(medianMs(faulty, "payment", call)).toBeGreaterThan(150);
    expect(medianMs(healthy, "payment", call)).toBeLessThan(100);
    expect(spansOf(faulty, "payment", call)[0]!.attributes["server.address"]).toBe("bank.example");
    expect(statuses(faulty, "pay")).toEqual(new Set([200]));
  },
  "browser-only-error": (faulty) => {
    expect(faulty.spans).toEqual([]);
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
    expect(medianMs(faulty, "catalog", "GET /products", "server")).toBeGreaterThan(85);
    expect(medianMs(faulty, "cart", "GET /carts/:id", "server")).toBeGreaterThan(85);
    expect(new Set(faulty.spans.map((span) => span.attributes["server.address"]))).not.toContain("licence");
  },
  "twin-errors": (faulty) => {
    expect(statuses(faulty, "home")).toEqual(new Set([502]));
    expect(throwers(faulty)).toEqual(new Set(["catalog GET /products", "cart GET /carts/:id"]));
    expect(throwers(healthy)).toEqual(new Set());
  },
};

describe("each fault shows what it claims", () => {
  test.each(FAULT_NAMES)("%s", async (name) => {
    const faulty = await recordFault(shop, collector, name, { seed: 3, visits: 8 });
    SHOWS[name](faulty);
    expect(faulty.sent.every(({ status }) => status !== 0)).toBe(true);
  });

  test("and the shop is well again when it is off", async () => {
    const after = await recordWindow(shop, collector, { seed: 4, visits: 2 });
    expect(new Set(after.sent.map(({ status }) => status))).toEqual(new Set([200]));
  });
});

test("every label names a span of the shop", () => {
  const labels = FAULT_NAMES.filter((name) => !("needsBrowser" in FAULTS[name])).map(
    (name) => FAULTS[name].label,
  );
  const names = new Set(healthy.spans.map((span) => `${span.resource.service} ${span.name}`));
  expect(labels.map(({ service, operation }) => `${service} ${operation}`)).toSatisfy((all: string[]) =>
    all.every((label) => names.has(label)),
  );
});

test("the page breaks only where the browser would see it", async () => {
  await shop.setFault("browser-only-error", true);
  const broken = await (await fetch(shop.url)).text();
  await shop.setFault("browser-only-error", false);
  const whole = await (await fetch(shop.url)).text();
  expect(broken).not.toBe(whole);
  for (const html of [broken, whole]) {
    const script = html.split(/<\/?script>/)[1];
    expect(() => new Script(script ?? "no script")).not.toThrow();
  }
});

test("a fault can be on from the start", async () => {
  const own = await startShop({
    endpoint: collector.url,
    faults: ["error-deep", "bad-deploy", "missing-index"],
  });
  try {
    const window = await recordWindow(own, collector, {
      seed: 3,
      visits: 3,
      steps: ["product", "add", "pay"],
    });
    expect(versions(window, "orders")).toEqual(new Set(["1.5.0"]));
    expect(statuses(window, "pay")).toEqual(new Set([502]));
    expect(medianMs(window, "catalog", "SELECT reviews")).toBeGreaterThan(
      5 * medianMs(healthy, "catalog", "SELECT reviews"),
    );
  } finally {
    await own.close();
  }
});

function spansOf(window: Window, service: string, name: string): Span[] {
  const found = window.spans.filter((span) => span.resource.service === service && span.name === name);
  if (found.length === 0) throw new Error(`no span ${name} of ${service} in the window`);
  return found;
}

/** What became of one step. Declined cards (402) are ordinary trouble of any window, and left out. */
function statuses(window: Window, step: string): Set<number> {
  const answers = window.sent.filter((sent) => sent.step === step && sent.status !== 402);
  return new Set(answers.map(({ status }) => status));
}

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

function versions(window: Window, service: string): Set<unknown> {
  const own = window.spans.filter((span) => span.resource.service === service);
  return new Set(own.map((span) => span.resource.attributes["service.version"]));
}

function durationMs(span: Span): number {
  return nsToMs(span.endNs - span.startNs);
}

function medianMs(window: Window, service: string, name: string, kind?: string): number {
  const spans = spansOf(window, service, name).filter((span) => kind === undefined || span.spanKind === kind);
  const durations = spans.map(durationMs).sort((a, b) => a - b);
  return durations[Math.floor(durations.length / 2)]!;
}
