import type { Step } from "./traffic.ts";

/** Programs of the shop. `bank` stands for the world outside and sends no telemetry. */
export const SERVICES = ["storefront", "catalog", "cart", "orders", "payment", "mailer", "outside"] as const;
export type ServiceName = (typeof SERVICES)[number];
/** Not the storefront: its address is the shop's. */
export type DeployableService = Exclude<ServiceName, "storefront">;

/** How a fault comes into the shop: switched on in services that run, or brought by a new version of one. */
type Cause =
  | { readonly kind: "switch"; readonly services: readonly ServiceName[] }
  | { readonly kind: "deploy"; readonly service: DeployableService; readonly version: string };

/** A fault of the shop, with the truth about it. */
export interface Fault {
  readonly description: string;
  readonly cause: Cause;
  /** The span that is to blame: `service.name` and span name. For `abstain`, one of those that cannot be told apart. */
  readonly label: { readonly service: string; readonly operation: string };
  /** As right as the label: other spans of a call, where telemetry shows only that something is lost on its way. */
  readonly alsoRight?: readonly { readonly service: string; readonly operation: string }[];
  /** Whether a diagnosis can know the cause, or has to say that it does not. */
  readonly expect: "cause" | "abstain";
  /** The steps of a visit that show it. */
  readonly drive: readonly Step[];
  /** Only a page in a browser, with the extension, sees it. */
  readonly needsBrowser?: true;
}

const on = (...services: ServiceName[]): Cause => ({ kind: "switch", services });

export const FAULTS = {
  "error-deep": {
    description: "The ledger of payment is read-only: storefront → orders → payment → INSERT fails.",
    cause: on("payment"),
    label: { service: "payment", operation: "INSERT charges" },
    expect: "cause",
    drive: ["add", "pay"],
  },
  "slow-query": {
    description: "Search reads every review with a LIKE pattern that no index serves.",
    cause: on("catalog"),
    label: { service: "catalog", operation: "SELECT product_index" },
    expect: "cause",
    drive: ["search"],
  },
  "n-plus-one": {
    description: "The list of products asks for each price by itself: 97 statements instead of one.",
    cause: on("catalog"),
    // The statement is as it should be; what sends it 96 times is the handler.
    label: { service: "catalog", operation: "GET /products" },
    expect: "cause",
    drive: ["list"],
  },
  "timeout-retry": {
    description:
      "A job in cart holds the lock of all carts; orders loses patience after 120 ms and tries again.",
    cause: on("cart"),
    label: { service: "cart", operation: "GET /carts/:id" },
    expect: "cause",
    drive: ["add", "pay"],
  },
  "missing-index": {
    description: "The index of reviews is gone: each product page reads the whole table.",
    cause: on("catalog"),
    label: { service: "catalog", operation: "SELECT reviews" },
    expect: "cause",
    drive: ["product"],
  },
  "bad-deploy": {
    description: "orders 1.5.0 throws for orders that are too small for a discount.",
    cause: { kind: "deploy", service: "orders", version: "1.5.0" },
    label: { service: "orders", operation: "price order" },
    expect: "cause",
    drive: ["add", "add", "pay"],
  },
  "poisoned-cache": {
    description: "Half of the entries in the price cache of cart are cut short and do not parse.",
    cause: on("cart"),
    label: { service: "cart", operation: "read price cache" },
    expect: "cause",
    drive: ["add", "cart"],
  },
  "third-party-slowdown": {
    description: "The bank takes 180 ms instead of 8.",
    cause: on("outside"),
    label: { service: "payment", operation: "POST /authorizations" },
    expect: "cause",
    drive: ["add", "pay"],
  },
  "browser-only-error": {
    description: "The page's own script throws when Pay is clicked; no request is sent.",
    cause: on("storefront"),
    label: { service: "browser", operation: "click" },
    expect: "cause",
    drive: [],
    needsBrowser: true,
  },
  "propagation-broken": {
    description: "orders calls payment without traceparent, so that payment begins a trace of its own.",
    cause: on("orders"),
    label: { service: "orders", operation: "POST /charges" },
    // Whether orders did not send the context or payment did not read it looks the same from outside.
    alsoRight: [
      { service: "payment", operation: "POST /charges" },
      { service: "orders", operation: "POST /orders" },
    ],
    expect: "cause",
    drive: ["add", "pay"],
  },
  "twin-slow": {
    description:
      "catalog and cart, called at once, wait equally long for a licence host that no trace shows.",
    cause: on("catalog", "cart", "outside"),
    label: { service: "catalog", operation: "GET /products" },
    expect: "abstain",
    drive: ["home"],
  },
  "twin-errors": {
    description:
      "catalog and cart, called at once, both fail because a licence host that no trace shows refuses.",
    cause: on("catalog", "cart", "outside"),
    label: { service: "catalog", operation: "GET /products" },
    expect: "abstain",
    drive: ["home"],
  },
} as const satisfies { readonly [name: string]: Fault };

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** The fault of that name, with its literal types widened. */
export function faultOf(name: FaultName): Fault {
  return FAULTS[name];
}
