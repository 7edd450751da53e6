import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readContract } from "../../src/correlate/contract-file.ts";
import type { Dependency } from "../../src/correlate/dependencies.ts";
import type { EdgeCase } from "../../src/correlate/edge-case.ts";
import { analyzeImpact, type ImpactContext } from "../../src/correlate/impact.ts";
import { codeFilesOf, fitOfPaths, normalizePath } from "../../src/correlate/impact-code.ts";
import type { ImpactTarget } from "../../src/correlate/impact-walk.ts";
import { buildTraceTree } from "../../src/correlate/trace-tree.ts";
import type { Span } from "../../src/model/span.ts";
import { drawTrace, makeSpan } from "../support/draw-trace.ts";
import { freshSeed } from "../support/seed.ts";
import { chain, spansOfAnyShape } from "../support/span-shapes.ts";

const NOTHING: ImpactContext = { dependencies: [], contracts: [], edgeCases: [] };
const GET = "http.request.method=GET http.route";

const checkout = drawTrace(
  `
  tests internal run                    |===================|  test.case.name=pays
    page internal click                  |=================|   resource.telemetry.sdk.language=webjs browser.url=https://shop.example/cart?x=1
      page client POST                    |===============|
        web server POST /orders            |=============|     http.request.method=POST http.route=/orders/:id http.response.status_code=402
          orders internal place             |===|              code.file.path=/app/src/orders/place.ts
          payment server GET /pay               |===|          ${GET}=/pay
            payment internal charge              |=|           code.filepath=/app/src/payment/charge.ts
          web producer send                          |=|
  `,
  { traceId: "a".repeat(32) },
);
const browse = drawTrace(
  `
  web server GET /books    |====|    ${GET}=/books
    orders internal list    |==|     code.file.path=/app/src/orders/list.ts
  `,
  { traceId: "b".repeat(32) },
);
const mail = drawTrace("mailer consumer mail   |====|   code.file.path=/app/src/mailer/send.ts", {
  traceId: "c".repeat(32),
}).map((span) => ({
  ...span,
  links: [
    {
      traceId: "a".repeat(32),
      spanId: "0000000000000008",
      traceState: "",
      attributes: {},
      flags: 0,
      droppedAttributes: 0,
    },
  ],
}));

function impact(
  target: ImpactTarget,
  context: Partial<ImpactContext> = {},
  traces: Span[][] = [checkout, browse, mail],
) {
  return analyzeImpact(
    target,
    traces.map((spans) => buildTraceTree(spans, [])),
    { ...NOTHING, ...context },
  );
}

