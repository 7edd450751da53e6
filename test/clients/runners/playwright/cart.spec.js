import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { expect, test } from "../../../../src/adapters/test-runs/playwright-fixture.ts";

/** An app that answers with the traceparent it was called with. */
const app = createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  response.end(`<!doctype html><title>${request.headers.traceparent}</title><p>cart</p>`);
});

test.beforeAll(() => new Promise((resolve) => app.listen(0, "127.0.0.1", resolve)));
test.afterAll(() => app.close());
const url = () => `http://127.0.0.1:${app.address().port}/`;

test.describe("cart", () => {
  test("adds", async ({ request, traceparent }) => {
    console.log(execFileSync("sh", ["-c", 'echo "running in $TRACEPARENT"'], { encoding: "utf8" }));
    const response = await test.step("look at the cart", () => request.get(url()));
    expect(await response.text()).toContain(traceparent);
  });
  test("totals", async () => {
    expect({ total: 41 }.total).toBe(42);
  });
  test.skip("ships", () => undefined);
  test("settles", async ({ request }, info) => {
    await request.get(url());
    expect(info.retry).toBe(1);
  });
  test("opens", async ({ page, traceparent }) => {
    test.skip(process.env.CHROMIUM === undefined, "no Chromium");
    await page.goto(url());
    expect(await page.title()).toBe(traceparent);
    expect(await page.locator('meta[name="traceparent"]').getAttribute("content")).toBe(traceparent);
  });
});
