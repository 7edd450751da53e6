import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { buildExtension } from "../../scripts/build-extension.ts";
import type { TraceBody, TraceLog, TraceSpan } from "../../src/http/api-types.ts";
import { type Agent, connectAgent } from "../mcp/agent.ts";
import { chromiumPath } from "../support/chromium.ts";
import { openPaired, type Paired, pair } from "./paired.ts";

const PROJECT = fileURLToPath(new URL("../clients/runners/playwright-extension", import.meta.url));
const BINARIES = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

/** A click takes a second of quiet to end, the shop's services half a second to export. */
const WAIT = { timeout: 10_000, interval: 100 };

describe.skipIf(chromiumPath() === undefined)("from a click to the database row", () => {
  let paired: Paired;
  let shop: Shop;
  let agent: Agent;
  let page: Page;

  beforeAll(async () => {
    paired = await openPaired();
    shop = await startShop({ endpoint: paired.gasoline.url });
    agent = await connectAgent(paired.gasoline.url);
    page = paired.browser.context.pages()[0]!;
    await page.goto(shop.url);
    await page.locator("#products li button").first().click();
    await page.locator("#cart li").waitFor();
  });
  afterAll(async () => {
    await agent?.close();
    await shop?.close();
    await paired?.close();
  });

  async function traceOf(id: string): Promise<TraceBody> {
    return (await (await fetch(`${paired.gasoline.url}/api/traces/${id}`)).json()) as TraceBody;
  }

  describe("a click on Pay while the ledger of the payment service is read-only", () => {
    let trace: TraceBody;

    beforeAll(async () => {
      await shop.setFault("error-deep", true);
      await page.locator("#pay").click();
      await page.getByText("readonly database").waitFor();
      await shop.flush();
      const [click] = await vi.waitUntil(async () => nonEmpty(await clicks()), WAIT);
      await vi.waitUntil(async () => nonEmpty(await pictures()), WAIT);
      trace = await traceOf(click!.trace_id);
      await shop.setFault("error-deep", false);
    });

    const events = async (what: string, filter: object): Promise<readonly Seen[]> => {
      const { structuredContent } = await agent.call("observe", { what, filter, limit: 50 });
      return (structuredContent.events ?? structuredContent.rows) as readonly Seen[];
    };
    const clicks = () => events("traces", { name: 'click button "Pay"' });
    const pictures = () => events("screenshots", {});

    it("is one trace from the browser to the statement", () => {
      const failed = trace.spans.find(({ name }) => name === "INSERT charges")!;
      expect(wayTo(trace, failed)).toEqual([
        'browser: click button "Pay"',
        "browser: POST",
        "storefront: POST /api/pay",
        "storefront: POST /orders",
        "orders: POST /orders",
        "orders: POST /charges",
        "payment: POST /charges",
        "payment: INSERT charges",
      ]);
      expect(failed.status).toMatchObject({ code: "error" });
    });

    it("holds what the page said, how it looked, and whose session it was", () => {
      const click = trace.spans.find(({ name }) => name === 'click button "Pay"')!;
      const said = logsOf(trace).find(({ body }) => String(body).startsWith("The shop could not do this"));
      expect(said).toMatchObject({ level: "error" });
      const shown = pictureOf(trace);
      expect(Buffer.from(shown, "base64").subarray(0, 3).toString("hex")).toBe("ffd8ff");
      const sessions = [click, said].map((each) => each?.attributes["session.id"]);
      expect(new Set(sessions).size).toBe(1);
      expect(sessions[0]).toMatch(/^[0-9a-f]{32}$/);
    });

    it("lets both tools name the statement of the payment service as its root", async () => {
      const filter = { trace_id: trace.trace_id };
      const observed = await agent.call("observe", { what: "causality", filter });
      const [cause] = observed.structuredContent.rows as readonly { readonly text: string }[];
      expect(cause?.text).toMatch(/^INSERT charges in payment: .*fails/);
      const analyzed = await agent.call("analyze", { type: "causality_chain", ...filter });
      const root = { service: "payment", operation: "INSERT charges" };
      expect(analyzed.structuredContent).toMatchObject({ root_cause: root });
    });
  });

  describe("the same driven by a Playwright test", () => {
    it("stands under the test and the step that did it", async () => {
      const { daemon } = paired.browser;
      const folder = join(daemon.folder, "extension");
      await buildExtension(folder);
      // Without a token: one browser at a time is paired.
      pair(folder, paired.gasoline.url, "");
      const ended = await daemon.run(
        ["test", "--service", "shop-e2e", "--", "playwright", "test"],
        {
          PATH: `${BINARIES}:${process.env.PATH}`,
          HOME: process.env.HOME,
          GASOLINE_ENDPOINT: paired.gasoline.url,
          CHROMIUM: chromiumPath(),
          SHOP: shop.url,
          EXTENSION: folder,
          RESULTS: daemon.folder,
        },
        PROJECT,
      );
      expect(ended.code, String(ended.stdout) + ended.stderr).toBe(0);
      await shop.flush();
      const { structuredContent } = await agent.call("observe", { what: "tests" });
      const [test] = structuredContent.rows as readonly Seen[];
      const trace = await traceOf(test!.trace_id);
      expect(trace.spans.map(({ name }) => name)).not.toContain("Evaluate");
      const paid = trace.spans.find(({ name }) => name === "INSERT charges")!;
      expect(wayTo(trace, paid)).toEqual([
        "shop-e2e: test.case",
        "shop-e2e: pay",
        'browser: click button "Pay"',
        "browser: POST",
        "storefront: POST /api/pay",
        "storefront: POST /orders",
        "orders: POST /orders",
        "orders: POST /charges",
        "payment: POST /charges",
        "payment: INSERT charges",
      ]);
    });
  });

  describe("an agent over MCP", () => {
    const interact = async (input: object): Promise<readonly Done[]> => {
      const { structuredContent } = await agent.call("interact", { timeout_ms: 4_000, ...input });
      return structuredContent.rows as readonly Done[];
    };
    const results = (rows: readonly Done[]) =>
      rows.flatMap(({ result }) => (result === undefined ? [] : [result]));
    /** Serves the shop's page with its Pay button changed. */
    const withButton = (button: string) =>
      page.route(`${shop.url}/`, async (route) => {
        const response = await route.fetch();
        const body = (await response.text()).replace(
          '<button id="pay" data-testid="pay">Pay</button>',
          button,
        );
        await route.fulfill({ response, body });
      });

    it("replays what a person did; a changed page heals or fails, and says which", async () => {
      await page.goto(shop.url);
      await page.bringToFront();
      await interact({ action: "record", name: "buy" });
      await page.locator("#products li button").first().click();
      await page.locator("#cart li").waitFor();
      await page.locator("#pay").click();
      await page.getByText("Paid. Order").waitFor();
      await interact({ action: "record", name: "buy", stop: true });
      expect(results(await interact({ action: "replay", name: "buy" }))).toEqual(["ok", "ok", "ok"]);

      await withButton('<button id="pay">Pay now</button>');
      const healed = await interact({ action: "replay", name: "buy" });
      expect(results(healed)).toEqual(["ok", "ok", "healed"]);
      expect(healed[2]?.reason).toBe("its first selector no longer fits");
      expect(await page.locator("#status").textContent()).toContain("Paid. Order");

      await page.unroute(`${shop.url}/`);
      await withButton('<button id="pay" disabled>Pay</button>');
      const failed = await interact({ action: "replay", name: "buy" });
      expect(results(failed)).toEqual(["ok", "ok", "failed"]);
      expect(failed[2]?.reason).toMatch(/^button "Pay" is disabled/);
      await page.unroute(`${shop.url}/`);
    });

    it("compares each step with what it caused when it was explored", async () => {
      const steps = [
        { type: "go", url: shop.url },
        { type: "click", target: "#products li:first-child button" },
        { type: "click", target: 'aria/Pay[role="button"]' },
        { type: "wait_for", text: "Paid. Order" },
      ];
      expect(results(await interact({ action: "explore", steps }))).toEqual(["ok", "ok", "ok", "ok"]);
      await interact({ action: "record", name: "pay", steps });
      await shop.setFault("error-deep", true);
      const replayed = await interact({ action: "replay", name: "pay" });
      await shop.setFault("error-deep", false);
      expect(results(replayed)).toEqual(["ok", "ok", "failed", "not_run"]);
      expect(replayed[2]?.reason).toBe("POST /api/pay was answered 502; recorded was 200");
    });
  });
});

interface Done {
  readonly result?: string;
  readonly reason?: string;
}

interface Seen {
  readonly trace_id: string;
  readonly [field: string]: unknown;
}

const logsOf = ({ spans, logs }: TraceBody): readonly TraceLog[] => [
  ...spans.flatMap((span) => span.logs),
  ...logs,
];

/** Base64 of the first screenshot in a trace. */
function pictureOf(trace: TraceBody): string {
  const log = logsOf(trace).find(({ attributes }) => "gasoline.image.data" in attributes);
  return String(log?.attributes["gasoline.image.data"]);
}

const nonEmpty = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);

/** The names of a span and all above it, the root first. */
function wayTo({ spans }: TraceBody, span: TraceSpan): string[] {
  const above = spans[span.parent];
  return [
    ...(above === undefined ? [] : wayTo({ spans } as TraceBody, above)),
    `${span.service}: ${span.name}`,
  ];
}
