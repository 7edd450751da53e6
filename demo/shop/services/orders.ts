import { randomUUID } from "node:crypto";
import { openDatabase } from "../database.ts";
import { publish } from "../queue.ts";
import { createService, Refusal } from "../service.ts";
import { codeOfCaller, inSpan, log } from "../telemetry.ts";

/** Turns a cart into a paid order, and has the mailer confirm it. */
const service = createService();
const database = openDatabase("orders");
database.exec("CREATE TABLE orders (id TEXT PRIMARY KEY, cents INTEGER NOT NULL, items TEXT NOT NULL)");

interface Cart {
  readonly items: readonly { readonly sku: string; readonly pieces: number }[];
  readonly cents: number;
}

service.route("POST /orders", async function placeOrder({ body }) {
  const { cart: cartId = "", card = "" } = body as { cart?: string; card?: string };
  const params = { id: cartId };
  const cart = await service.call<Cart>("cart", "GET /carts/:id", { params, timeoutMs: 120, attempts: 6 });
  if (cart.items.length === 0) throw new Refusal(409, "the cart is empty");
  const sku = cart.items.map((item) => item.sku).join(",");
  const stock = await service.call<{ pieces: number }[]>("catalog", "GET /stock", { query: { sku } });
  if (stock.some(({ pieces }) => pieces < 1)) throw new Refusal(409, "not in stock");

  const id = randomUUID();
  const cents = priceOrder(cart.cents);
  // The fault `propagation-broken`: a client that sends only the headers it knows leaves the trace behind.
  const headers = service.faulty("propagation-broken") ? { headersAllowed: ["host", "content-type"] } : {};
  await service.call("payment", "POST /charges", { body: { order: id, cents, card }, ...headers });

  database.run("INSERT INTO orders (id, cents, items) VALUES (?, ?, ?)", id, cents, sku);
  await publish(service.addressOf("broker"), "orders.placed", { order: id, cents });
  await service.call("cart", "DELETE /carts/:id", { params });
  log.info("order placed", { "order.id": id, "order.cents": cents });
  return { order: id, cents };
});

service.route("GET /orders/:id", function showOrder({ params }) {
  const [order] = database.all("SELECT id, cents, items FROM orders WHERE id = ?", params.id ?? "");
  if (order === undefined) throw new Refusal(404, "no such order");
  return order;
});

const DISCOUNTS = [
  { fromCents: 40_000, percent: 10 },
  { fromCents: 25_000, percent: 5 },
];

/** The sum less the discount for its size. Version 1.5.0 forgot the orders that are too small for any. */
function priceOrder(sum: number): number {
  return inSpan("price order", { attributes: { "order.sum": sum, ...codeOfCaller("priceOrder") } }, () => {
    const discount = DISCOUNTS.find(({ fromCents }) => sum >= fromCents);
    const percent = service.version === "1.5.0" ? discount!.percent : (discount?.percent ?? 0);
    return Math.round(sum * (1 - percent / 100));
  });
}

await service.listen();
