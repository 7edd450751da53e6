import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { buildExtension } from "../../scripts/build-extension.ts";
import { startTestDaemon, type TestDaemon } from "../adapters/daemon.ts";
import { chromiumPath } from "../support/chromium.ts";

/** Keeps a browser under test from talking to anybody. */
export const QUIET_ARGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--disable-quic",
];

/** A Chromium with the extension in it, and the daemon it reports to. */
export interface ExtensionBrowser {
  readonly daemon: TestDaemon;
  readonly context: BrowserContext;
  /** Bytes of the scripts that run in every page. */
  readonly pageBytes: number;
  /** A tab whose first navigation is linked: opened, and waited for until the worker has its rules in place. */
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/**
 * Builds the extension for a daemon of its own, or for `endpoint`, and starts Chromium with it. The daemon always
 * runs; it hears nothing when the extension is told of another endpoint.
 */
export async function openExtension(
  options: {
    readonly endpoint?: string;
    readonly args?: readonly string[];
    /** Changes the built folder before it is loaded. */
    readonly prepare?: (folder: string) => void;
  } = {},
): Promise<ExtensionBrowser> {
  const daemon = await startTestDaemon();
  const folder = mkdtempSync(join(tmpdir(), "gasoline-extension-"));
  const built = await buildExtension(join(folder, "extension"));
  const config = { endpoint: options.endpoint ?? daemon.gasoline.url, token: "" };
  writeFileSync(join(built.folder, "config.json"), JSON.stringify(config));
  options.prepare?.(built.folder);
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: chromiumPath()!,
    headless: true,
    args: [
      `--load-extension=${built.folder}`,
      `--disable-extensions-except=${built.folder}`,
      ...QUIET_ARGS,
      ...(options.args ?? []),
    ],
  });
  // The worker's rules for a tab's first navigation must be in place before the first test navigates.
  if (context.serviceWorkers().length === 0) await context.waitForEvent("serviceworker");
  return {
    daemon,
    context,
    pageBytes: built.pageBytes,
    newPage: async () => {
      // Tabs, not rules, are counted: those of a page just closed may go meanwhile.
      const tabs =
        "chrome.declarativeNetRequest.getSessionRules().then((all) => all.flatMap(({ condition }) => condition.tabIds ?? []))";
      const [worker] = context.serviceWorkers();
      const before = new Set(await worker?.evaluate<number[]>(tabs));
      const page = await context.newPage();
      while ((await worker?.evaluate<number[]>(tabs))?.every((id) => before.has(id)))
        await page.evaluate("0");
      return page;
    },
    close: async () => {
      await context.close();
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The same Chromium without the extension, to compare with. */
export async function openPlainBrowser(): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "gasoline-plain-"));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: chromiumPath()!,
    headless: true,
    args: QUIET_ARGS,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
