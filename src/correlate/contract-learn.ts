import { CONTRACT_VERSION, isIdSegment, type JsonType, routeTemplate } from "./contract.ts";
import { type Exchange, exchangesOf } from "./contract-exchange.ts";
import { asObject, typeOf } from "./contract-schema.ts";
import { quantile } from "./quantile.ts";
import type { TraceTree } from "./trace-tree.ts";

/** JSON Schema as it is written to a file. */
export interface SchemaJson {
  type?: JsonType | readonly JsonType[];
  enum?: readonly string[];
  properties?: { [key: string]: SchemaJson };
  required?: readonly string[];
  items?: SchemaJson;
}

/** A contract proposed from traffic, as it is written to a file (`readContract` reads it back). */
export interface ContractProposal {
  readonly version: typeof CONTRACT_VERSION;
  readonly service: string;
  readonly endpoints: readonly {
    readonly method: string;
    readonly route: string;
    /** Exchanges that it was learned from. */
    readonly samples: number;
    readonly request?: SchemaJson;
    readonly responses: { readonly [status: string]: SchemaJson | null };
    readonly p95_ms_max?: number;
    readonly error_rate_max?: number;
  }[];
}

/** Samples below which nothing is called required, never null or an enumeration. */
const CLAIM_SAMPLES_MIN = 5;
const ENUM_SAMPLES_MIN = 20;
const ENUM_VALUES_MAX = 8;
const RATE_SAMPLES_MIN = 20;
/** Room above what was seen: a promise should hold tomorrow as well. */
const LATENCY_ROOM = 2;
/** Different texts at one place of a path that make it a parameter. */
const SEGMENT_VALUES_MAX = 10;
const ENDPOINTS_MAX = 200;
const PROPERTIES_MAX = 200;
const DEPTH_MAX = 16;
const VALUES_PER_ENDPOINT_MAX = 200_000;

/**
 * Proposes a contract for each service whose HTTP traffic is in the traces, sorted by service, method and route. What
 * was seen in fewer than five samples is not called required, and may be null. Ids in paths become parameters, and so
 * does a place of a path where more than ten texts were seen. Nothing is written anywhere.
 */
export function learnContracts(trees: readonly TraceTree[]): ContractProposal[] {
  const byService = Map.groupBy(exchangesOf(trees), ({ service }) => service);
  byService.delete("");
  return [...byService]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, exchanges]) => ({
      version: CONTRACT_VERSION,
      service,
      endpoints: learnEndpoints(exchanges),
    }));
}

function learnEndpoints(exchanges: readonly Exchange[]): ContractProposal["endpoints"] {
  // What nobody answers says nothing of the service: scanners ask for anything.
  const answered = exchanges.filter(({ route, status }) => route !== undefined || status !== "404");
  const templates = pathTemplates(answered.filter(({ route }) => route === undefined));
  const groups = Map.groupBy(
    answered,
    ({ method, route, path }) =>
      `${method} ${route === undefined ? templates.get(`${method} ${path}`)! : routeTemplate(route)}`,
  );
  const kept = [...groups].sort(([, a], [, b]) => b.length - a.length).slice(0, ENDPOINTS_MAX);
  return kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, seen]) => learnEndpoint(key, seen));
}

function learnEndpoint(key: string, exchanges: readonly Exchange[]): ContractProposal["endpoints"][number] {
  const [method, route] = key.split(" ", 2) as [string, string];
  const requests = exchanges.flatMap(({ request }) => (request.kind === "json" ? [request.value] : []));
  const responses: { [status: string]: SchemaJson | null } = {};
  for (const [status, seen] of Map.groupBy(exchanges, (exchange) => exchange.status ?? "")) {
    if (status === "") continue;
    const bodies = seen.flatMap(({ response }) => (response.kind === "json" ? [response.value] : []));
    responses[status] = bodies.length === 0 ? null : learnSchema(bodies);
  }
  const sorted = Float64Array.from(exchanges, ({ durationNs }) => durationNs).sort();
  const failed = exchanges.filter(({ status }) => status?.startsWith("5") === true).length;
  return {
    method,
    route,
    samples: exchanges.length,
    ...(requests.length === 0 ? {} : { request: learnSchema(requests) }),
    responses,
    ...(exchanges.length < RATE_SAMPLES_MIN
      ? {}
      : {
          p95_ms_max: Math.max(1, Math.ceil((quantile(sorted, 0.95) * LATENCY_ROOM) / 1e6)),
          error_rate_max: Math.min(1, Math.max(0.01, Math.ceil((failed / exchanges.length) * 200) / 100)),
        }),
  };
}

/** What was seen at one place of the bodies. */
interface Seen {
  count: number;
  readonly types: Set<JsonType>;
  readonly texts: Map<string, number>;
  objects: number;
  readonly properties: Map<string, Seen>;
  items: Seen | undefined;
}

function nothingSeen(): Seen {
  return {
    count: 0,
    types: new Set(),
    texts: new Map(),
    objects: 0,
    properties: new Map(),
    items: undefined,
  };
}

