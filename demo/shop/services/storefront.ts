import { page } from "../page.ts";
import { createService, Page } from "../service.ts";
import { log } from "../telemetry.ts";

/** The page, and the gateway from it to the other services. */
const service = createService();

service.route("GET /", function showPage() {
  return new Page(page({ broken: service.faulty("browser-only-error") }));
});

/** What the page needs at first: the products and the cart, asked for at once. */
service.route("GET /api/home", async function home({ query }) {
  const [products, cart] = await Promise.all([
    service.call("catalog", "GET /products"),
    service.call("cart", "GET /carts/:id", { params: { id: query.get("cart") ?? "" } }),
  ]);
  return { products, cart };
});

service.route("GET /api/products", async function listProducts() {
  return await service.call("catalog", "GET /products");
});

service.route("GET /api/products/:sku", async function showProduct({ params }) {
  return await service.call("catalog", "GET /products/:sku", { params });
});

service.route("GET /api/search", async function search({ query }) {
  return await service.call("catalog", "GET /search", { query: { q: query.get("q") ?? "" } });
});

service.route("GET /api/carts/:id", async function showCart({ params }) {
  return await service.call("cart", "GET /carts/:id", { params });
});

service.route("POST /api/carts/:id/items", async function addItem({ params, body }) {
  return await service.call("cart", "POST /carts/:id/items", { params, body });
});

service.route("POST /api/pay", async function pay({ body }) {
  const order = await service.call<{ order: string }>("orders", "POST /orders", { body });
  log.info("order paid", { "order.id": order.order });
  return order;
});

service.route("GET /favicon.ico", function favicon() {
  return {};
});

await service.listen();
