import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FAULT_NAMES, type FaultName, faultOf } from "../../demo/shop/faults.ts";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { driveTraffic } from "../../demo/shop/traffic.ts";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import { type ExtensionBrowser, openExtension } from "../extension/browser.ts";
import { chromiumPath } from "../support/chromium.ts";
import { type Agent, connectAgent } from "./agent.ts";
import { agentTasksPage, BYTES_MAX, CALLS_MAX, doTask, isRight, type TaskRow } from "./agent-tasks.ts";

/** `UPDATE_DOCS=1 npx vitest run test/mcp/agent-tasks.test.ts` writes it again. */
const PAGE = new URL("../../docs/agent-tasks.md", import.meta.url);
const TASK_MS = 60_000;
const VISITS = 12;
/** Faults that make every visit wait, which a few visits show as well. */
const WAITING: readonly FaultName[] = ["timeout-retry", "third-party-slowdown", "twin-slow"];
const VISITS_WAITING = 6;
const VISITS_BROWSER = 4;

let stateDir: string;
let gasoline: Gasoline;
let shop: Shop;
let agent: Agent;
let browser: ExtensionBrowser | undefined;
const rows: TaskRow[] = [];

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "gasoline-tasks-"));
  gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [], stateDir }, () => undefined);
  shop = await startShop({ endpoint: gasoline.url });
  await visit(VISITS, 1);
  agent = await connectAgent(gasoline.url, "agent");
  if (chromiumPath() !== undefined) browser = await openExtension({ endpoint: gasoline.url });
}, TASK_MS);

afterAll(async () => {
  await agent?.close();
  await browser?.close();
  await shop?.close();
  await gasoline?.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function visit(visits: number, seed: number): Promise<void> {
  await driveTraffic({ url: shop.url, seed, visits });
  await shop.flush();
}

/** As many people put a lamp into the cart and pay, until `arrived` has come from the extension for each. */
async function visitInBrowser(visits: number, arrived: string): Promise<void> {
  for (let paid = 1; paid <= visits; paid++) await visitOnce(paid, arrived);
  await shop.flush();
}

async function visitOnce(paid: number, arrived: string): Promise<void> {
  const page = await browser!.newPage();
  await page.goto(`${shop.url}/`);
  await page
    .getByRole("button", { name: /^Add .*Lamp$/ })
    .first()
    .click();
  await page.locator("#cart li").waitFor();
  await page.getByTestId("pay").click();
  const filter = { kinds: ["span", "log"], service: "browser", text: arrived } as const;
  const found = () => gasoline.store.records({ filter, order: "newest", limit: 1 });
  await vi.waitFor(async () => expect((await found()).total).toBeGreaterThanOrEqual(paid), 10_000);
  await page.close();
}

/** The shop without the fault, saved as what is usual, and then with it. */
async function live(name: FaultName): Promise<void> {
  const { needsBrowser = false, cause } = faultOf(name);
  const visits = WAITING.includes(name) ? VISITS_WAITING : VISITS;
  await agent.call("configure", { action: "clear", buffer: "all" });
  await (needsBrowser ? visitInBrowser(VISITS_BROWSER, "/api/pay") : visit(visits, 4));
  const saved = await agent.call("configure", { action: "set_baseline", name: "usual", since: "-5m" });
  expect(saved.isError, saved.content[0]?.text).toBeFalsy();
  await shop.setFault(name, true);
  // A process that has just started is slow, which is not what a deployed fault is about.
  if (cause.kind === "deploy") await visit(3, 4);
  await (needsBrowser ? visitInBrowser(VISITS_BROWSER, "Cannot read properties") : visit(visits, 5));
  await shop.setFault(name, false);
}

test.each(FAULT_NAMES)("%s is found within the budget", { timeout: TASK_MS }, async (name) => {
  if (faultOf(name).needsBrowser === true && browser === undefined) return;
  await live(name);
  const row = await doTask(agent, name);
  rows.push(row);
  expect(isRight(name, row.concluded), JSON.stringify(row)).toBe(true);
  expect(row.calls.length).toBeLessThanOrEqual(CALLS_MAX);
  expect(row.bytes).toBeLessThanOrEqual(BYTES_MAX);
});

test("the page about it is up to date", () => {
  const page = agentTasksPage(rows);
  if (process.env.UPDATE_DOCS !== undefined) writeFileSync(PAGE, page);
  if (browser === undefined) return;
  // How far it was, and by which of several right names, differs from run to run.
  const faults = (text: string) => text.replace(/^(\| [\w-]+ \| [^|]+ \|).*$/gm, "$1");
  expect(faults(readFileSync(PAGE, "utf8"))).toBe(faults(page));
});
