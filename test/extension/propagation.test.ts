import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension, openPlainBrowser } from "./browser.ts";
import { html, json, type Route, type Site, startSite } from "./site.ts";

const ANY = { "access-control-allow-origin": "*" };

/** What a page may ask for, by name; `{other}` is another origin, `{dead}` a port where nobody listens. */
const REQUESTS: Readonly<Record<string, string>> = {
  "same origin": "fetch('/ok')",
  "same origin, Request object": "fetch(new Request('/ok', { method: 'POST', body: 'x' }))",
  "same origin, frozen options": "fetch('/ok', Object.freeze({ headers: Object.freeze({ 'x-a': '1' }) }))",
  "other origin, any origin allowed": "fetch('{other}/open')",
  "other origin, nothing allowed": "fetch('{other}/closed')",
  "other origin, no-cors": "fetch('{other}/closed', { mode: 'no-cors' })",
  "other origin, preflight without traceparent":
    "fetch('{other}/json', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })",
  "own traceparent":
    "fetch('/ok', { headers: { traceparent: '00-11111111111111111111111111111111-2222222222222222-01' } })",
  "service down": "fetch('{dead}/')",
  aborted: "fetch('/slow', { signal: AbortSignal.timeout(100) })",
  streaming: "fetch('/stream')",
};

/** The header a script sent goes along with a redirect, and there needs a preflight that it did not need before. */
const REDIRECTS: Readonly<Record<string, string>> = {
  "redirect to another origin": "fetch('/away')",
  "redirect of a POST to another origin": "fetch('/away', { method: 'POST', body: 'x' })",
  "XHR redirected to another origin":
    "new Promise((resolve, reject) => { const x = new XMLHttpRequest(); x.open('GET', '/away'); x.onload = () => resolve(x); x.onerror = () => reject(new TypeError()); x.send(); })",
};

const preflighted: Route = (request, response) => {
  const headers = {
    ...ANY,
    "access-control-allow-headers": "content-type",
    "content-type": "application/json",
  };
  response.writeHead(request.method === "OPTIONS" ? 204 : 200, headers).end();
};

describe.skipIf(chromiumPath() === undefined)("propagation in Chromium", () => {
  let other: Site;
  let site: Site;
  let extension: ExtensionBrowser;
  let plain: Awaited<ReturnType<typeof openPlainBrowser>>;

  beforeAll(async () => {
    other = await startSite({ "/open": json({}, 200, ANY), "/closed": json({}), "/json": preflighted });
    site = await startSite({
      "/": html("<p>hi</p>"),
      "/ok": json({}),
      "/slow": () => undefined,
      "/away": (_, response) => response.writeHead(302, { location: `${other.url}/open` }).end(),
      "/stream": (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("data: 1\n\n");
      },
    });
    [extension, plain] = await Promise.all([openExtension(), openPlainBrowser()]);
  });
  afterAll(async () => {
    await Promise.all([extension?.close(), plain?.close()]);
    await Promise.all([site?.close(), other?.close()]);
  });

  /** The status each request of the table got, or the name of its error. */
  async function outcomes(page: Page, requests: Readonly<Record<string, string>>) {
    await page.goto(`${site.url}/`);
    const told: Record<string, unknown> = {};
    for (const [name, source] of Object.entries(requests)) {
      const script = source.replaceAll("{other}", other.url).replaceAll("{dead}", "http://127.0.0.1:9");
      told[name] = await page.evaluate(`(${script}).then((answer) => answer.status, (error) => error.name)`);
    }
    return told;
  }

  test("no request that worked without the extension fails with it", async () => {
    const without = await outcomes(await plain.context.newPage(), REQUESTS);
    const withIt = await outcomes(await extension.newPage(), REQUESTS);
    expect(without).toMatchObject({
      "other origin, any origin allowed": 200,
    });
    expect(withIt).toEqual(without);
  });

  // Known to fail: the one case in which the script header costs a request.
  test.fails("a same-origin request that is redirected to another origin works as before", async () => {
    const without = await outcomes(await plain.context.newPage(), REDIRECTS);
    expect(await outcomes(await extension.newPage(), REDIRECTS)).toEqual(without);
  });

  test("requests to another service under development carry the page's trace, own headers are kept", async () => {
    const page = await extension.newPage();
    await page.goto(`${site.url}/`);
    const load = /^00-([0-9a-f]{32})-/.exec(String(site.last("/")?.headers.traceparent))?.[1];
    await page.evaluate(`fetch('${other.url}/open')`);
    expect(other.last("/open")?.headers.traceparent).toContain(load);
    await page.evaluate(REQUESTS["own traceparent"]!);
    expect(site.last("/ok")?.headers.traceparent).toBe(
      "00-11111111111111111111111111111111-2222222222222222-01",
    );
  });

  test("under a test's step the page joins the test's trace", async () => {
    const page = await extension.newPage();
    const step = "00-33333333333333333333333333333333-4444444444444444-01";
    await page.addInitScript(`window.__gasolineTraceparent = "${step}"`);
    await page.goto(`${site.url}/`);
    await page.evaluate("fetch('/ok')");
    expect(site.last("/ok")?.headers.traceparent).toContain("33333333333333333333333333333333");
  });
});
