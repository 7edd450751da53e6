import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { openPlainBrowser } from "../test/extension/browser.ts";
import { openPaired, type Paired } from "../test/extension/paired.ts";
import { html, json, type Site, startSite } from "../test/extension/site.ts";
import { chromiumPath } from "../test/support/chromium.ts";
import { type BenchRow, median, renderRows } from "./row.ts";

interface Sizes {
  /** Rounds of each kind of call, with and without the extension in turn. */
  readonly rounds: number;
  readonly lines: number;
  readonly objects: number;
  readonly requests: number;
  readonly loads: number;
  readonly burst: number;
  readonly steadySeconds: number;
  readonly clicks: number;
  readonly commands: number;
}

const SIZES: Readonly<Record<"small" | "full", Sizes>> = {
  small: {
    rounds: 2,
    lines: 50,
    objects: 10,
    requests: 5,
    loads: 3,
    burst: 1_000,
    steadySeconds: 1,
    clicks: 1,
    commands: 5,
  },
  full: {
    rounds: 40,
    lines: 250,
    objects: 50,
    requests: 20,
    loads: 35,
    burst: 100_000,
    steadySeconds: 5,
    clicks: 10,
    commands: 300,
  },
};
const STEADY_LINES_PER_S = 5_000;

/** An object that nobody should log: 1,000 keys, four levels. */
const HUGE = `Object.fromEntries(Array.from({ length: 1000 }, (_, i) => ["key" + i, { a: { b: { c: "x".repeat(50), d: [1, 2, 3] } } }]))`;

/**
 * What the extension costs the pages it is in: the same done in a Chromium with and in one without it, in turn. Empty
 * where there is no Chromium.
 */
export async function benchExtension(size: "small" | "full"): Promise<readonly BenchRow[]> {
  if (chromiumPath() === undefined) return [];
  const sizes = SIZES[size];
  const site = await startSite({
    "/": html("<button>Act</button><p>Nothing happens here.</p>"),
    "/ping": json({ ok: true }),
  });
  const plain = await openPlainBrowser();
  const paired = await openPaired();
  try {
    const pages = { without: await plain.context.newPage(), with: await paired.browser.newPage() };
    for (const page of Object.values(pages)) await page.goto(site.url);
    return [
      ...(await costOfCalls(pages, sizes)),
      await costOfLoads(pages, site, sizes),
      row("scripts in every page", paired.browser.pageBytes, "bytes", "≤ 115,000 bytes"),
      ...(await accounts(paired, pages.with, sizes)),
      await clickToSpan(paired, pages.with, sizes),
      await roundTrip(paired, pages.with, sizes),
    ];
  } finally {
    await Promise.all([paired.close(), plain.close()]);
    await site.close();
  }
}

interface Pages {
  readonly with: Page;
  readonly without: Page;
}

function row(name: string, value: number, unit: string, target?: string): BenchRow {
  return { area: "extension", name, value, unit, ...(target === undefined ? {} : { target }) };
}

async function costOfCalls(pages: Pages, { rounds, lines, objects, requests }: Sizes): Promise<BenchRow[]> {
  const log = `for (let i = 0; i < ${lines}; i++) console.log("line", i, performance.now());`;
  const huge = `const huge = ${HUGE}; const from = performance.now(); for (let i = 0; i < ${objects}; i++) console.log(i, huge); return (performance.now() - from) / ${objects};`;
  const fetches = `for (let i = 0; i < ${requests}; i++) await (await fetch("/ping?" + i)).json();`;
  const perCall = (body: string, calls: number) =>
    `const from = performance.now(); ${body} return (performance.now() - from) / ${calls};`;
  return [
    await added("console.log", pages, rounds, perCall(log, lines), "< 0.1 ms, aim 0.02 ms"),
    await added("console.log of an object of 1,000 keys", pages, rounds, huge, "< 0.1 ms"),
    await added("fetch", pages, rounds, perCall(fetches, requests), "< 0.5 ms"),
  ];
}

/** The median with the extension less the median without, of a body that returns ms. */
async function added(
  name: string,
  pages: Pages,
  rounds: number,
  body: string,
  target: string,
): Promise<BenchRow> {
  const times = { with: [] as number[], without: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const side of ["without", "with"] as const) {
      const ms = await pages[side].evaluate<number>(`(async () => { ${body} })()`);
      // The first compiles.
      if (round > 0) times[side].push(ms);
    }
  }
  return compared(`${name}, added`, times, target);
}

