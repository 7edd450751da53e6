import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredLog, StoredSpan } from "../../src/store/telemetry-store.ts";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";
import { html, json, type Site, startSite } from "./site.ts";

const logs = (): Promise<StoredLog[]> => browser.daemon.logs("browser");
const spans = (): Promise<StoredSpan[]> => browser.daemon.spans("browser");

/** Waits until the daemon holds such a record, and returns it. */
async function found<T>(all: () => Promise<T[]>, is: (record: T) => boolean): Promise<T> {
  let record: T | undefined;
  await expect.poll(async () => (record = (await all()).find(is)), WAIT).toBeDefined();
  return record!;
}
const logWhere = (is: (log: StoredLog) => boolean) => found(logs, is);
const spanWhere = (is: (span: StoredSpan) => boolean) => found(spans, is);
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
      "/many": html("<script>for (let i = 0; i < 10_000; i++) console.log('line ' + i);</script>"),
      "/strict": html("<button>Strict</button>", {
        "content-security-policy":
          "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      }),
      "/hostile": html(`<script>
          const original = console.log;
          Array.prototype.toJSON = () => { throw new Error("toJSON of the page"); };
          Array.prototype.push = function (...all) { original("push"); for (const one of all) this[this.length] = one; return this.length; };
          Object.defineProperty(Object.prototype, "get", { get() { return undefined; }, configurable: true });
          const circular = { name: "circle", get costly() { window.getterCalled = true; return 1; } };
          circular.self = circular;
          console.log("hostile", circular, new Proxy({}, { ownKeys() { throw new Error("trap"); } }));
          window.survived = true;
          window.dispatchEvent(new CustomEvent("gasoline360:ready"));
          window.dispatchEvent(new CustomEvent("gasoline360:hello", { detail: "mine" }));
          window.dispatchEvent(new CustomEvent("mine:relay", { detail: { type: "records", dropped: 0, records: [
            { kind: "log", traceId: "", spanId: "", timeNs: "1", severity: 9, eventName: "", body: "forged", attributes: {} }] } }));
          window.postMessage({ kind: "records", payload: { records: [] } }, "*");
          console.log("after hostile");
        </script>`),
      "/secrets": html(
        `<form><input name="user" aria-label="User" required minlength="3"><input type="password" name="pw" aria-label="Pass phrase"></form>`,
      ),
      "/overwrites": html(`<script>
          const before = window.fetch;
          window.fetch = (...args) => before(...args);
          console.log = () => {};
          console.warn("still here");
          window.gasoline.event("cart.filled", { items: 3, token: "abc" });
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
    const page = await browser.newPage();
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
    expect(site.last("/api/pay")?.headers.traceparent).toBe(`00-${request.traceId}-${request.spanId}-01`);
    const load = await spanWhere(({ name }) => name === "page load /");
    expect(click.links).toMatchObject([{ traceId: load.traceId, spanId: load.spanId }]);
    expect(site.last("/")?.headers.traceparent).toBe(`00-${load.traceId}-${load.spanId}-01`);
    await page.close();
  });

  test("10,000 lines in one turn all arrive", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/many`);
    const count = async () => (await logs()).filter(({ body }) => /^line \d+$/.test(String(body))).length;
    await expect.poll(count, { timeout: 15_000, interval: 200 }).toBe(10_000);
    await page.close();
  });

  test("a strict policy with trusted types keeps nothing back", async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(`${site.url}/strict`);
    await page.click("button");
    await spanWhere(({ name }) => name === 'click button "Strict"');
    expect(complaints.filter((text) => !text.includes("favicon"))).toEqual([]);
    await page.close();
  });

  test("hostile prototypes, getters and forged messages do no harm", async () => {
    const page = await browser.newPage();
    const thrown: string[] = [];
    page.on("pageerror", (error) => thrown.push(error.message));
    await page.goto(`${site.url}/hostile`);
    expect(await page.evaluate("[window.survived, window.getterCalled]")).toEqual([true, undefined]);
    await logWhere(({ body }) => body === "after hostile");
    expect(thrown).toEqual([]);
    expect((await logs()).some(({ body }) => body === "forged")).toBe(false);
    await page.close();
  });

  test("what is typed stays in the page, its length and validity do not", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/secrets`);
    await page.fill("[name=user]", "zq");
    await page.fill("[name=pw]", "correct horse");
    await page.press("[name=pw]", "Tab");
    const input = await logWhere(({ attributes }) => attributes["gasoline.browser.input.name"] === "user");
    expect(input.attributes).toMatchObject({ "gasoline.browser.input.required": true });
    await logWhere(({ attributes }) => attributes["gasoline.browser.input.type"] === "password");
    const told = JSON.stringify([await logs(), await spans()], (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    expect(told).not.toContain("correct horse");
    await page.close();
  });

  test("a page that replaces console and fetch, and events of its own", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/overwrites`);
    await logWhere(({ body }) => body === "still here");
    const event = await logWhere(({ eventName }) => eventName === "cart.filled");
    expect(event.stream).toBe("custom");
    expect(event.attributes).toMatchObject({ items: 3, token: "***" });
    expect(await page.evaluate("fetch('/api/pay').then((answer) => answer.status)")).toBe(500);
    await page.close();
  });

  test("pages pay no more than 115,000 bytes of script", () => {
    expect(browser.pageBytes).toBeLessThanOrEqual(115_000);
  });
});
