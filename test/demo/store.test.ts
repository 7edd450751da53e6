import { afterAll, beforeAll, expect, test } from "vitest";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { driveTraffic, type Sent } from "../../demo/shop/traffic.ts";
import { DEFAULTS } from "../../src/config.ts";
import { levelOfSeverity } from "../../src/model/log.ts";
import { systemClock } from "../../src/model/time.ts";
import { type Receiver, startReceiver } from "../../src/otlp-receiver/listener.ts";
import { createMasker } from "../../src/store/mask.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import type { TelemetryStore, TraceRecords } from "../../src/store/telemetry-store.ts";

/** The shop against the real receiver and the real store. */
let receiver: Receiver;
let store: TelemetryStore;
let shop: Shop;
let sent: readonly Sent[];
const warnings: string[] = [];

beforeAll(async () => {
  store = createRingStore({
    limits: DEFAULTS.store,
    clock: systemClock,
    random: Math.random,
    masker: createMasker(),
  });
  receiver = await startReceiver({
    host: "127.0.0.1",
    port: 0,
    aliases: [],
    limits: DEFAULTS.receiver,
    sink: store,
    guard: () => undefined,
    fallback: (_request, response) => response.writeHead(404).end(),
    warn: (message) => warnings.push(message),
  });
  shop = await startShop({ endpoint: `http://127.0.0.1:${receiver.port}` });
  const ordinary = await driveTraffic({ url: shop.url, seed: 5, visits: 2 });
  await shop.setFault("error-deep", true);
  const failing = await driveTraffic({ url: shop.url, seed: 5, visits: 1, steps: ["add", "pay"] });
  await shop.flush();
  sent = [...ordinary, ...failing];
});

afterAll(async () => {
  await shop?.close();
  await receiver?.close();
  await store?.close();
});

test("every request is one trace in the store, whole", async () => {
  const page = await store.traces({ filter: {}, limit: 100 });
  expect(new Set(page.traces.map(({ traceId }) => traceId))).toEqual(
    new Set(sent.map(({ traceId }) => traceId)),
  );
  expect(page.traces.filter(({ rootService }) => rootService !== "storefront")).toEqual([]);
  expect(page.lost).toBe(0);
  expect(warnings).toEqual([]);
});

test("a paid order holds its spans and logs", async () => {
  const { spans, logs } = await heldOf(sent.find(({ step }) => step === "pay")!);
  expect(spans.length).toBe(21);
  expect(new Set(spans.map((span) => span.resource.service))).toEqual(
    new Set(["storefront", "orders", "cart", "catalog", "payment", "mailer"]),
  );
  expect(logs.map((log) => log.body)).toContain("order placed");
});

test("the failing payment names its statement, readable, and its logs say error", async () => {
  const { spans, logs } = await heldOf(sent.at(-1)!);
  const failed = spans.find((span) => span.name === "INSERT charges")!;
  expect(failed.statusCode).toBe("error");
  expect(failed.attributes["db.query.text"]).toBe(
    "INSERT INTO charges (order_id, cents, approval) VALUES (?, ?, ?)",
  );
  const errors = logs.filter((log) => levelOfSeverity(log.severity) === "error");
  expect(errors.map((log) => log.resource.service)).toEqual(["payment"]);
});

async function heldOf({ traceId }: Sent): Promise<TraceRecords> {
  const lookup = await store.trace(traceId!);
  if (lookup.found !== "yes") throw new Error(`the store has no trace ${traceId}: ${lookup.reason}`);
  return lookup.value;
}
