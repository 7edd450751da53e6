import { checkLicence } from "../licence.ts";
import { createService, Refusal } from "../service.ts";
import { codeOfCaller, inSpan, log } from "../telemetry.ts";

/** Carts in memory, with a cache of prices in front of the catalog. */

/** Of the fault `timeout-retry`: more than orders' patience, less than that of all its attempts. */
const LOCK_HELD_MS = 300;

const service = createService();
const carts = new Map<string, Map<string, number>>();
/** Prices by sku, as the JSON that the catalog sent. */
const priceCache = new Map<string, string>();
/** Taken by whoever needs all carts to stand still, and by every reader. */
const locked = createLock();

interface Price {
  readonly sku: string;
  readonly cents: number;
}

service.route("POST /carts/:id/items", async function addItem({ params, body }) {
  const { sku } = body as { sku?: string };
  if (typeof sku !== "string") throw new Refusal(400, "an item needs a sku");
  await ensurePrice(sku);
  const cart = carts.get(params.id ?? "") ?? new Map<string, number>();
  carts.set(params.id ?? "", cart.set(sku, (cart.get(sku) ?? 0) + 1));
  log.info("item added", { "product.sku": sku });
  return view(params.id ?? "");
});

service.route("GET /carts/:id", async function showCart({ params }) {
  await checkLicence(service);
  const cart = await locked(() => view(params.id ?? ""));
  log.info("cart shown", { "cart.items": cart.items.length });
  return cart;
});

service.route("DELETE /carts/:id", function emptyCart({ params }) {
  carts.delete(params.id ?? "");
  return {};
});

async function ensurePrice(sku: string): Promise<void> {
  if (priceCache.has(sku)) return;
  const price = await service.call<Price>("catalog", "GET /prices/:sku", { params: { sku } });
  priceCache.set(sku, JSON.stringify(price));
}

function view(id: string): { items: object[]; cents: number } {
  const cart = [...(carts.get(id) ?? [])];
  const prices = readPrices(cart.map(([sku]) => sku));
  const items = cart.map(([sku, pieces], i) => ({ sku, pieces, cents: prices[i]!.cents * pieces }));
  return { items, cents: items.reduce((sum, item) => sum + item.cents, 0) };
}

function readPrices(skus: readonly string[]): Price[] {
  const attributes = { "cache.keys": [...skus], ...codeOfCaller("readPrices") };
  return inSpan("read price cache", { attributes }, () =>
    skus.map((sku) => JSON.parse(priceCache.get(sku) ?? "null") as Price),
  );
}

/** A writer that cut its entries short: half of the products, so that some carts work and some do not. */
service.onFault("poisoned-cache", (on) => {
  const entries = [...priceCache];
  for (const [at, [sku, json]] of entries.entries()) {
    if (!on) priceCache.delete(sku);
    else if (at % 2 === 0) priceCache.set(sku, json.slice(0, json.length / 2));
  }
});

/** A job that takes the lock of all carts again and again. Who waits longer than its patience tries again. */
let inventory = Promise.resolve();
service.onFault("timeout-retry", async (on) => {
  if (on) inventory = takeInventory();
  // Off when the lock is free again, not when the job is told to stop.
  else await inventory;
});

async function takeInventory(): Promise<void> {
  while (service.faulty("timeout-retry")) await locked(() => after(LOCK_HELD_MS));
}

/** One at a time, in the order of asking. */
function createLock(): <T>(work: () => T | Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {
      // Whoever asked sees the error; the next in line goes on.
    });
    return mine;
  };
}

async function after(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

await service.listen();
