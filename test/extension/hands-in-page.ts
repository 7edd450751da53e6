import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { chromiumPath } from "../support/chromium.ts";

const HANDS = fileURLToPath(new URL("../../extension/relay/hands", import.meta.url));

/** What the modules of the hands export, as a page sees it under `hands`. */
export interface Hands {
  selectorsOf(element: Element): string[][];
  find: typeof import("../../extension/relay/hands/find.ts").find;
  doStep: typeof import("../../extension/relay/hands/steps.ts").doStep;
  pageState: typeof import("../../extension/relay/hands/page-state.ts").pageState;
  domSnapshot: typeof import("../../extension/relay/hands/dom-snapshot.ts").domSnapshot;
}

declare global {
  var hands: Hands;
}

/** Chromium with the modules of the hands loaded into plain pages: what concerns the DOM alone, without an extension. */
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
