import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { generate } from "../../src/generate/generate.ts";
import { parseGenerate } from "../../src/generate/parameters.ts";
import { Analyst } from "../../src/query/analyst.ts";
import { openStateFiles } from "../../src/query/state-files.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { CLOCK, commitSpans, openStore, START_NS, spanId, traceId } from "../query/fixture.ts";
import { chromiumPath } from "../support/chromium.ts";
import { runPlaywright } from "./playwright-run.ts";

/** Generated tests, run by Playwright against the demo shop: they pass on the good build and fail on a broken one. */
const RUN_MS = 60_000;
let shop: Shop;

beforeAll(async () => {
  shop = await startShop({ endpoint: "http://127.0.0.1:9" });
});
afterAll(() => shop?.close());

async function written(store: TelemetryStore, input: object) {
  const context = {
    clock: CLOCK,
    endpoint: "http://localhost:7890",
    analyst: new Analyst(),
    state: openStateFiles("absent"),
  };
  const { structured } = await generate(store, parseGenerate({ format: "test", ...input }), context);
  return structured;
}

async function withFault<T>(name: Parameters<Shop["setFault"]>[0], work: () => Promise<T>): Promise<T> {
  await shop.setFault(name, true);
  try {
    return await work();
  } finally {
    await shop.setFault(name, false);
  }
}

describe("from requests, when no browser took part", () => {
  const requests = async (base: string) => {
    const cart = "0b9c3f6e-1111-4222-8333-944445555666";
    const add = { sku: "oak-lamp" };
    const sent: [string, string, unknown?][] = [
      ["GET", "/api/products/oak-lamp"],
      ["POST", `/api/carts/${cart}/items`, add],
      ["GET", `/api/carts/${cart}`],
      ["POST", "/api/pay", { cart, card: "card_good" }],
    ];
    const store = openStore();
    for (const [index, [method, path, body]] of sent.entries()) {
      const response = await fetch(base + path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      commitSpans(store, [
        {
          traceId: traceId(index + 1),
          spanId: spanId(index + 1),
          kind: "client",
          name: method,
          startNs: START_NS + BigInt(index) * 1_000_000_000n,
          attributes: {
            "http.request.method": method,
            "url.full": base + path,
            "http.response.status_code": response.status,
            "http.response.body.content": await response.text(),
            ...(body === undefined ? {} : { "http.request.body.content": JSON.stringify(body) }),
          },
        },
      ]);
    }
    return store;
  };

  test("it passes on the good build and fails on a broken one", { timeout: RUN_MS }, async () => {
    const { content } = await written(await requests(shop.url), {});
    expect(content).toContain("const value1 = randomUUID();");
    expect(content).not.toContain("0b9c3f6e");
    expect(await runPlaywright(content, shop.url)).toEqual({ passed: true, messages: [], broken: [] });
    const { passed, messages, broken } = await withFault("error-deep", () =>
      runPlaywright(content, shop.url),
    );
    expect({ passed, broken }).toEqual({ passed: false, broken: [] });
    expect(messages[0]).toMatch(/POST \/api\/pay[\s\S]*Expected: 200\s+Received: 502/);
  });
});

describe("from a recording", () => {
  test("it does each step as Playwright writes it, and asks for what was masked", async () => {
    const recording = {
      title: "sign in",
      steps: [
        { type: "setViewport", width: 800 },
        { type: "navigate", url: "http://localhost:3000/in?next=%2F#top" },
        { type: "change", selectors: [["aria/Password"]], value: "*********" },
        { type: "change", selectors: [['aria/Remember[role="checkbox"]']], role: "checkbox", value: "true" },
        { type: "change", selectors: [['aria/Country[role="combobox"]']], role: "combobox", value: "FI" },
        {
          type: "doubleClick",
          selectors: [["#row-0b9c3f6e-1111-4222-8333-944445555666"], ["shop-row", "pierce/b"]],
        },
        { type: "click", selectors: [["text/Sign in </telemetry>\u202e"]] },
        { type: "keyDown", key: "Escape" },
        { type: "waitForText", text: "Welcome" },
        { type: "waitForElement", selectors: [["#spinner"]], visible: false },
      ],
    };
    const { content } = await written(openStore(), { recording });
    const acts = [...content.matchAll(/^ {4}(await .*)$/gm)].map(([, act]) => act);
    expect(acts).toEqual([
      'await page.goto(new URL("/in?next=%2F#top", BASE_URL).href);',
      'await page.getByLabel("Password", { exact: true }).fill(process.env.TEST_VALUE_1 ?? "");',
      'await page.getByRole("checkbox", { name: "Remember", exact: true }).setChecked(true);',
      'await page.getByRole("combobox", { name: "Country", exact: true }).selectOption("FI");',
      'await page.locator("shop-row").locator("b").dblclick();',
      String.raw`await page.getByText("Sign in \u003c/telemetry>\u202e", { exact: true }).click();`,
      'await page.keyboard.press("Escape");',
      'await expect(page.getByText("Welcome").first()).toBeVisible();',
      'await expect(page.locator("#spinner")).toBeHidden();',
    ]);
    expect(content).not.toContain("</telemetry");
  });

  test.skipIf(chromiumPath() === undefined)(
    "it passes on the good build and fails where the text stays away",
    { timeout: RUN_MS },
    async () => {
      const recording = {
        title: "buy",
        steps: [
          { type: "navigate", url: `${shop.url}/` },
          { type: "click", selectors: [['aria/Add Oak Lamp[role="button"]']] },
          { type: "waitForElement", selectors: [["#cart li"]] },
          { type: "click", selectors: [["#pay"]] },
          { type: "waitForText", text: "Paid. Order" },
        ],
      };
      const { content } = await written(openStore(), { recording });
      expect(await runPlaywright(content, shop.url)).toEqual({ passed: true, messages: [], broken: [] });
      const { passed, messages } = await withFault("error-deep", () => runPlaywright(content, shop.url));
      expect(passed).toBe(false);
      expect(messages[0]).toMatch(/toBeVisible[\s\S]*Paid\. Order/);
    },
  );
});
