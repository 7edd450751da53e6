import { chromium } from "@playwright/test";
import { test as base, expect } from "../../../../src/adapters/test-runs/playwright-fixture.ts";

/** Clicks on Pay that the daemon holds. */
async function clicksHeld() {
  const query = new URLSearchParams({ what: "timeline", name: 'click button "Pay"' });
  const answer = await fetch(`${process.env.GASOLINE_ENDPOINT}/api/observe?${query}`);
  return (await answer.json()).metadata.total_count;
}

/** A browser with the extension, as Playwright's documentation of extensions has it. */
const test = base.extend({
  context: async ({ baseURL }, use) => {
    const extension = process.env.EXTENSION;
    const context = await chromium.launchPersistentContext("", {
      executablePath: process.env.CHROMIUM,
      headless: true,
      baseURL,
      args: ["--no-sandbox", `--load-extension=${extension}`, `--disable-extensions-except=${extension}`],
    });
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
    // From here on it hears of navigations.
    const rules = "chrome.declarativeNetRequest.getSessionRules().then((all) => all.length)";
    while ((await worker.evaluate(rules)) === 0);
    const before = await clicksHeld();
    await use(context);
    // The click's span ends a second after its last request, and the worker sends every second.
    await expect.poll(clicksHeld, { timeout: 10_000 }).toBeGreaterThan(before);
    await context.close();
  },
});

test("pays", async ({ page }) => {
  await page.goto("/");
  await test.step("fill the cart", async () => {
    await page.locator("#products li button").first().click();
    await page.locator("#cart li").waitFor();
  });
  await test.step("pay", async () => {
    await page.getByTestId("pay").click();
    await expect(page.locator("#status")).toContainText("Paid");
  });
});
