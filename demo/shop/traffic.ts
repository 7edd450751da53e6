import { randomUUID } from "node:crypto";
import { PRODUCTS } from "./products.ts";

/** One thing that a visitor does; each is one request to the storefront. */
export type Step = "page" | "home" | "list" | "search" | "product" | "add" | "cart" | "pay";

/** A visit from the page to the payment. */
export const WHOLE_VISIT: readonly Step[] = [
  "page",
  "home",
  "list",
  "search",
  "product",
  "add",
  "add",
  "cart",
  "pay",
];

export interface Traffic {
  /** The storefront's URL. */
  readonly url: string;
  /** The same seed buys the same things. */
  readonly seed: number;
  readonly visits: number;
  /** Of every visit; the whole way when absent. */
  readonly steps?: readonly Step[];
}

/** A request that was sent, and what came of it. */
export interface Sent {
  readonly step: Step;
  /** 0 when there was no answer. */
  readonly status: number;
  /** Of the trace that the storefront began for it; absent when there was no answer. */
  readonly traceId?: string;
}

/** Visits the shop, one visitor after the other. Returns every request in order; failing ones do not stop it. */
export async function driveTraffic(traffic: Traffic): Promise<readonly Sent[]> {
  const random = seeded(traffic.seed);
  const sent: Sent[] = [];
  for (let visit = 0; visit < traffic.visits; visit++) {
    const cart = randomUUID();
    for (const step of traffic.steps ?? WHOLE_VISIT) sent.push(await take(traffic.url, step, cart, random));
  }
  return sent;
}

async function take(url: string, step: Step, cart: string, random: () => number): Promise<Sent> {
  const product = PRODUCTS[Math.floor(random() * PRODUCTS.length)]!;
  const card = random() < DECLINED_SHARE ? "card_declined" : "card_good";
  const [path, body] = requestOf(step, cart, product, card);
  try {
    const response = await fetch(url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await response.arrayBuffer();
    const traceId = /00-([0-9a-f]{32})-/.exec(response.headers.get("server-timing") ?? "")?.[1];
    return { step, status: response.status, ...(traceId === undefined ? {} : { traceId }) };
  } catch {
    // A shop that is down is something traffic meets; it is reported, not thrown.
    return { step, status: 0 };
  }
}

/** Ordinary trouble: a shop without any failing payment would make every failure look like news. */
const DECLINED_SHARE = 0.04;

function requestOf(
  step: Step,
  cart: string,
  product: { readonly sku: string; readonly name: string },
  card: string,
): readonly [path: string, body?: object] {
  switch (step) {
    case "page":
      return ["/"];
    case "home":
      return [`/api/home?cart=${cart}`];
    case "list":
      return ["/api/products"];
    case "search":
      return [`/api/search?q=${product.name.split(" ").at(-1)!.toLowerCase()}`];
    case "product":
      return [`/api/products/${product.sku}`];
    case "add":
      return [`/api/carts/${cart}/items`, { sku: product.sku }];
    case "cart":
      return [`/api/carts/${cart}`];
    case "pay":
      return ["/api/pay", { cart, card }];
  }
}

/** Numbers from 0 up to 1 that a seed decides (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
