import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findEndpoint, routeTemplate } from "../../src/correlate/contract.ts";
import { readContract } from "../../src/correlate/contract-file.ts";
import { learnContracts, learnSchema } from "../../src/correlate/contract-learn.ts";
import { checkValue, SchemaReader } from "../../src/correlate/contract-schema.ts";
import { validateContracts } from "../../src/correlate/contract-validate.ts";
import { buildTraceTree, type TraceTree } from "../../src/correlate/trace-tree.ts";
import type { Attributes } from "../../src/model/attributes.ts";
import { makeResource, makeSpan } from "../support/draw-trace.ts";
import { freshSeed } from "../support/seed.ts";
import { hex } from "../support/span-shapes.ts";

interface Asked {
  readonly method?: string;
  readonly route?: string;
  readonly path?: string;
  readonly status?: number;
  readonly request?: unknown;
  readonly response?: unknown;
  readonly ms?: number;
  readonly rawResponse?: string;
}

/** One trace per request: a client span of `web`, answered by a server span of `orders`. */
function traffic(asked: readonly Asked[]): TraceTree[] {
  return asked.map((one, i) => {
    const startNs = 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000_000n;
    const endNs = startNs + BigInt((one.ms ?? 5) * 1_000_000);
    const traceId = hex(0) + hex(i + 1);
    const response =
      one.rawResponse ?? (one.response === undefined ? undefined : JSON.stringify(one.response));
    const attributes: Attributes = {
      "http.request.method": one.method ?? "GET",
      "url.path": one.path ?? "/orders/1",
      ...(one.route === undefined ? {} : { "http.route": one.route }),
      "http.response.status_code": one.status ?? 200,
      ...(one.request === undefined ? {} : { "http.request.body.content": JSON.stringify(one.request) }),
      ...(response === undefined ? {} : { "http.response.body.content": response }),
    };
    const client = makeSpan({
      traceId,
      spanId: hex(1),
      spanKind: "client",
      startNs,
      endNs,
      resource: makeResource("web"),
    });
    const server = makeSpan({
      traceId,
      spanId: hex(2),
      parentSpanId: hex(1),
      spanKind: "server",
      startNs,
      endNs,
      attributes,
      resource: makeResource("orders"),
    });
    return buildTraceTree([client, server], []);
  });
}

const ORDER = {
  type: "object",
  required: ["id", "state"],
  properties: {
    id: { type: "integer" },
    state: { type: "string", enum: ["open", "paid"] },
    items: {
      type: "array",
      items: { type: "object", required: ["price"], properties: { price: { type: "number" } } },
    },
    note: { type: ["string", "null"] },
  },
};
const OWN = {
  version: 1,
  service: "orders",
  endpoints: [
    {
      method: "get",
      route: "/orders/:id",
      responses: { "200": ORDER, "4xx": null },
      p95_ms_max: 50,
      error_rate_max: 0.1,
    },
  ],
};
const OPENAPI = {
  openapi: "3.0.3",
  servers: [{ url: "https://shop.example/api" }],
  paths: {
    "/orders/{id}": {
      get: {
        responses: {
          "200": {
            content: {
              "application/json; charset=utf-8": { schema: { $ref: "#/components/schemas/Order" } },
            },
          },
          default: { description: "anything else" },
        },
      },
      put: {
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } } },
        responses: { "204": {} },
      },
    },
  },
  components: {
    schemas: {
      Order: {
        allOf: [
          { $ref: "#/components/schemas/Base" },
          { ...ORDER, properties: { ...ORDER.properties, note: { type: "string", nullable: true } } },
        ],
      },
      Base: {
        type: "object",
        required: ["id"],
        properties: { parent: { $ref: "#/components/schemas/Order" } },
      },
    },
  },
};
const GOOD = { id: 1, state: "open", items: [{ price: 1.5 }], note: null };