/** The schema of sample values. Every array item is looked at, to 200 000 values and 16 levels in all. */
export function learnSchema(values: readonly unknown[]): SchemaJson {
  const seen = nothingSeen();
  const open = values.map((value) => ({ value, at: seen, depth: 0 })).reverse();
  let left = VALUES_PER_ENDPOINT_MAX;
  for (let next = open.pop(); next !== undefined && left > 0; next = open.pop(), left--) {
    const { value, at, depth } = next;
    at.count += 1;
    at.types.add(typeOf(value));
    if (typeof value === "string" && at.texts.size <= ENUM_VALUES_MAX)
      at.texts.set(value, (at.texts.get(value) ?? 0) + 1);
    if (depth === DEPTH_MAX) continue;
    if (Array.isArray(value)) {
      at.items ??= nothingSeen();
      for (const item of value) open.push({ value: item, at: at.items, depth: depth + 1 });
    }
    const object = asObject(value);
    if (object === undefined) continue;
    at.objects += 1;
    for (const [key, property] of Object.entries(object)) {
      let place = at.properties.get(key);
      if (place === undefined) {
        if (at.properties.size === PROPERTIES_MAX) continue;
        place = nothingSeen();
        at.properties.set(key, place);
      }
      open.push({ value: property, at: place, depth: depth + 1 });
    }
  }
  return schemaOf(seen);
}

function schemaOf(seen: Seen): SchemaJson {
  const types = new Set(seen.types);
  if (types.has("number")) types.delete("integer");
  const certain = seen.count >= CLAIM_SAMPLES_MIN;
  // A place that was only ever null says nothing of what it may hold.
  if (types.size === 0 || (types.size === 1 && types.has("null"))) return {};
  if (!certain) types.add("null");
  const sorted = [...types].sort();
  const schema: SchemaJson = { type: sorted.length === 1 ? sorted[0]! : sorted };
  const texts = enumOf(seen);
  if (texts !== undefined) schema.enum = texts;
  if (seen.objects > 0 && isRecord(seen)) {
    const keys = [...seen.properties.keys()].sort();
    schema.properties = Object.fromEntries(keys.map((key) => [key, schemaOf(seen.properties.get(key)!)]));
    const required = keys.filter(
      (key) => seen.objects >= CLAIM_SAMPLES_MIN && seen.properties.get(key)!.count === seen.objects,
    );
    if (required.length > 0) schema.required = required;
  }
  if (seen.items !== undefined) schema.items = schemaOf(seen.items);
  return schema;
}

/** False for objects used as maps, whose keys are data: ids, or more of them than a record has. */
function isRecord(seen: Seen): boolean {
  if (seen.properties.size === PROPERTIES_MAX) return false;
  for (const key of seen.properties.keys()) if (isIdSegment(key)) return false;
  return true;
}

/** The few words that a text was always one of; `undefined` when it is no enumeration or not sure to be one. */
function enumOf(seen: Seen): string[] | undefined {
  const { texts, types, count } = seen;
  if (count < ENUM_SAMPLES_MIN || types.size !== 1 || !types.has("string")) return undefined;
  if (texts.size > ENUM_VALUES_MAX || texts.size < 2) return undefined;
  const isWord = ([text, times]: [string, number]) => times > 1 && /^[A-Za-z][A-Za-z_-]{0,39}$/.test(text);
  return [...texts].every(isWord) ? [...texts.keys()].sort() : undefined;
}

/** Paths that are alike but for one place, and the texts seen there. */
interface Alike {
  readonly texts: Set<string>;
  readonly paths: string[];
}

/**
 * Templates of paths whose route nobody named, by `method path`. Ids become parameters, and then, place by place from
 * the left, every place with more than ten texts.
 */
function pathTemplates(exchanges: readonly Exchange[]): Map<string, string> {
  const templates = new Map<string, string>();
  const ids = new Map(exchanges.map(({ method, path }) => [`${method} ${path}`, [method, path] as const]));
  for (const [key, [method, path]] of ids) {
    const segments = routeTemplate(path)
      .split("/")
      .map((segment) => (isIdSegment(segment) ? "{}" : segment));
    templates.set(key, [method, ...segments.slice(1)].join("/"));
  }
  let place = 1;
  for (let changed = true; changed; place++) {
    changed = false;
    const groups = new Map<string, Alike>();
    for (const [key, template] of templates) {
      const parts = template.split("/");
      if (parts.length <= place) continue;
      changed = true;
      const around = [...parts.slice(0, place), "", ...parts.slice(place + 1).map(() => "*")].join("/");
      const alike = groups.get(around) ?? { texts: new Set(), paths: [] };
      alike.texts.add(parts[place]!);
      alike.paths.push(key);
      groups.set(around, alike);
    }
    for (const { texts, paths } of groups.values()) {
      if (texts.size <= SEGMENT_VALUES_MAX) continue;
      for (const key of paths) {
        const parts = templates.get(key)!.split("/");
        parts[place] = "{}";
        templates.set(key, parts.join("/"));
      }
    }
  }
  for (const [key, template] of templates) templates.set(key, `/${template.split("/").slice(1).join("/")}`);
  return templates;
}
