import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { chromiumPath } from "../support/chromium.ts";

const HANDS = fileURLToPath(new URL("../../extension/relay/hands", import.meta.url));

/**
 * Chromium with the modules of the hands loaded into plain pages as global `hands`: what concerns the DOM alone, without
 * an extension. What runs in a page is given as text, since these tests are checked without the types of a DOM.
 */
export interface HandsBrowser {
  /** A page with this body. */
  open(body: string): Promise<Page>;
  close(): Promise<void>;
}

export async function startHandsBrowser(): Promise<HandsBrowser> {
  const modules = ["selectors", "find", "steps", "page-state", "dom-snapshot"];
  const bundle = await build({
    stdin: {
      contents: modules.map((name) => `export * from "./${name}.ts";`).join("\n"),
      resolveDir: HANDS,
    },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "hands",
    target: "chrome120",
  });
  const script = bundle.outputFiles[0]!.text;
  const browser: Browser = await chromium.launch({ executablePath: chromiumPath()!, headless: true });
  const context = await browser.newContext();
  return {
    open: async (body) => {
      const page = await context.newPage();
      await page.setContent(`<!doctype html><html lang="en"><title>Test</title><body>${body}</body></html>`);
      await page.addScriptTag({ content: script });
      return page;
    },
    close: () => browser.close(),
  };
}
