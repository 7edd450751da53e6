import { type Database, openDatabase } from "../database.ts";
import { checkLicence } from "../licence.ts";
import { PRODUCTS } from "../products.ts";
import { createService, Refusal } from "../service.ts";
import { log } from "../telemetry.ts";

/** Products, prices, stock, reviews, search. */

const REVIEWS = 100_000;

const service = createService();
const database = openDatabase("catalog");
fill(database);

interface ProductRow {
  readonly sku: string;
  readonly name: string;
  readonly cents: number;
}

service.onFault("missing-index", (on) =>
  database.exec(on ? "DROP INDEX reviews_by_sku" : "CREATE INDEX reviews_by_sku ON reviews (sku)"),
);

service.route("GET /products", async function listProducts() {
  await checkLicence(service);
  const products = service.faulty("n-plus-one") ? productsOneByOne() : productsWithPrices();
  log.info("products listed", { "products.count": products.length });
  return products;
});

function productsWithPrices(): ProductRow[] {
  return database.all<ProductRow>(
    "SELECT p.sku, p.name, prices.cents FROM products p JOIN prices ON prices.sku = p.sku ORDER BY p.name",
  );
}

/** The fault `n-plus-one`: a query for the list, and another one for each product on it. */
function productsOneByOne(): ProductRow[] {
  const products = database.all<{ sku: string; name: string }>(
    "SELECT sku, name FROM products ORDER BY name",
  );
  return products.map((product) => ({ ...product, cents: priceOf(product.sku) }));
}

function priceOf(sku: string): number {
  const [price] = database.all<{ cents: number }>("SELECT cents FROM prices WHERE sku = ?", sku);
  if (price === undefined) throw new Refusal(404, "no such product");
  return price.cents;
}

service.route("GET /products/:sku", function showProduct({ params }) {
  const [product] = database.all<ProductRow>(
    "SELECT sku, name FROM products WHERE sku = ?",
    params.sku ?? "",
  );
  if (product === undefined) throw new Refusal(404, "no such product");
  const [rating] = database.all<{ stars: number; reviews: number }>(
    "SELECT avg(stars) AS stars, count(*) AS reviews FROM reviews WHERE sku = ?",
    product.sku,
  );
  log.info("product shown", { "product.sku": product.sku });
  return { ...product, cents: priceOf(product.sku), ...rating };
});

service.route("GET /prices/:sku", function showPrice({ params }) {
  const sku = params.sku ?? "";
  return { sku, cents: priceOf(sku) };
});

service.route("GET /stock", function showStock({ query }) {
  const skus = (query.get("sku") ?? "").split(",");
  return database.all(
    `SELECT sku, pieces FROM stock WHERE sku IN (${skus.map(() => "?").join(", ")})`,
    ...skus,
  );
});

service.route("GET /search", function searchProducts({ query }) {
  const words = (query.get("q") ?? "").toLowerCase().replace(/[^a-z ]/g, "");
  const found = service.faulty("slow-query") ? searchInReviews(words) : searchInIndex(words);
  log.info("products searched", { "search.words": words, "products.count": found.length });
  return found;
});

function searchInIndex(words: string): unknown[] {
  return database.all(
    "SELECT sku, name FROM product_index WHERE product_index MATCH ? LIMIT 10",
    `"${words}"`,
  );
}

/** The fault `slow-query`: no index serves a pattern that starts with `%`, so every review is read. */
function searchInReviews(words: string): unknown[] {
  return database.all(
    `SELECT product_index.sku, product_index.name FROM product_index
     JOIN (SELECT sku, sum(text LIKE ?) AS hits FROM reviews GROUP BY sku) r ON r.sku = product_index.sku
     WHERE product_index.name LIKE ? ORDER BY r.hits DESC LIMIT 10`,
    `%${words}%`,
    `%${words}%`,
  );
}

/** 96 products on sale, and the reviews of forty times as many that once were: a table worth an index. */
function fill(target: Database): void {
  target.exec(`
    CREATE TABLE products (sku TEXT PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE prices (sku TEXT PRIMARY KEY, cents INTEGER NOT NULL);
    CREATE TABLE stock (sku TEXT PRIMARY KEY, pieces INTEGER NOT NULL);
    CREATE VIRTUAL TABLE product_index USING fts5(sku UNINDEXED, name);
    CREATE TABLE reviews (sku TEXT NOT NULL, stars INTEGER NOT NULL, text TEXT NOT NULL);
  `);
  for (const { sku, name, cents } of PRODUCTS) {
    target.exec(`
      INSERT INTO products VALUES ('${sku}', '${name}');
      INSERT INTO prices VALUES ('${sku}', ${cents});
      INSERT INTO stock VALUES ('${sku}', ${20 + (cents % 30)});
      INSERT INTO product_index VALUES ('${sku}', '${name}');
    `);
  }
  target.exec(`
    INSERT INTO reviews
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${REVIEWS})
    SELECT coalesce(p.sku, 'retired-' || (n.i % ${PRODUCTS.length * 40})), 1 + (n.i * 31) % 5,
      'Review number ' || n.i || ' of somebody who liked the thing well enough to write about it'
    FROM n LEFT JOIN products p ON p.rowid = 1 + n.i % ${PRODUCTS.length * 40};
    CREATE INDEX reviews_by_sku ON reviews (sku);
  `);
}

await service.listen();
