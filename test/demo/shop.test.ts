import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import type { Span } from "../../src/model/span.ts";
import { type Collector, startCollector } from "./collector.ts";
import { recordWindow, type Window } from "./record-faults.ts";

let collector: Collector;
let shop: Shop;
let window: Window;

beforeAll(async () => {
  collector = await startCollector();
  shop = await startShop({ endpoint: collector.url });
  window = await recordWindow(shop, collector, { seed: 7, visits: 3 });
});

afterAll(async () => {
  await shop?.close();
  await collector?.close();
});

describe("the telemetry of a healthy shop", () => {
  test("every request is answered, and each has a trace of its own", () => {
    expect(window.sent.filter(({ status }) => status !== 200)).toEqual([]);
    const traceIds = new Set(window.sent.map(({ traceId }) => traceId));
    expect(traceIds.size).toBe(window.sent.length);
    expect(new Set(window.spans.map((span) => span.traceId))).toEqual(traceIds);
  });

  test("one trace spans storefront, orders, payment, the bank, databases and the mailer", () => {
    const { traceId } = window.sent.find(({ step }) => step === "pay")!;
    const spans = window.spans.filter((span) => span.traceId === traceId);
    expect(outline(spans)).toEqual([
      "storefront server POST /api/pay",
      "  storefront client POST /orders",
      "    orders server POST /orders",
      "      orders client DELETE /carts/:id",
      "        cart server DELETE /carts/:id",
      "      orders client GET /carts/:id",
      "        cart server GET /carts/:id",
      "          cart internal read price cache",
      "      orders client GET /stock",
      "        catalog server GET /stock",
      "          catalog client SELECT stock",
      "      orders client INSERT orders",
      "      orders client POST /charges",
      "        payment server POST /charges",
      "          payment client INSERT charges",
      "          payment client POST /authorizations",
      "          payment client SELECT charges",
      "      orders internal price order",
      "      orders producer send orders.placed",
      "        mailer consumer process orders.placed",
      "          mailer client INSERT mails",
    ]);
    const bank = spans.find((span) => span.name === "POST /authorizations")!;
    expect(bank.attributes["server.address"]).toBe("bank.example");
  });

  test("no parent is missing, and nothing of the shop's own administration is traced", () => {
    const ids = new Set(window.spans.map((span) => span.spanId));
    expect(window.spans.filter((span) => span.parentSpanId !== "" && !ids.has(span.parentSpanId))).toEqual(
      [],
    );
    const roots = window.spans.filter((span) => span.parentSpanId === "");
    expect(new Set(roots.map((span) => `${span.resource.service} ${span.spanKind}`))).toEqual(
      new Set(["storefront server"]),
    );
  });

  test("every service has its own resource", () => {
    const resources = new Map(window.spans.map(({ resource }) => [resource.service, resource.attributes]));
    expect([...resources.keys()].sort()).toEqual([
      "cart",
      "catalog",
      "mailer",
      "orders",
      "payment",
      "storefront",
    ]);
    const instances = new Set([...resources.values()].map((attributes) => attributes["service.instance.id"]));
    expect(instances.size).toBe(resources.size);
    for (const { name, pid, version } of shop.services()) {
      if (name === "outside") continue;
      expect(resources.get(name)).toMatchObject({
        "process.pid": pid,
        "service.version": version,
        "service.namespace": "shop",
        "host.name": expect.any(String),
      });
    }
  });

  test("every handler and statement names the line of code it comes from", () => {
    const located = window.spans.filter(
      (span) => span.spanKind === "server" || span.attributes["db.query.text"] !== undefined,
    );
    for (const span of located) {
      const file = span.attributes["code.file.path"];
      const line = span.attributes["code.line.number"];
      const name = span.attributes["code.function.name"];
      if (typeof file !== "string" || typeof line !== "number" || typeof name !== "string") {
        throw new Error(`${span.resource.service} ${span.name} has no code.* attributes`);
      }
      const source = readFileSync(file, "utf8").split("\n");
      if (span.spanKind === "server") expect(source[line - 1]).toContain(name);
      else expect(source[line - 1]).toMatch(/\.(all|run)\b/);
    }
    expect(located.length).toBeGreaterThan(20);
  });

  test("statements hold placeholders where their values were", () => {
    const statements = new Set(window.spans.map((span) => span.attributes["db.query.text"]));
    expect(statements).toContain(
      "SELECT avg(stars) AS stars, count(*) AS reviews FROM reviews WHERE sku = ?",
    );
  });

  test("logs have levels, constant bodies and the ids of a span of their own service", () => {
    const spans = new Map(window.spans.map((span) => [span.spanId, span]));
    for (const log of window.logs) {
      const span = spans.get(log.spanId);
      expect(span?.traceId, String(log.body)).toBe(log.traceId);
      expect(span?.resource.service).toBe(log.resource.service);
      expect(log.severity).toBeGreaterThanOrEqual(9);
      expect(log.body).toMatch(/^[a-z ]+$/);
    }
    expect(new Set(window.logs.map((log) => log.resource.service)).size).toBe(6);
  });
});

test("the same seed buys the same things", async () => {
  const bought = async (seed: number) => {
    const { logs } = await recordWindow(shop, collector, { seed, visits: 2, steps: ["add", "product"] });
    return logs.map((log) => log.attributes["product.sku"]).filter((sku) => sku !== undefined);
  };
  const first = (await bought(9)).sort();
  expect(first.length).toBe(4);
  expect((await bought(9)).sort()).toEqual(first);
  expect((await bought(10)).sort()).not.toEqual(first);
});

describe("the processes of the shop", () => {
  test("end with it", async () => {
    const own = await startShop({ endpoint: collector.url });
    const pids = own.services().map(({ pid }) => pid);
    expect(pids.filter(isAlive)).toEqual(pids);
    await own.close();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("end when whoever started them is killed", async () => {
    const owner = spawn(process.execPath, [fileURLToPath(new URL("owner.ts", import.meta.url))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await onceData(owner.stdout)).split("\n");
    const pids = JSON.parse(line!) as number[];
    expect(pids.length).toBe(7);
    owner.kill("SIGKILL");
    await vi.waitUntil(() => pids.filter(isAlive).length === 0, { timeout: 5_000 });
  });
});

/** The spans of one trace as an indented list, children by name: the SDK's starts are whole milliseconds and tie. */
function outline(spans: readonly Span[]): string[] {
  const lines: string[] = [];
  const visit = (parentSpanId: string, depth: number): void => {
    const children = spans.filter((span) => span.parentSpanId === parentSpanId);
    children.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const span of children) {
      lines.push(`${"  ".repeat(depth)}${span.resource.service} ${span.spanKind} ${span.name}`);
      visit(span.spanId, depth + 1);
    }
  };
  visit("", 0);
  return lines;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

async function onceData(stream: NodeJS.ReadableStream): Promise<string> {
  return await new Promise((resolve) => stream.once("data", (chunk: Buffer) => resolve(chunk.toString())));
}
