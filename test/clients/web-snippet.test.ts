import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import type { StoredSpan } from "../../src/store/telemetry-store.ts";
import { chromiumPath } from "../support/chromium.ts";

const SNIPPET = fileURLToPath(new URL("../../sdk-snippets/web/", import.meta.url));
const executablePath = chromiumPath();

/** The web snippet in Chromium, served by its own backend, sending straight to a daemon on another port. */
describe.skipIf(executablePath === undefined)("the web snippet", () => {
  let gasoline: Gasoline;
  let server: Server;
  let browser: Browser;
  let url: string;
  const traceparents = new Map<string, string>();

  beforeAll(async () => {
    gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, () => undefined);
    const bundled = await build({
      entryPoints: [`${SNIPPET}app.js`],
      bundle: true,
      minify: true,
      write: false,
      // Installed by itself the page has one copy of the API; in this workspace the instrumentation's neighbour is another.
      alias: { "@opentelemetry/api": `${SNIPPET}node_modules/@opentelemetry/api` },
    });
    const page = readFileSync(`${SNIPPET}index.html`, "utf8").replace("http://localhost:7890", gasoline.url);
    const answers: Readonly<Record<string, readonly [status: number, type: string, body: string]>> = {
      "/": [200, "text/html", page],
      "/app.bundle.js": [200, "text/javascript", bundled.outputFiles[0]!.text],
      "/orders/42": [200, "application/json", '{"order":"42"}'],
      "/fail": [500, "text/plain", "the warehouse is closed"],
    };
    server = createServer((request, response) => {
      traceparents.set(request.url!, String(request.headers.traceparent));
      const [status, type, body] = answers[request.url!] ?? [404, "text/plain", ""];
      response.writeHead(status, { "content-type": type }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://localhost:${(server.address() as AddressInfo).port}/`;
    browser = await chromium.launch({ executablePath: executablePath! });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
    await gasoline?.close();
  });

  it.each([
    { button: "Load", path: "/orders/42", shown: '{"order":"42"}', status: 200, statusCode: "unset" },
    { button: "Fail", path: "/fail", shown: "/fail answered 500", status: 500, statusCode: "error" },
  ])("ties $path to the click on $button", async ({ button, path, shown, status, statusCode }) => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole("button", { name: button }).click();
    await page.getByText(shown).waitFor();
    const spans = await vi.waitFor(
      async () => {
        const filter = { service: "orders-page" };
        const { records } = await gasoline.store.records({ filter, order: "oldest", limit: 100 });
        const found = records.filter((record): record is StoredSpan => record.kind === "span");
        const click = found.find(({ name }) => name === `click ${button}`);
        const request = found.find(({ parentSpanId }) => parentSpanId === click?.spanId);
        expect([click, request]).not.toContain(undefined);
        return { click: click!, request: request! };
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(spans.click).toMatchObject({ parentSpanId: "", statusCode });
    expect(spans.request).toMatchObject({ spanKind: "client", traceId: spans.click.traceId });
    expect(spans.request.attributes).toMatchObject({ "http.response.status_code": status });
    expect(traceparents.get(path)).toBe(`00-${spans.request.traceId}-${spans.request.spanId}-01`);
    await page.close();
  });
});
