import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import type { StoredRecord } from "../../src/store/telemetry-store.ts";
import { type ExtensionBrowser, openExtension } from "../extension/browser.ts";
import { type Agent, connectAgent } from "../mcp/agent.ts";
import { chromiumPath } from "../support/chromium.ts";
import { runPlaywright } from "./playwright-run.ts";

/** What a session in Chromium with the extension becomes as a test: it passes on the good build and fails on a broken one. */
const RUN_MS = 60_000;
/** What the extension does not tell: what was typed. */
const TYPED = { TEST_VALUE_1: "lamp" };

describe.skipIf(chromiumPath() === undefined)("from a session of the extension", () => {
  let browser: ExtensionBrowser;
  let shop: Shop;
  let agent: Agent;
  /** Written of the ordinary purchase, and of the visit where the Pay button threw. */
  let purchase: string;
  let broken: string;

  beforeAll(async () => {
    browser = await openExtension();
    shop = await startShop({ endpoint: browser.daemon.gasoline.url });
    agent = await connectAgent(browser.daemon.gasoline.url);
    purchase = await writtenOf("buy a lamp", searchByButton, (record) => requestsTo(record, "/api/pay"));
    broken = await withFault("browser-only-error", () =>
      writtenOf(
        "pay with a voucher",
        searchByEnter,
        (record) => record.kind === "log" && record.eventName === "exception",
        /1 error came up/,
      ),
    );
  }, RUN_MS);
  afterAll(async () => {
    await agent?.close();
    await shop?.close();
    await browser?.close();
  });

  async function withFault<T>(name: Parameters<Shop["setFault"]>[0], work: () => Promise<T>): Promise<T> {
    await shop.setFault(name, true);
    try {
      return await work();
    } finally {
      await shop.setFault(name, false);
    }
  }

  /** Buys a lamp in the browser until `last` has arrived, and asks for a test of that. */
  async function writtenOf(
    test_name: string,
    search: (page: Page) => Promise<void>,
    last: (record: StoredRecord) => boolean,
    says = /TEST_VALUE_1/,
  ): Promise<string> {
    const since = new Date().toISOString();
    const page = await browser.newPage();
    await page.goto(`${shop.url}/`);
    await search(page);
    await page
      .getByRole("button", { name: /^Add .*Lamp$/ })
      .first()
      .click();
    await page.locator("#cart li").waitFor();
    await page.getByTestId("pay").click();
    const { spans, logs } = browser.daemon;
    const arrived = async () => [...(await spans("browser")), ...(await logs("browser"))];
    await vi.waitFor(async () => expect((await arrived()).some(last)).toBe(true), 10_000);
    await page.close();
    await shop.flush();
    const session_id = (await logs("browser"))[0]?.attributes["session.id"];
    const { structuredContent: said } = await agent.call("generate", {
      format: "test",
      session_id,
      since,
      test_name,
    });
    expect(JSON.stringify(said)).toMatch(says);
    return String(said.content);
  }

  test("it finds elements as a person would, listens before it acts, and holds nothing of that one run", () => {
    expect(purchase).toContain("// TEST_VALUE_1: Search (4 characters)");
    expect(purchase).toContain('getByRole("textbox", { name: "Search", exact: true }).fill(');
    expect(purchase).toContain('getByTestId("pay").click()');
    expect(purchase).toContain(String.raw`"POST", /^\/api\/carts\/[^/]+\/items$/`);
    expect(purchase.indexOf('"POST", /^\\/api\\/pay$/')).toBeLessThan(purchase.indexOf('getByTestId("pay")'));
    // The session stands in the comment that says where the test comes from.
    expect(purchase.replace(/^\/\/.*$/gm, "")).not.toMatch(/[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}/);
  });

  test("what the browser does by itself after Enter is no step", () => {
    const acts = [...broken.matchAll(/^ {4}await (page\..*)$/gm)].map(([, act]) => act);
    expect(acts).toEqual([
      'page.goto(new URL("/", BASE_URL).href);',
      'page.getByRole("textbox", { name: "Search", exact: true }).fill(process.env.TEST_VALUE_1 ?? "");',
      'page.getByRole("textbox", { name: "Search", exact: true }).press("Enter");',
      expect.stringMatching(
        /^page.getByRole\("button", \{ name: "Add .* Lamp", exact: true \}\)\.click\(\);$/,
      ),
      'page.getByTestId("pay").click();',
    ]);
  });

  test("it passes on the good build, that of the failure too", { timeout: RUN_MS }, async () => {
    for (const content of [purchase, broken]) {
      expect(await runPlaywright(content, shop.url, TYPED)).toEqual({
        passed: true,
        messages: [],
        broken: [],
      });
    }
  });

  test.each([
    ["error-deep", () => purchase, /POST \/api\/pay[\s\S]*Expected: 200\s+Received: 502/],
    ["browser-only-error", () => purchase, /POST \/api\/pay[\s\S]*Expected: 200\s+Received: "no answer"/],
    ["browser-only-error", () => broken, /errors of the page[\s\S]*Cannot read properties of undefined/],
  ] as const)("it fails on %s by what it asserts", { timeout: RUN_MS }, async (fault, content, expected) => {
    const run = await withFault(fault, () => runPlaywright(content(), shop.url, TYPED));
    expect({ passed: run.passed, broken: run.broken }).toEqual({ passed: false, broken: [] });
    expect(run.messages[0]).toMatch(expected);
  });
});

async function searchByButton(page: Page): Promise<void> {
  await page.getByLabel("Search").fill("lamp");
  await page.getByRole("button", { name: "Search" }).click();
}

async function searchByEnter(page: Page): Promise<void> {
  await page.getByLabel("Search").pressSequentially("lampe");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
}

function requestsTo(record: StoredRecord, path: string): boolean {
  return record.kind === "span" && record.spanKind === "client" && record.attributes["url.path"] === path;
}
