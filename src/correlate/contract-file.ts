import { GasolineError } from "../model/errors.ts";
import {
  CONTRACT_VERSION,
  type Contract,
  type EndpointContract,
  routeTemplate,
  type Schema,
} from "./contract.ts";
import { asObject, type JsonObject, SchemaReader } from "./contract-schema.ts";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"] as const;

/**
 * Reads a contract document: OpenAPI 3 (paths, methods, request bodies, responses, schemas, references within the
 * file), or our own format:
 *
 * ```json
 * { "version": 1, "service": "orders", "endpoints": [
 *     { "method": "POST", "route": "/orders/{}", "request": SCHEMA, "responses": { "201": SCHEMA },
 *       "p95_ms_max": 250, "error_rate_max": 0.01 } ] }
 * ```
 * `service` names the service it is of, unless the document does. Throws GasolineError `bad_parameter` for anything
 * else, naming `path`.
 */
export function readContract(document: unknown, service: string, path: string): Contract {
  const json = asObject(document);
  if (json !== undefined && typeof json.openapi === "string" && json.openapi.startsWith("3.")) {
    return readOpenApi(json, service);
  }
  if (json !== undefined && json.version === CONTRACT_VERSION && Array.isArray(json.endpoints)) {
    return readOwn(json, service, path);
  }
  const given =
    json === undefined
      ? "no JSON object"
      : "swagger" in json || "openapi" in json
        ? `OpenAPI ${String(json.openapi ?? json.swagger)}`
        : "version" in json
          ? `version ${JSON.stringify(json.version)}`
          : "neither a version nor openapi";
  throw new GasolineError(
    "bad_parameter",
    `${path} is no contract that is understood: it holds ${given}.`,
    `Expected OpenAPI 3 or {"version": ${CONTRACT_VERSION}, "endpoints": […]}; see configure learn_contracts for one made from traffic.`,
  );
}

function readOwn(json: JsonObject, service: string, path: string): Contract {
  const reader = new SchemaReader(json);
  const endpoints = (json.endpoints as readonly unknown[]).map((given, i): EndpointContract => {
    const entry = asObject(given);
    if (entry === undefined || typeof entry.method !== "string" || typeof entry.route !== "string") {
      throw new GasolineError(
        "bad_parameter",
        `${path}: endpoints[${i}] has no method and route as text.`,
        'Write it as {"method": "GET", "route": "/orders/{}", "responses": {}}.',
      );
    }
    const responses = Object.entries(asObject(entry.responses) ?? {}).map(
      ([status, schema]) => [status.toUpperCase(), isFree(schema) ? undefined : reader.read(schema)] as const,
    );
    return {
      method: entry.method.toUpperCase(),
      route: routeTemplate(entry.route),
      ...(isFree(entry.request) ? {} : { request: reader.read(entry.request) }),
      responses: new Map(responses),
      ...numberAs("p95MsMax", entry.p95_ms_max),
      ...numberAs("errorRateMax", entry.error_rate_max),
    };
  });
  const named = typeof json.service === "string" && json.service !== "" ? json.service : service;
  return { service: named, endpoints, notes: reader.notes };
}

function isFree(schema: unknown): boolean {
  return asObject(schema) === undefined;
}

function numberAs<K extends string>(key: K, value: unknown): { readonly [key in K]?: number } {
  return typeof value === "number" && value >= 0 ? ({ [key]: value } as { readonly [key in K]: number }) : {};
}

function readOpenApi(json: JsonObject, service: string): Contract {
  const reader = new SchemaReader(json);
  const endpoints: EndpointContract[] = [];
  const bases = basePaths(json);
  for (const [path, given] of Object.entries(asObject(json.paths) ?? {})) {
    const item = reader.resolve(given);
    for (const method of METHODS) {
      const operation = item === undefined ? undefined : asObject(item[method]);
      if (operation === undefined) continue;
      const body = reader.resolve(operation.requestBody);
      const request = body === undefined ? undefined : jsonSchemaOf(body, reader);
      const responses = new Map(
        Object.entries(asObject(operation.responses) ?? {}).map(([status, response]) => {
          const resolved = reader.resolve(response);
          const schema = resolved === undefined ? undefined : jsonSchemaOf(resolved, reader);
          return [status.toUpperCase(), schema] as const;
        }),
      );
      for (const base of bases) {
        endpoints.push({
          method: method.toUpperCase(),
          route: routeTemplate(base + path),
          ...(request === undefined ? {} : { request }),
          responses,
        });
      }
    }
  }
  return { service, endpoints, notes: reader.notes };
}

/** Paths that the servers named put before every route, and none, since a gateway may take them off. */
function basePaths(json: JsonObject): readonly string[] {
  const servers = Array.isArray(json.servers) ? json.servers : [];
  const bases = servers.flatMap((server) => {
    const url = asObject(server)?.url;
    if (typeof url !== "string") return [];
    const path = URL.canParse(url, "http://relative") ? new URL(url, "http://relative").pathname : "/";
    return [path.replace(/\/+$/, "")];
  });
  return [...new Set(["", ...bases])];
}

/** Schema of the JSON among a body's content types; `undefined` when there is none. */
function jsonSchemaOf(body: JsonObject, reader: SchemaReader): Schema | undefined {
  for (const [type, media] of Object.entries(asObject(body.content) ?? {})) {
    const schema = asObject(media)?.schema;
    if (/\bjson\b/i.test(type) && schema !== undefined) return reader.read(schema);
  }
  return undefined;
}