describe.each([
  ["own format", OWN],
  ["OpenAPI", OPENAPI],
])("validateContracts, %s", (_, document) => {
  const contract = readContract(document, "orders", "orders.json");
  const validate = (asked: readonly Asked[]) => validateContracts([contract], traffic(asked));

  it("calls what fits conforming", () => {
    const report = validate([{ route: "/orders/:id", response: GOOD }]);
    expect(report).toMatchObject({ verdict: "conforming", findings: [] });
    expect(report.endpoints.find(({ endpoint }) => endpoint === "GET /orders/{}")).toMatchObject({
      state: "conforming",
      exchanges: 1,
    });
  });

  it.each<[string, unknown, string, string, RegExp]>([
    ["a missing field", { state: "open" }, "missing", "breaking", /: id is missing \(integer\)/],
    ["another type", { ...GOOD, id: "1" }, "type", "breaking", /id is string, not integer/],
    ["another word", { ...GOOD, state: "lost" }, "enum", "breaking", /state is none of "open", "paid"/],
    ["a further field", { ...GOOD, total: 5 }, "extra", "additive", /total \(integer\) is new/],
    [
      "the last of many items",
      { ...GOOD, items: [...Array.from({ length: 100 }, () => ({ price: 1 })), {}] },
      "missing",
      "breaking",
      /items\[\]\.price is missing/,
    ],
    ["an array in place of the body", [GOOD], "type", "breaking", /the body is array, not object/],
  ])("finds %s", (_, response, kind, change, text) => {
    const report = validate([{ route: "/orders/{id}", response }]);
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatchObject({ kind, change, consumers: ["web"], count: 1, of: 1 });
    expect(report.findings[0]!.text).toMatch(text);
    expect(report.findings[0]!.evidence).toEqual([{ trace_id: hex(0) + hex(1), span_id: hex(2) }]);
    expect(report.verdict).toBe(change === "additive" ? "additive" : "violated");
  });

  it("does not call conforming what it could not look at", () => {
    const report = validate([
      { route: "/orders/:id" },
      { route: "/orders/:id", rawResponse: '{"id": 1, "sta' },
    ]);
    expect(report.verdict).toBe("not_evaluated");
    expect(report.endpoints.find(({ exchanges }) => exchanges === 2)).toMatchObject({
      state: "not_evaluated",
    });
    expect(validate([]).verdict).toBe("not_evaluated");
  });

  it("tells endpoints that the contract does not know as additive, and requests that nobody answers not at all", () => {
    const report = validate([
      { route: "/orders/:id", response: GOOD },
      { path: "/refunds/17", status: 200 },
      { path: "/wp-admin", status: 404 },
    ]);
    expect(report.verdict).toBe("additive");
    expect(report.findings.map(({ text }) => text)).toEqual([
      "orders GET /refunds/17: is no endpoint of the contract (1 of 1).",
    ]);
  });
});

describe("validateContracts", () => {
  const own = readContract(OWN, "orders", "orders.json");

  it("checks statuses, latency and errors against what was promised", () => {
    const asked = Array.from({ length: 40 }, (_, i) => ({
      route: "/orders/:id",
      response: GOOD,
      ms: i < 10 ? 80 : 5,
      status: i < 5 ? 500 : i < 8 ? 404 : 200,
    }));
    const report = validateContracts([own], traffic(asked));
    expect(report.findings.map(({ kind, change, count }) => [kind, change, count])).toEqual([
      ["status", "breaking", 5],
      ["latency", "degraded", 10],
      ["error_spike", "degraded", 5],
    ]);
    const few = validateContracts([own], traffic(asked.slice(8, 20)));
    expect(few.endpoints[0]!.not_evaluated[0]).toMatch(/^latency: 12 exchanges, 20 are needed/);
  });

  it("checks request bodies", () => {
    const contract = readContract(OPENAPI, "orders", "orders.json");
    const report = validateContracts(
      [contract],
      traffic([{ method: "PUT", route: "/api/orders/:id", status: 204, request: { id: 1, state: "gone" } }]),
    );
    expect(report.findings[0]!.text).toBe(
      'orders PUT /api/orders/{}: request: state is none of "open", "paid" (1 of 1).',
    );
  });
});

describe("readContract", () => {
  it.each<[string, unknown, RegExp]>([
    ["Swagger 2", { swagger: "2.0", paths: {} }, /OpenAPI 2\.0/],
    ["a later version of ours", { version: 2, endpoints: [] }, /version 2/],
    ["a list", [], /no JSON object/],
    ["an endpoint without route", { version: 1, endpoints: [{ method: "GET" }] }, /endpoints\[0\]/],
  ])("refuses %s with a remedy", (_, document, message) => {
    expect(() => readContract(document, "orders", "contracts/orders.json")).toThrow(message);
    expect(() => readContract(document, "orders", "contracts/orders.json")).toThrow(
      /contracts\/orders\.json/,
    );
  });

  it("says what it does not check", () => {
    const schema = { not: {}, $ref: "other.json#/x" };
    const endpoints = [{ method: "GET", route: "/", responses: { "200": schema, "201": { not: {} } } }];
    expect(readContract({ version: 1, endpoints }, "orders", "x").notes).toEqual([
      "$ref other.json#/x is not followed: only references within the file are.",
      '"not" is not checked.',
    ]);
  });
});

describe("findEndpoint", () => {
  const contract = readContract(
    { version: 1, endpoints: ["/orders/:id", "/orders/new", "/"].map((route) => ({ method: "GET", route })) },
    "orders",
    "x",
  );
  it.each([
    ["/orders/17", "/orders/{}"],
    ["/orders/new", "/orders/new"],
    ["/orders/new/", "/orders/new"],
    ["/orders/17?x=1", "/orders/{}"],
    ["/", "/"],
    ["/orders", undefined],
    ["/orders/17/items", undefined],
  ])("takes %s to %s", (path, route) => {
    expect(findEndpoint(contract, "GET", undefined, path)?.route).toBe(route);
  });

  it.each([":id", "{id}", "<int:id>", "[id]", "*"])("reads %s as a parameter", (parameter) => {
    expect(routeTemplate(`/orders/${parameter}/items/`)).toBe("/orders/{}/items");
  });
});

