import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pairingToken } from "../../src/http/pairing.ts";
import type { Gasoline } from "../../src/main.ts";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";
import { openPopup, pair, startDaemon } from "./paired.ts";
import { html, type Site, startSite } from "./site.ts";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const KEY = "key-of-a-user";

describe.skipIf(chromiumPath() === undefined)("popup", () => {
  const ours = mkdtempSync(join(tmpdir(), "gasoline-ours-"));
  const other = mkdtempSync(join(tmpdir(), "gasoline-other-"));
  let browser: ExtensionBrowser;
  let site: Site;
  let page: Page;
  let popup: Page;
  let port: number;
  let daemon: Gasoline | undefined;

  const connection = () => popup.locator("#connection");
  const connected = () => expect.poll(() => connection().textContent(), { timeout: 15_000 });

  beforeAll(async () => {
    port = await freePort();
    site = await startSite({ "/": html(`<button onclick="nothing.at.all()">Break</button>`) });
    browser = await openExtension({
      prepare: (folder) => pair(folder, `http://127.0.0.1:${port}`, pairingToken(ours), KEY),
    });
    page = await browser.context.newPage();
    await page.goto(site.url);
    popup = await openPopup(browser);
  });
  afterAll(async () => {
    await browser?.close();
    await daemon?.close();
    await site?.close();
    for (const folder of [ours, other]) rmSync(folder, { recursive: true, force: true });
  });

  it("says that no daemon is there, and finds one that comes", async () => {
    await connected().toMatch(/No daemon answers at .*Start one with `gasoline`/);
    daemon = await startDaemon(ours, port);
    await connected().toMatch(/^Connected to gasoline \d/);
  });

  it("counts what was delivered", async () => {
    await page.bringToFront();
    await page.getByRole("button").click();
    await expect
      .poll(() => popup.locator("#delivery").textContent(), { timeout: 10_000 })
      .toMatch(/^[1-9]\d* records/);
  });

  it("keeps what is switched", async () => {
    await popup.locator("#evaluate").check();
    await popup.reload();
    await expect.poll(() => popup.locator("#evaluate").isChecked()).toBe(true);
    expect(await popup.locator("#bodies").isChecked()).toBe(false);
  });

  it("pauses capture, and goes on", async () => {
    const said = async () =>
      (await lines(daemon)).filter((line) => /^(before|while|after) the pause$/.test(line));
    await page.evaluate('console.log("before the pause")');
    await expect.poll(said, { timeout: 10_000 }).toEqual(["before the pause"]);
    await popup.locator("#paused").check();
    await expect.poll(() => popup.locator("#captured").textContent()).toMatch(/while capture is paused/);
    await page.evaluate('console.log("while the pause")');
    await popup.locator("#paused").uncheck();
    await expect.poll(() => popup.locator("#captured").textContent()).toMatch(/is captured:/);
    await page.evaluate('console.log("after the pause")');
    await expect.poll(said, { timeout: 10_000 }).toEqual(["before the pause", "after the pause"]);
  });

  it("is readable in the light and in the dark, without scrolling sideways", async () => {
    await popup.setViewportSize({ width: 384, height: 500 });
    for (const colorScheme of ["light", "dark"] as const) {
      await popup.emulateMedia({ colorScheme });
      const [ink, paper] = await popup.evaluate<[string, string]>(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]",
      );
      expect(Math.abs(lightness(ink) - lightness(paper))).toBeGreaterThan(150);
    }
    expect(await popup.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  });

  it("connects again when the worker was ended", async () => {
    const session = await browser.context.newCDPSession(popup);
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
    await session.detach();
    await popup.reload();
    await connected().toMatch(/^Connected/);
  });

  it("says that the token is another", async () => {
    await daemon?.close();
    daemon = await startDaemon(other, port);
    await connected().toMatch(/The pairing token is another/);
  });

  it.each([
    ["another", /GASOLINE_API_KEY is missing or another/],
    [KEY, /^Connected/],
  ])("meets a daemon whose key is %j", async (key, said) => {
    await daemon?.close();
    daemon = await startDaemon(ours, port, key);
    await connected().toMatch(said);
    await page.evaluate(`console.log("to the daemon with key ${key}")`);
    if (key !== KEY) return;
    const told = async () => (await lines(daemon)).includes(`to the daemon with key ${key}`);
    await expect.poll(told, { timeout: 10_000 }).toBe(true);
  });
});

/** What pages have logged, oldest first. */
async function lines(daemon: Gasoline | undefined): Promise<string[]> {
  const query = { filter: { service: "browser" }, order: "oldest", limit: 1_000 } as const;
  const records = (await daemon?.store.records(query))?.records ?? [];
  return records.flatMap((record) => (record.kind === "log" ? [String(record.body)] : []));
}

/** Of `rgb(r, g, b)`, 0 to 255. */
function lightness(color: string): number {
  const channels = (color.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  return channels.reduce((sum, channel) => sum + channel, 0) / 3;
}
