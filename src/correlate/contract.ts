/** Version of our own contract format; others are refused. */
export const CONTRACT_VERSION = 1;

/** The types of JSON, with `integer` kept apart as JSON Schema does. */
export const JSON_TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type JsonType = (typeof JSON_TYPES)[number];

/**
 * The shape of a JSON value: the part of JSON Schema that contracts use. All that is absent leaves the value free.
 * May refer to itself, so walk it along a value, never by itself.
 */
export interface Schema {
  readonly types?: readonly JsonType[];
  readonly enum?: readonly unknown[];
  readonly properties?: ReadonlyMap<string, Schema>;
  readonly required?: readonly string[];
  /** Of properties not named; `false` refuses them. */
  readonly additional?: Schema | false;
  readonly items?: Schema;
  /** One of these fits. */
  readonly anyOf?: readonly Schema[];
}

/** Anything goes. */
export const ANY_SCHEMA: Schema = {};

/** What a service promises of one of its routes. */
export interface EndpointContract {
  /** Upper case. */
  readonly method: string;
  /** Path with `{}` for each parameter, as `routeTemplate` gives it: `/orders/{}`. */
  readonly route: string;
  /** `undefined` when nothing is said of request bodies. */
  readonly request?: Schema;
  /** By status: `200`, `4XX`, `DEFAULT`. Empty when nothing is said of statuses. */
  readonly responses: ReadonlyMap<string, Schema | undefined>;
  readonly p95MsMax?: number;
  /** 0 to 1. */
  readonly errorRateMax?: number;
}

/** A contract file, read. */
export interface Contract {
  readonly service: string;
  readonly endpoints: readonly EndpointContract[];
  /** What of the file was not understood and is not checked. */
  readonly notes: readonly string[];
}

/** A path or route with `{}` for every parameter, however the framework writes it: `:id`, `{id}`, `<int:id>`, `[id]`, `*`. */
export function routeTemplate(route: string): string {
  const path = route.split(/[?#]/, 1)[0]!.replace(/\/+$/, "");
  const segments = path
    .split("/")
    .map((segment) => (/^(?::.+|\{.*\}|<.*>|\[.*\]|\*.*)$/.test(segment) ? "{}" : segment));
  const joined = segments.join("/");
  return joined.startsWith("/") ? joined : `/${joined}`;
}

/** A concrete path's segment that is an id: a number, a UUID, a long hex text. */
export function isIdSegment(segment: string): boolean {
  return (
    /^\d+$/.test(segment) ||
    /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(segment) ||
    (/^[0-9a-f]{8,}$/i.test(segment) && /\d/.test(segment))
  );
}

/**
 * The endpoint that a request was meant for: its route's template, else the template that its path fits, the one with
 * most literal segments. `undefined` when none does.
 */
export function findEndpoint(
  contract: Contract,
  method: string,
  route: string | undefined,
  path: string,
): EndpointContract | undefined {
  const ofMethod = contract.endpoints.filter((endpoint) => endpoint.method === method);
  const template = route === undefined ? undefined : routeTemplate(route);
  const exact = ofMethod.find((endpoint) => endpoint.route === template);
  if (exact !== undefined) return exact;
  let best: EndpointContract | undefined;
  let bestLiterals = -1;
  for (const endpoint of ofMethod) {
    if (!fitsRoute(endpoint.route, path)) continue;
    const literals = endpoint.route.split("/").filter((part) => !part.includes("{}")).length;
    if (literals <= bestLiterals) continue;
    best = endpoint;
    bestLiterals = literals;
  }
  return best;
}

/** True when a concrete path, its query left out, is one of a template's. */
export function fitsRoute(template: string, path: string): boolean {
  const segments = path.split(/[?#]/, 1)[0]!.replace(/\/+$/, "").split("/");
  const wanted = template === "/" ? [""] : template.split("/");
  if (wanted.length !== segments.length) return false;
  return wanted.every((part, i) => part === segments[i] || (part === "{}" && segments[i] !== ""));
}