describe("analyzeImpact", () => {
  it("walks from a file up to services, endpoints, pages and tests, and to nothing else", () => {
    const report = impact({ files: ["src/payment/charge.ts"] });
    expect(report.reached).toEqual({
      test: ["pays"],
      endpoint: ["payment GET /pay", "web POST /orders/:id"],
      page: ["https://shop.example/cart"],
      service: ["page", "payment", "web"],
      contract: [],
      edge_case: [],
    });
    expect(report.findings[0]).toMatchObject({
      kind: "test",
      name: "pays",
      method: "exact",
      confidence: 1,
      count: 1,
    });
    expect(report.findings[0]!.last_seen).toMatch(/^2023-11-14T/);
    expect(report.verdict).toBe("impact");
  });

  it("takes endpoints in any spelling, and services", () => {
    for (const endpoint of ["POST /orders/{id}", "post /orders/:id", "/orders/<id>", "POST /orders/17"]) {
      expect(impact({ endpoint }).reached.test, endpoint).toEqual(["pays"]);
    }
    expect(impact({ endpoint: "GET /orders/:id" }).verdict).toBe("unknown");
    expect(impact({ service: "orders" }).reached.endpoint).toEqual([
      "web GET /books",
      "web POST /orders/:id",
    ]);
  });

  it("follows links from handed-over work to what handed it over", () => {
    const report = impact({ files: ["src/mailer/send.ts"] });
    expect(report.reached.test).toEqual(["pays"]);
    expect(report.findings.find(({ kind }) => kind === "test")).toMatchObject({
      method: "link",
      confidence: 0.9,
    });
  });

  it("adds services that declared edges lead to, less sure with every step, through cycles", () => {
    const edge = (from: string, to: string): Dependency => ({
      from,
      to,
      type: "service",
      source: "declared",
    });
    const dependencies = [edge("nightly", "mailer"), edge("cron", "nightly"), edge("nightly", "cron")];
    const report = impact({ service: "mailer" }, { dependencies }, [browse]);
    expect(report.unknown).toHaveLength(1);
    expect(report.findings.map(({ name, confidence, count }) => [name, confidence, count])).toEqual([
      ["cron", 0.49, 0],
      ["nightly", 0.7, 0],
    ]);
  });

  it("names the contracts and edge cases met on the way", () => {
    const contract = readContract(
      {
        version: 1,
        endpoints: [
          { method: "POST", route: "/orders/{}" },
          { method: "GET", route: "/books" },
        ],
      },
      "web",
      "web.json",
    );
    const edgeCase = (name: string, status: string): EdgeCase => ({
      name,
      description: "",
      severity: "high",
      everyMs: 1,
      match: { status, test: "pays" },
      lastTestedMs: undefined,
    });
    const edgeCases = [edgeCase("declined", "402"), edgeCase("broken", "500")];
    const report = impact({ files: ["charge.ts"] }, { contracts: [contract], edgeCases });
    expect(report.reached.contract).toEqual(["web POST /orders/{}"]);
    expect(report.reached.edge_case).toEqual(["declined"]);
  });

  it("says which files no span names, and why", () => {
    const report = impact({ files: ["src/unseen.ts"] });
    expect(report.verdict).toBe("unknown");
    expect(report.unknown).toEqual([
      {
        target: "src/unseen.ts",
        reason: "no span names it: 4 of 11 spans say which code they ran (code.file.path, stack frames)",
      },
    ]);
  });

  it("walks a chain of 100 000 spans", () => {
    const spans = chain(100_000);
    spans[99_999] = { ...spans[99_999]!, attributes: { "code.file.path": "deep.ts" } };
    expect(impact({ files: ["deep.ts"] }, {}, [spans]).findings[0]).toMatchObject({
      name: "app",
      count: 100_000,
    });
  });

  const seed = freshSeed();
  it(`ends on spans and links of any shape, each span counted once (seed ${seed})`, () => {
    fc.assert(
      fc.property(spansOfAnyShape(), fc.array(fc.nat(20), { maxLength: 10 }), (spans, links) => {
        const linked = spans.map((span, i) => ({
          ...span,
          links: links.slice(i, i + 2).map((id) => ({
            traceId: span.traceId,
            spanId: id.toString(16).padStart(16, "0"),
            traceState: "",
            attributes: {},
            flags: 0,
            droppedAttributes: 0,
          })),
        }));
        const tree = buildTraceTree(linked, []);
        const report = analyzeImpact({ service: "a" }, [tree], NOTHING);
        const services = report.findings.filter(({ kind }) => kind === "service");
        const counted = services.reduce((sum, { count }) => sum + count, 0);
        expect(counted).toBeLessThanOrEqual(tree.nodes.length);
        const own = tree.nodes.filter(({ span }) => span.resource.service === "a").length;
        expect(services.find(({ name }) => name === "a")?.count ?? 0).toBe(own);
      }),
      { seed },
    );
  });
});

describe("codeFilesOf", () => {
  it.each([
    [
      "V8",
      "Error: x\n    at place (/app/src/orders.ts:3:5)\n    at file:///app/src/main.mjs:10:1",
      ["/app/src/orders.ts", "/app/src/main.mjs"],
    ],
    ["Python", 'Traceback:\n  File "/app/orders.py", line 3, in place', ["/app/orders.py"]],
    ["Java", "\tat shop.Orders.place(Orders.java:17)", ["Orders.java"]],
    ["Go", "main.place()\n\t/app/orders.go:12 +0x1d", ["/app/orders.go"]],
    ["Vite", "    at http://localhost:5173/src/cart.ts?t=1:3:5", ["/src/cart.ts"]],
    ["Firefox", "place@https://shop.example/js/cart.js:3:5", ["/js/cart.js"]],
  ])("reads stacks of %s", (_, stack, files) => {
    const event = {
      timeNs: 0n,
      name: "exception",
      attributes: { "exception.stacktrace": stack },
      droppedAttributes: 0,
    };
    const [node] = buildTraceTree([makeSpan({ events: [event] })], []).nodes;
    expect(codeFilesOf(node!)).toEqual(expect.arrayContaining(files));
  });
});

describe("fitOfPaths", () => {
  it.each([
    ["src/a.ts", "/app/src/a.ts", "whole"],
    ["/home/me/shop/src/a.ts", "src/a.ts", "whole"],
    ["/home/me/shop/src/a.ts", "/app/src/a.ts", "end"],
    ["a.ts", "/app/src/a.ts", "whole"],
    ["/home/me/shop/lib/a.ts", "/app/src/a.ts", undefined],
    ["src/a.ts", "a.ts", undefined],
    ["src/aa.ts", "/app/src/a.ts", undefined],
    ["", "/app/src/a.ts", undefined],
    ["src\\a.ts", "file:///C:/app/src/a.ts", "whole"],
  ])("%s and %s: %s", (asked, seen, fit) => {
    expect(fitOfPaths(normalizePath(asked), normalizePath(seen))).toBe(fit);
  });
});
