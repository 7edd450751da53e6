import { randomUUID } from "node:crypto";
import { chromium, type Locator, type Page } from "playwright-core";
import { chromiumPath } from "../support/chromium.ts";
import type { LogSpec, SpanSpec } from "../support/otlp-build.ts";

/** The records of a visit, as the extension sends them. */
export interface Visit {
  readonly session: string;
  readonly logs: readonly LogSpec[];
  readonly spans: readonly SpanSpec[];
}

/** What a visitor does; each act is recorded with the selectors that the page really has. */
export interface Visitor {
  open(url: string): Promise<void>;
  click(locator: Locator, selectors: readonly (readonly string[])[]): Promise<void>;
  fill(locator: Locator, selectors: readonly (readonly string[])[], value: string): Promise<void>;
  readonly page: Page;
}

const RESOURCE = { "service.name": "shop-page", "telemetry.sdk.language": "webjs" };

/** Visits a page in Chromium and records actions, requests, navigations and errors. */
export async function recordVisit(visit: (visitor: Visitor) => Promise<void>): Promise<Visit> {
  const browser = await chromium.launch({ executablePath: chromiumPath()!, args: ["--no-sandbox"] });
  const session = randomUUID();
  const logs: LogSpec[] = [];
  const spans: SpanSpec[] = [];
  const hex = (digits: number): string => randomUUID().replaceAll("-", "").slice(0, digits);
  const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
  try {
    const page = await browser.newPage();
    const log = (eventName: string, attributes: LogSpec["attributes"], severity = 9): void => {
      const told = { "session.id": session, "url.full": page.url(), ...attributes };
      logs.push({ eventName, severity, timeNs: now(), resource: RESOURCE, attributes: told });
    };
    page.on("pageerror", (error) => log("exception", { "exception.message": error.message }, 17));
    page.on("console", (message) => {
      if (message.type() === "error")
        log("browser.console", { "browser.console.message": message.text() }, 17);
    });
    page.on("requestfinished", async (request) => {
      if (!["fetch", "xhr"].includes(request.resourceType())) return;
      const endNs = now();
      const { startTime } = request.timing();
      const status = (await request.response())?.status() ?? 0;
      spans.push({
        traceId: hex(32),
        spanId: hex(16),
        kind: "client",
        name: request.method(),
        startNs: BigInt(Math.round(startTime * 1_000)) * 1_000n,
        endNs,
        resource: RESOURCE,
        attributes: {
          "session.id": session,
          "http.request.method": request.method(),
          "http.response.status_code": status,
          "url.full": request.url(),
        },
      });
    });
    const element = async (locator: Locator, selectors: readonly (readonly string[])[]) => ({
      "gasoline.browser.selectors": JSON.stringify(selectors),
      "gasoline.browser.role": await locator.evaluate((found) =>
        found.tagName === "BUTTON" ? "button" : "textbox",
      ),
      "gasoline.browser.name":
        (await locator.getAttribute("aria-label")) ?? (await locator.textContent()) ?? "",
    });
    await visit({
      page,
      open: async (url) => {
        log("browser.navigation", { "url.full": url });
        await page.goto(url, { waitUntil: "networkidle" });
      },
      click: async (locator, selectors) => {
        log("browser.user_action.click", await element(locator, selectors));
        const answered = page.waitForEvent("requestfinished");
        await locator.click();
        await answered;
      },
      fill: async (locator, selectors, value) => {
        await locator.fill(value);
        log("gasoline.browser.input", {
          ...(await element(locator, selectors)),
          "gasoline.browser.value": value,
        });
      },
    });
  } finally {
    await browser.close();
  }
  return { session, logs, spans };
}