async function costOfLoads(pages: Pages, { url }: Site, { loads }: Sizes): Promise<BenchRow> {
  const times = { with: [] as number[], without: [] as number[] };
  for (let load = 0; load < loads; load++) {
    for (const side of ["without", "with"] as const) {
      await pages[side].goto(url, { waitUntil: "load" });
      times[side].push(
        await pages[side].evaluate<number>(`new Promise((resolve) => setTimeout(() => {
          const [{ startTime, loadEventEnd }] = performance.getEntriesByType("navigation");
          resolve(loadEventEnd - startTime);
        }))`),
      );
    }
  }
  return compared(`page load, added (median of ${loads})`, times, "≤ 8 ms, aim 5 ms");
}

function compared(
  name: string,
  times: { readonly with: readonly number[]; readonly without: readonly number[] },
  target: string,
): BenchRow {
  const [withIt, without] = [median(times.with), median(times.without)];
  return { ...row(name, withIt - without, "ms", target), ratio: withIt / without, baseline: "without" };
}

interface Delivery {
  readonly sent: number;
  readonly queued: number;
  readonly dropped: number;
}

/** Lines that are logged as fast as the page can, and 5,000 a second, against what the worker counts. */
async function accounts(paired: Paired, page: Page, { burst, steadySeconds }: Sizes): Promise<BenchRow[]> {
  const popup = await paired.popup();
  await page.bringToFront();
  const read = async (): Promise<Delivery> => {
    const text = (await popup.locator("#delivery").textContent()) ?? "";
    const [sent = 0, queued = 0, dropped = 0] = (text.match(/\d+/g) ?? []).map(Number);
    return { sent, queued, dropped };
  };
  /** Until all is told: nothing waits, and nothing has moved for three seconds. */
  const settled = async (): Promise<Delivery> => {
    for (let before = await read(), still = 0; ; await pause(250)) {
      const now = await read();
      still = now.queued === 0 && now.sent === before.sent && now.dropped === before.dropped ? still + 1 : 0;
      if (still === 12) return now;
      before = now;
    }
  };
  const start = await settled();
  await page.evaluate(`for (let i = 0; i < ${burst}; i++) console.log("burst " + i);`);
  const afterBurst = await settled();
  const tick = STEADY_LINES_PER_S / 50;
  await page.evaluate(`new Promise((resolve) => {
    let told = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < ${tick}; i++) console.log("steady " + told++);
      if (told >= ${STEADY_LINES_PER_S * steadySeconds}) { clearInterval(timer); resolve(); }
    }, 20);
  })`);
  const afterSteady = await settled();
  await popup.close();
  const delivered = afterBurst.sent - start.sent;
  const dropped = afterBurst.dropped - start.dropped;
  return [
    row(`lines unaccounted for, of ${burst} at once`, Math.max(0, burst - delivered - dropped), "lines", "0"),
    row("of these dropped, and counted", dropped, "lines"),
    row("dropped at 5,000 lines/s", afterSteady.dropped - afterBurst.dropped, "lines", "0"),
  ];
}

/** From the end of a click's span until the daemon holds it: a second of quiet, at most one until the next batch. */
async function clickToSpan({ gasoline }: Paired, page: Page, { clicks }: Sizes): Promise<BenchRow> {
  const times: number[] = [];
  const held = async () => {
    const query = { filter: { service: "browser", name: 'click button "Act"' } } as const;
    return (await gasoline.store.records({ ...query, order: "newest", limit: clicks + 1 })).records;
  };
  for (let click = 0; click < clicks; click++) {
    const before = (await held()).length;
    await page.click("button");
    let records = await held();
    for (; records.length === before; records = await held()) await pause(5);
    const [newest] = records;
    if (newest?.kind === "span") times.push(Date.now() - Number(newest.endNs / 1_000n) / 1_000);
  }
  return row(
    "end of a click → the daemon has its span",
    median(times),
    "ms",
    "< 2,100 ms (quiet, interval, 100)",
  );
}

async function roundTrip({ interact }: Paired, page: Page, { commands }: Sizes): Promise<BenchRow> {
  await page.bringToFront();
  const times: number[] = [];
  for (let command = 0; command < commands; command++) {
    const from = performance.now();
    await interact({ action: "page" });
    times.push(performance.now() - from);
  }
  return row("question → command → page → answer, p50", median(times), "ms", "< 5 ms");
}

if (import.meta.main) {
  const size = process.argv.includes("--small") ? "small" : "full";
  process.stdout.write(renderRows(await benchExtension(size)));
}
