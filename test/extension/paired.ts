import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { DEFAULTS } from "../../src/config.ts";
import { pairingToken } from "../../src/http/pairing.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";

/** A real daemon, and a Chromium whose extension is paired with it. */
export interface Paired {
  readonly gasoline: Gasoline;
  readonly browser: ExtensionBrowser;
  /** `POST /api/interact`, as JSON. */
  interact(input: object): Promise<InteractReply>;
  /** The extension's popup as a tab, where it works alike. */
  popup(): Promise<Page>;
  close(): Promise<void>;
}

/** What the tests read of a reply. */
export interface InteractReply {
  readonly error?: { readonly code: string; readonly message: string };
  readonly rows: readonly {
    readonly result?: string;
    readonly reason?: string;
    readonly [field: string]: unknown;
  }[];
  readonly [field: string]: unknown;
}

export const EXTENSION_ID = "amnppckhcoipedcfbejpminmjkgbhkil";

const PAIRED_MS_MAX = 15_000;

export async function startDaemon(stateDir: string, port = 0, apiKey = ""): Promise<Gasoline> {
  return startGasoline({ ...DEFAULTS, port, aliases: [], stateDir, apiKey }, () => undefined);
}

/**
 * Opens both and waits until the daemon sees the extension. All sites are allowed from the start, since nobody can
 * answer Chrome's question in a test; Chrome wants that for screenshots.
 */
export async function openPaired(): Promise<Paired> {
  const stateDir = mkdtempSync(join(tmpdir(), "gasoline-paired-"));
  const gasoline = await startDaemon(stateDir);
  const browser = await openExtension({
    prepare: (folder) => pair(folder, gasoline.url, pairingToken(stateDir)),
  });
  const interact = async (input: object): Promise<InteractReply> => {
    const response = await fetch(`${gasoline.url}/api/interact`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(input),
    });
    return (await response.json()) as InteractReply;
  };
  await untilPaired(interact);
  return {
    gasoline,
    browser,
    interact,
    popup: () => openPopup(browser),
    close: async () => {
      await browser.close();
      await gasoline.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

async function untilPaired(interact: Paired["interact"]): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const { error } = await interact({ action: "page" });
    if (error?.code !== "not_paired") return;
    if (performance.now() - startMs > PAIRED_MS_MAX) throw new Error(error.message);
    await pause(50);
  }
}

/** What `gasoline extension` writes, and the permission that a user gives in the popup. */
export function pair(folder: string, endpoint: string, token: string, key = ""): void {
  writeFileSync(join(folder, "config.json"), JSON.stringify({ endpoint, token, key }));
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
    host_permissions: string[];
  };
  manifest.host_permissions.push("<all_urls>");
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
}

export async function openPopup({ context }: ExtensionBrowser): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`chrome-extension://${EXTENSION_ID}/popup/index.html`);
  return page;
}
