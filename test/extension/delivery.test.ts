import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PopupState } from "../../extension/model/popup-messages.ts";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";
import { openPopup, startDaemon } from "./paired.ts";
import { html, type Site, startSite } from "./site.ts";

interface LogsBody {
  readonly resourceLogs: { scopeLogs: { logRecords: { body: { stringValue: string } }[] }[] }[];
}

/** Stands where the daemon would, counts each line by its text, and is as slow or absent as told. */
class Collector {
  readonly #port: number;
  #server = createServer();
  /** How often each console line came. */
  readonly lines = new Map<string, number>();
  delayMs = 0;
  /** What it answers with; 200 unless told. */
  status = 200;

  constructor(port: number) {
    this.#port = port;
  }

  async start(): Promise<void> {
    this.#server = createServer(async (request, response) => {
      let text = "";
      for await (const chunk of request.setEncoding("utf8")) text += chunk;
      if (this.status === 200 && request.url === "/v1/logs") this.#count(JSON.parse(text) as LogsBody);
      setTimeout(
        () => response.writeHead(this.status, { "content-type": "application/json" }).end("{}"),
        this.delayMs,
      );
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  count(prefix: string): number {
    return [...this.lines.keys()].filter((line) => line.startsWith(prefix)).length;
  }

  #count({ resourceLogs }: LogsBody): void {
    for (const { body } of resourceLogs
      .flatMap(({ scopeLogs }) => scopeLogs)
      .flatMap(({ logRecords }) => logRecords)) {
      this.lines.set(body.stringValue, (this.lines.get(body.stringValue) ?? 0) + 1);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(chromiumPath() === undefined)("delivery", () => {
  let browser: ExtensionBrowser;
  let site: Site;
  let collector: Collector;
  let port: number;
  let page: Page;
  let popup: Page;

  beforeAll(async () => {
    port = await freePort();
    collector = new Collector(port);
    site = await startSite({ "/": html("<p>hi</p>"), "/away": html("<p>away</p>") });
    browser = await openExtension({ endpoint: `http://127.0.0.1:${port}` });
    page = await browser.newPage();
    await page.goto(`${site.url}/`);
    popup = await openPopup(browser);
    await page.bringToFront();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await collector?.stop();
  });

  const told = (): Promise<PopupState["delivery"]> =>
    popup.evaluate(
      `new Promise((resolve) => { const port = chrome.runtime.connect({ name: "popup" });
        port.onMessage.addListener(({ delivery }) => { port.disconnect(); resolve(delivery) }) })`,
    );
  const log = (name: string, count: number) =>
    page.evaluate(`for (let i = 0; i < ${count}; i++) console.log("${name} " + i)`);
  const settled = () =>
    expect.poll(async () => (await told()).queued, { timeout: 25_000, interval: 100 }).toBe(0);
  const arrived = (name: string) =>
    expect.poll(() => collector.count(`${name} `), { timeout: 15_000, interval: 100 });

  test("what happens before the daemon comes arrives when it does, once", async () => {
    await log("early", 5_000);
    await expect.poll(async () => (await told()).queued).toBeGreaterThanOrEqual(5_000);
    await expect.poll(() => popup.locator("#problems").textContent()).toContain("cannot be reached");
    await collector.start();
    await arrived("early").toBe(5_000);
    await settled();
    expect((await told()).dropped).toBe(0);
  });

  test("a daemon that is slow, answers 503, and is started again loses nothing", async () => {
    collector.delayMs = 300;
    await log("slow", 3_000);
    await arrived("slow").toBe(3_000);
    collector.status = 503;
    await log("refused", 1_000);
    await expect.poll(() => popup.locator("#problems").textContent()).toContain("503");
    await collector.stop();
    collector.status = 200;
    collector.delayMs = 0;
    await log("between", 1_000);
    await collector.start();
    await arrived("refused").toBe(1_000);
    await arrived("between").toBe(1_000);
    await settled();
    expect((await told()).dropped).toBe(0);
  });

  test("none of 5,000 lines a second is dropped", async () => {
    await page.evaluate(
      `new Promise((resolve) => {
        let line = 0;
        const begun = performance.now();
        const timer = setInterval(() => {
          const due = Math.min(15_000, Math.floor((performance.now() - begun) * 5));
          while (line < due) console.log("steady " + line++);
          if (line === 15_000) { clearInterval(timer); resolve(); }
        }, 10);
      })`,
    );
    await arrived("steady").toBe(15_000);
    await settled();
    expect((await told()).dropped).toBe(0);
  });

  test("of 100,000 lines at once, what arrived and what was dropped are all", async () => {
    const { dropped: before } = await told();
    await log("flood", 100_000);
    await settled();
    await expect
      .poll(async () => collector.count("flood ") + (await told()).dropped - before, { timeout: 20_000 })
      .toBe(100_000);
    const twice = [...collector.lines].filter(([line, times]) => line.startsWith("flood ") && times > 1);
    expect(twice).toEqual([]);
    console.info(`of 100,000 lines ${collector.count("flood ")} arrived`);
    expect(await popup.locator("#delivery").textContent()).toContain("dropped");
  });

  test("what a page told last arrives, though it goes at once", async () => {
    await page.evaluate(
      `addEventListener("pagehide", () => console.log("last words 1"));
       document.addEventListener("visibilitychange", () => console.log("last words 2"));
       console.log("last words 0"); location.href = "/away"`,
    );
    await arrived("last words").toBe(3);
  });

  test("50 tabs at once", async () => {
    const { dropped: before } = await told();
    const pages = await Promise.all(Array.from({ length: 50 }, () => browser.context.newPage()));
    await Promise.all(
      pages.map(async (each, index) => {
        await each.goto(`${site.url}/`);
        await each.evaluate(`for (let i = 0; i < 100; i++) console.log("tabs ${index} " + i)`);
      }),
    );
    await arrived("tabs").toBe(5_000);
    expect((await told()).dropped).toBe(before);
    await Promise.all(pages.map((each) => each.close()));
  });

  test("a real daemon takes over", async () => {
    await collector.stop();
    await log("handed over", 10);
    const stateDir = mkdtempSync(join(tmpdir(), "gasoline-delivery-"));
    const daemon = await startDaemon(stateDir, port);
    const logs = async () =>
      (await daemon.store.records({ filter: { service: "browser" }, order: "oldest", limit: 1_000 })).records;
    await expect
      .poll(
        async () =>
          (await logs()).filter((each) => each.kind === "log" && String(each.body).startsWith("handed over"))
            .length,
        { timeout: 15_000 },
      )
      .toBe(10);
    await daemon.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
});
