import { text } from "node:stream/consumers";
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

/** Ways to ask for `{path}` with `{method}`, a body unless it is GET, and credentials or not. */
const ASKING: Readonly<Record<string, string>> = {
  fetch: "fetch('{path}', { method: '{method}', body: {body}, credentials: '{credentials}' })",
  "fetch of a Request":
    "fetch(new Request('{path}', { method: '{method}', body: {body}, credentials: '{credentials}' }))",
  XHR: `new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const seen = [];
    for (const type of ["readystatechange", "loadstart", "error", "load", "loadend"])
      xhr.addEventListener(type, () => seen.push(type === "readystatechange" ? xhr.readyState : type));
    xhr.open("{method}", "{path}");
    xhr.withCredentials = "{credentials}" === "include";
    xhr.onloadend = () => resolve({ status: xhr.status, url: xhr.responseURL, redirected: seen.join(), text: async () => xhr.responseText });
    xhr.send({body});
  })`,
};

/**
 * Requests to the page's own origin that are answered with a redirect to another: the header a script sent goes along,
 * and there it needs a preflight that the request did not need before. `/echo-any` allows all origins, `/echo-one`
 * the page's with credentials, `/closed` none; none of them answers a preflight.
 */
function redirects(): Record<string, string> {
  const table: Record<string, string> = {};
  for (const [way, source] of Object.entries(ASKING)) {
    for (const method of ["GET", "POST", "PUT"]) {
      for (const status of [301, 302, 303, 307, 308]) {
        for (const [to, credentials] of [
          ["/echo-any", "same-origin"],
          ["/echo-one", "include"],
          ["/closed", "same-origin"],
        ] as const) {
          // A PUT needs a preflight by itself.
          if (method === "PUT" && (status !== 303 || to === "/closed")) continue;
          table[`${way} ${method} ${status} ${to}`] = source
            .replaceAll("{path}", `/away?status=${status}&to=${to}`)
            .replaceAll("{method}", method)
            .replaceAll("{body}", method === "GET" ? "null" : "'x=1'")
            .replaceAll("{credentials}", credentials);
        }
      }
    }
  }
  return table;
}

/** Says what arrived, to those whom `headers` allow to read it; a preflight is refused. */
const echo =
  (headers: (origin: string) => Readonly<Record<string, string>>): Route =>
  async (request, response) => {
    if (request.method === "OPTIONS") {
      response.writeHead(405).end();
      return;
    }
    const body = await text(request);
    response.writeHead(200, headers(request.headers.origin ?? ""));
    const { cookie, "content-type": type } = request.headers;
    response.end(JSON.stringify([request.method, body, type, cookie]));
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
    other = await startSite({
      "/open": json({}, 200, ANY),
      "/closed": json({}),
      "/json": preflighted,
      "/echo-any": echo(() => ANY),
      "/echo-one": echo((origin) => ({
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
      })),
    });
    site = await startSite({
      "/": html("<p>hi</p>"),
      "/ok": json({}),
      "/slow": () => undefined,
      "/away": (request, response) => {
        const { searchParams } = new URL(request.url ?? "", "http://a");
        const location = `${other.url}${searchParams.get("to")}`;
        response.writeHead(Number(searchParams.get("status")), { location }).end();
      },
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

  test("a request that is redirected to another origin works as before, and is made once", async () => {
    const table = redirects();
    const told = async (page: Page) => {
      await page.goto(`${site.url}/`);
      const before = site.arrived.length;
      const results: Record<string, unknown> = {};
      for (const [name, source] of Object.entries(table)) {
        results[name] = await page.evaluate(
          `(${source}).then(async (r) => [r.status, r.redirected, r.url, await r.text()], (error) => error.name)`,
        );
      }
      return { results, asked: site.arrived.length - before };
    };
    const without = await told(await plain.context.newPage());
    expect(
      Object.values(without.results).filter((result) => Array.isArray(result) && result[0] === 200).length,
    ).toBeGreaterThan(50);
    expect(await told(await extension.newPage())).toEqual(without);
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
