import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";
import { type BrowserRecords, recordsOf } from "./records.ts";
import { html, type Site, startSite } from "./site.ts";

/** A page that says who it is, as markup for a frame. */
const saying = (name: string): string => `<script>console.log(&quot;in ${name}&quot;)</script>`;
const plain = (name: string): string => saying(name).replaceAll("&quot;", "'");

/** Frames by what their documents are; each says its own name. */
const FRAMES: Readonly<Record<string, string>> = {
  "same-origin": "<iframe src='/frame?same-origin'></iframe>",
  "other-origin": "<iframe src='{other}/frame?other-origin'></iframe>",
  srcdoc: `<iframe srcdoc="${saying("srcdoc")}"></iframe>`,
  sandboxed: `<iframe sandbox="allow-scripts" src="/frame?sandboxed"></iframe>`,
  "sandboxed srcdoc": `<iframe sandbox="allow-scripts" srcdoc="${saying("sandboxed srcdoc")}"></iframe>`,
  data: `<iframe src="data:text/html,${encodeURIComponent(plain("data"))}"></iframe>`,
  blob: `<iframe id="blob"></iframe><script>
      document.querySelector("#blob").src = URL.createObjectURL(new Blob(["<script>console.log('in blob')</" + "script>"], { type: "text/html" }));
    </script>`,
  "about:blank": `<iframe id="blank"></iframe><script>
      document.querySelector("#blank").contentWindow.console.log("in about:blank");
    </script>`,
};

describe.skipIf(chromiumPath() === undefined)("frames and the lives of pages", () => {
  let browser: ExtensionBrowser;
  let records: BrowserRecords;
  let site: Site;
  let other: Site;

  beforeAll(async () => {
    const routes = {
      "/frame": html("<script>console.log('in ' + location.search.slice(1))</script>"),
    };
    other = await startSite(routes);
    site = await startSite({
      ...routes,
      "/frames": html(Object.values(FRAMES).join("").replace("{other}", other.url)),
      "/first": html("<p>first</p>"),
    });
    browser = await openExtension();
    records = recordsOf(browser);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([site?.close(), other?.close()]);
  });

  test("frames of every kind are captured, each with a load of its own in the page's trace where it can know", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/frames`);
    for (const name of Object.keys(FRAMES)) {
      const line = await records.log(({ body }) => body === `in ${name}`);
      expect(line.traceId, name).toMatch(/^[0-9a-f]{32}$/);
    }
    const top = await records.span(({ name }) => name === "page load /frames");
    for (const frame of [`${site.url}/frame?same-origin`, `${other.url}/frame?other-origin`]) {
      await page.goto("about:blank");
      const load = await records.span(({ attributes }) => attributes["url.full"] === frame);
      expect(load).toMatchObject({ traceId: top.traceId, parentSpanId: top.spanId });
    }
    await page.close();
  });

  // Chromium keeps no page in that cache under a debugger with an extension, so its events are sent by hand.
  test("a page that is shown again has a new load, linked to the one before", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/first`);
    await page.evaluate(
      `dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
       dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
       console.log("back again")`,
    );
    const line = await records.log(({ body }) => body === "back again");
    await page.close();
    const load = await records.span(({ spanId }) => spanId === line.spanId);
    const [link] = load.links;
    const before = await records.span(({ spanId }) => spanId === link?.spanId);
    expect(before.name).toBe("page load /first");
    expect(load.traceId).not.toBe(before.traceId);
  });
});
