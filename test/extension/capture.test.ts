import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredLog, StoredSpan } from "../../src/store/telemetry-store.ts";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";
import { html, json, type Site, startSite } from "./site.ts";

const logs = (): Promise<StoredLog[]> => browser.daemon.logs("browser");
const spans = (): Promise<StoredSpan[]> => browser.daemon.spans("browser");

/** Waits until the daemon holds such a log, and returns it. */
async function logWhere(is: (log: StoredLog) => boolean): Promise<StoredLog> {
  return expect
    .poll(async () => (await logs()).find(is), WAIT)
    .toBeDefined()
    .then(async () => (await logs()).find(is)!);
}
async function spanWhere(is: (span: StoredSpan) => boolean): Promise<StoredSpan> {
  return expect
    .poll(async () => (await spans()).find(is), WAIT)
    .toBeDefined()
    .then(async () => (await spans()).find(is)!);
}
const WAIT = { timeout: 8_000, interval: 50 };

let browser: ExtensionBrowser;
let site: Site;

describe.skipIf(chromiumPath() === undefined)("capture in Chromium", () => {
  beforeAll(async () => {
    site = await startSite({
      "/": html(`<button id="pay">Pay</button>
        <script>
          document.querySelector("#pay").addEventListener("click", async () => {
            const answer = await fetch("/api/pay", { method: "POST", body: "{}" });
            console.error("payment failed", { status: answer.status });
          });
        </script>`),
      "/api/pay": json({ error: "no" }, 500),
    });
    browser = await openExtension();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test("a click, its request and its console line are one trace", async () => {
    const page = await browser.context.newPage();
    await page.goto(`${site.url}/`);
    await page.click("#pay");
    const line = await logWhere(({ body }) => String(body).startsWith("payment failed"));
    expect(line.body).toBe('payment failed {"status":500}');
    expect(line.severity).toBe(17);
    expect(line.attributes["session.id"]).toMatch(/^[0-9a-f]{32}$/);
    const request = await spanWhere(({ attributes }) => String(attributes["url.full"]).endsWith("/api/pay"));
    const click = await spanWhere(({ spanId }) => spanId === request.parentSpanId);
    expect(click.name).toBe('click button "Pay"');
    expect(request.statusCode).toBe("error");
    expect(line.traceId).toBe(click.traceId);
    expect(site.last("/api/pay")?.headers["traceparent"]).toBe(`00-${request.traceId}-${request.spanId}-01`);
    const load = await spanWhere(({ name }) => name === "page load /");
    expect(click.links).toMatchObject([{ traceId: load.traceId, spanId: load.spanId }]);
    expect(site.last("/")?.headers["traceparent"]).toBe(`00-${load.traceId}-${load.spanId}-01`);
    await page.close();
  });
});
