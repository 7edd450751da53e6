import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildServiceMap } from "../../src/correlate/service-map.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import { drawTrace, makeSpan } from "../support/draw-trace.ts";
import { chain, hex, spansOfAnyShape, star } from "../support/span-shapes.ts";

const seed = Math.trunc(Math.random() * 2 ** 31);

function mapOf(...drawings: string[]) {
  return buildServiceMap(drawings.map((drawing) => buildTraceTree(drawTrace(drawing, { columnNs: 1 }), [])));
}

function edgesOf(...drawings: string[]) {
  return mapOf(...drawings)
    .edges.map((e) => `${e.from} > ${e.to} ${e.method} ${e.calls}`)
    .sort();
}

describe("edges", () => {
  it.each([
    [
      "a call seen on both sides",
      `
      web client POST       |====|  server.address=elsewhere
        pay server POST      |==|`,
      ["service:web > service:pay exact 1"],
    ],
    [
      "a call whose caller has no span for it",
      `
      web work              |====|
        pay server POST      |==|`,
      ["service:web > service:pay exact 1"],
    ],
    [
      "from a page",
      `
      page client POST      |====|  resource.telemetry.sdk.language=webjs
        pay server POST      |==|`,
      ["browser:page > service:pay exact 1"],
    ],
    [
      "a service that calls itself",
      `
      web client POST       |====|
        web server POST      |==|`,
      ["service:web > service:web exact 1"],
    ],
    [
      "a database, once for the calls that carry out one call",
      `
      shop find             |====|  db.system=postgresql db.name=shop
        shop client query    |==|   db.system.name=postgresql db.namespace=shop
          shop client send    ||`,
      ["service:shop > database:postgresql/shop attribute 1"],
    ],
    [
      "a message in and out of its destination",
      `
      web producer send     |====|       messaging.system=kafka messaging.destination.name=orders
        mail consumer receive  |=====|   messaging.system=kafka messaging.destination.name=orders`,
      ["messaging:kafka/orders > service:mail exact 1", "service:web > messaging:kafka/orders attribute 1"],
    ],
    [
      "a message whose consumer names no destination",
      `
      web producer send     |====|       messaging.system=kafka messaging.destination=orders
        mail consumer receive  |=====|`,
      ["messaging:kafka/orders > service:mail exact 1", "service:web > messaging:kafka/orders attribute 1"],
    ],
    [
      "a message without any name",
      `
      web producer send     |====|
        mail consumer receive  |=====|`,
      ["service:web > service:mail exact 1"],
    ],
    [
      "a message whose sender is not held",
      "mail consumer receive |=| parent=00000000000000ff messaging.system=sqs messaging.destination.name=q",
      ["messaging:sqs/q > service:mail exact 1"],
    ],
  ])("%s", (_what, drawing, expected) => {
    expect(edgesOf(drawing)).toEqual(expected);
  });

  it.each([
    ["peer.service=pay server.address=10.0.0.1", "service:pay"],
    ["service.peer.name=pay", "service:pay"],
    ["server.address=pay.example server.port=443", "external:pay.example:443"],
    ["net.peer.name=pay.example net.peer.port=80", "external:pay.example:80"],
    ["http.url=https://pay.example:8443/x", "external:pay.example:8443"],
    ["rpc.service=Pay", "external:Pay"],
    ["db.system=redis", "database:redis"],
    ["db.system=redis server.address=cache server.port=6379", "database:redis/cache:6379"],
    ["db.system=redis peer.service=sessions", "database:redis/sessions"],
    ["messaging.system=rabbitmq", "messaging:rabbitmq"],
  ])("to what the caller names: %s", (extras, to) => {
    expect(edgesOf(`web client call |==| ${extras}`)).toEqual([`service:web > ${to} attribute 1`]);
  });

  it("go to a known service where the address is its name", () => {
    const drawings = ["web client call |==| server.address=pay server.port=8080", "pay server GET |==|"];
    expect(edgesOf(...drawings)).toEqual(["service:web > service:pay attribute 1"]);
    expect(edgesOf(drawings[0]!)).toEqual(["service:web > external:pay:8080 attribute 1"]);
  });

  it("that name nobody are counted", () => {
    expect(mapOf("web client call |==|")).toMatchObject({ edges: [], unresolvedCalls: 1 });
  });
});