describe("learnContracts", () => {
  it("learns low-cardinality routes from paths", () => {
    const names = Array.from({ length: 15 }, (_, i) => `customer-${"abcdefghijklmno"[i]}`);
    const asked = [
      ...names.map((name) => ({ path: `/customers/${name}/orders` })),
      { path: "/orders/17" },
      { path: "/orders/0af7651916cd43dd" },
      { path: "/health" },
      { path: "/nothing", status: 404 },
    ];
    const [proposal] = learnContracts(traffic(asked));
    expect(proposal!.service).toBe("orders");
    expect(proposal!.endpoints.map(({ method, route, samples }) => `${method} ${route} ${samples}`)).toEqual([
      "GET /customers/{}/orders 15",
      "GET /health 1",
      "GET /orders/{} 2",
    ]);
  });

  it("claims nothing of fields below five samples", () => {
    const sample = { id: 1, note: "x" };
    expect(learnSchema([sample, sample, sample, sample])).toEqual({
      type: ["null", "object"],
      properties: { id: { type: ["integer", "null"] }, note: { type: ["null", "string"] } },
    });
    expect(learnSchema([sample, sample, sample, { id: 1.5, note: null }, { id: 2 }])).toEqual({
      type: "object",
      properties: { id: { type: "number" }, note: { type: ["null", "string"] } },
      required: ["id"],
    });
  });

  it("looks at every array item, and takes objects keyed by ids as maps", () => {
    const items = [...Array.from({ length: 50 }, () => 1), "last"];
    expect(learnSchema([{ items }]).properties!.items!.items).toEqual({ type: ["integer", "string"] });
    expect(learnSchema(Array.from({ length: 5 }, () => ({ "1017": { a: 1 } })))).toEqual({ type: "object" });
  });

  it("takes few words seen often as an enumeration, and names seen once not", () => {
    const words = (values: string[]) => learnSchema(values).enum;
    expect(words(Array.from({ length: 20 }, (_, i) => (i % 2 ? "open" : "paid")))).toEqual(["open", "paid"]);
    expect(words(Array.from({ length: 19 }, (_, i) => (i % 2 ? "open" : "paid")))).toBeUndefined();
    expect(words([...Array.from({ length: 20 }, () => "open"), "eve"])).toBeUndefined();
    expect(words(Array.from({ length: 20 }, (_, i) => `k${i % 2}`))).toBeUndefined();
  });

  const seed = freshSeed();
  const body = fc.jsonValue({ maxDepth: 4 });
  it(`proposes what its own traffic conforms to (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 12 }), (bodies) => {
        const trees = traffic(bodies.map((response) => ({ route: "/things", response, request: response })));
        const contracts = learnContracts(trees).map((proposal) =>
          readContract(JSON.parse(JSON.stringify(proposal)), "orders", "proposal"),
        );
        const report = validateContracts(contracts, trees);
        expect(report.findings).toEqual([]);
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe("SchemaReader", () => {
  it("ends on schemas that refer to themselves, and on deep ones", () => {
    const loop = {
      a: { $ref: "#/b" },
      b: { $ref: "#/a" },
      c: { anyOf: [{ $ref: "#/c" }, { $ref: "#/c" }] },
      d: { allOf: [{ $ref: "#/d" }] },
    };
    for (const key of ["a", "c", "d"]) {
      const schema = new SchemaReader(loop).read({ $ref: `#/${key}` });
      expect(checkValue(schema, [1]).mismatches).toEqual([]);
    }
    let deep: object = { type: "string" };
    for (let i = 0; i < 20_000; i++) deep = { items: deep };
    expect(new SchemaReader({}).read(deep)).toBeDefined();
  });

  it("bounds the values it looks at, and says so", () => {
    const schema = new SchemaReader({}).read({ items: { type: "string" } });
    const long = Array.from({ length: 30_000 }, (_, i) => i);
    expect(checkValue(schema, long)).toMatchObject({ cut: true, mismatches: [{ path: "[]" }] });
    let nested: unknown = 1;
    for (let i = 0; i < 20_000; i++) nested = [nested];
    const tree = {
      $defs: { tree: { anyOf: [{ type: "integer" }, { type: "array", items: { $ref: "#/$defs/tree" } }] } },
    };
    checkValue(new SchemaReader(tree).read({ $ref: "#/$defs/tree" }), nested);
  });

  const seed = freshSeed();
  it(`takes any document and value (seed ${seed})`, () => {
    const key = fc.constantFrom(
      "type",
      "properties",
      "items",
      "anyOf",
      "allOf",
      "required",
      "enum",
      "$ref",
      "additionalProperties",
      "a",
    );
    const schema = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>("object", "string", "#/a", "#/", null, 1, true),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(key, tie("any"), { maxKeys: 4 }),
      ),
    })).any;
    fc.assert(
      fc.property(schema, fc.jsonValue(), (document, value) => {
        const result = checkValue(new SchemaReader(document).read(document), value);
        expect(result.mismatches.length).toBeLessThanOrEqual(50);
      }),
      { seed, numRuns: 300 },
    );
  });
});