describe("numbers", () => {
  const call = (length: number, mark = "") => `
      web client POST       |${"=".repeat(length)}|      ${mark}
        pay server POST     |=|    ${mark}`;

  it("are counts, error rate and percentiles by the caller's clock", () => {
    const { edges, nodes } = mapOf(...Array.from({ length: 100 }, (_, i) => call(i, i >= 90 ? "!" : "")));
    expect(edges).toMatchObject([
      { calls: 100, errors: 10, errorRate: 0.1, p50Ns: 50, p95Ns: 95, p99Ns: 99 },
    ]);
    expect(nodes).toMatchObject([
      { id: "service:pay", spans: 100, calls: 100, errors: 10, p50Ns: 2, p99Ns: 2 },
      { id: "service:web", spans: 100, calls: 100 },
    ]);
  });

  it("of a node count what it received, also without spans of its own", () => {
    const { nodes } = mapOf("web client q |==| db.system=redis !\nweb work |==|");
    expect(nodes).toMatchObject([
      { id: "database:redis", kind: "database", name: "redis", spans: 0, calls: 1, errors: 1 },
      { id: "service:web", kind: "service", name: "web", spans: 2, calls: 2, errors: 1 },
    ]);
  });

  it("are NaN where nothing was received", () => {
    const { nodes } = mapOf("web consumer in |==| messaging.system=kafka");
    expect(nodes[0]).toMatchObject({ id: "messaging:kafka", calls: 0, errorRate: 0, p50Ns: Number.NaN });
  });

  it("come with the slowest failed call, else the slowest, and when they were made", () => {
    const spans = [
      { startNs: 30n, endNs: 39n, statusCode: "unset" as const },
      { startNs: 10n, endNs: 12n, statusCode: "error" as const },
      { startNs: 20n, endNs: 25n, statusCode: "error" as const },
    ].map((given, i) =>
      makeSpan({ ...given, spanId: hex(i + 1), spanKind: "client", attributes: { "peer.service": "pay" } }),
    );
    const edge = (of: typeof spans) => buildServiceMap([buildTraceTree(of, [])]).edges[0]!;
    expect(edge(spans)).toMatchObject({ firstNs: 10n, lastNs: 30n, sample: { startNs: 20n } });
    expect(edge([spans[0]!]).sample.startNs).toBe(30n);
  });
});

describe("any input", () => {
  it(`counts calls that are nodes on both ends (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(spansOfAnyShape(), { maxLength: 3 }), (traces) => {
        const trees = traces.map((spans) => buildTraceTree(spans, []));
        const map = buildServiceMap(trees);
        const ids = new Set(map.nodes.map((node) => node.id));
        expect(ids.size).toBe(map.nodes.length);
        for (const edge of map.edges) {
          expect(ids.has(edge.from) && ids.has(edge.to)).toBe(true);
          expect(edge.errors).toBeLessThanOrEqual(edge.calls);
          expect(edge.p50Ns <= edge.p95Ns && edge.p95Ns <= edge.p99Ns).toBe(true);
        }
        const spans = map.nodes.reduce((sum, node) => sum + node.spans, 0);
        expect(spans).toBe(trees.reduce((sum, tree) => sum + tree.nodes.length, 0));
      }),
      { seed, numRuns: 200 },
    );
  });

  it("takes 100,000 spans, deep or wide, and nothing", () => {
    expect(
      buildServiceMap([buildTraceTree(chain(100_000), []), buildTraceTree(star(100_000), [])]).nodes,
    ).toHaveLength(1);
    expect(buildServiceMap([])).toEqual({ nodes: [], edges: [], unresolvedCalls: 0 });
  });
});
