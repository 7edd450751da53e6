import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { chromiumPath } from "../support/chromium.ts";
import { type ExtensionBrowser, openExtension } from "./browser.ts";
import { openPopup } from "./paired.ts";
import { at, type BrowserRecords, recordsOf } from "./records.ts";
import { html, json, type Site, startSite } from "./site.ts";

const NS_PER_MS = 1_000_000n;

/** What a page that has OpenTelemetry of its own runs; it tells what it got in `window.own`. */
const OWN_TELEMETRY = `
  import { context, propagation, trace } from "@opentelemetry/api";
  import { W3CTraceContextPropagator } from "@opentelemetry/core";
  import { BasicTracerProvider, SimpleSpanProcessor, StackContextManager } from "@opentelemetry/sdk-trace-web";
  const exported = [];
  const exporter = { export: (spans, done) => { exported.push(...spans.map(({ name }) => name)); done({ code: 0 }); }, shutdown: async () => {} };
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const registered = [
    trace.setGlobalTracerProvider(provider),
    context.setGlobalContextManager(new StackContextManager().enable()),
    propagation.setGlobalPropagator(new W3CTraceContextPropagator()),
  ];
  const span = trace.getTracer("shop").startSpan("checkout");
  const headers = {};
  context.with(trace.setSpan(context.active(), span), () => propagation.inject(context.active(), headers));
  window.own = fetch("/api/own", { headers }).then(() => {
    span.end();
    return { registered, exported, traceId: span.spanContext().traceId, active: trace.getActiveSpan() === undefined };
  });`;

describe.skipIf(chromiumPath() === undefined)("traces of pages", () => {
  let browser: ExtensionBrowser;
  let records: BrowserRecords;
  let site: Site;
  let sockets: WebSocketServer;

  beforeAll(async () => {
    sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    sockets.on("connection", (socket) => {
      socket.on("message", (data) => {
        for (let i = 0; i < 100; i++) socket.send(`{"echo":${data},"token":"t0p"}`);
        socket.close(1000);
      });
    });
    const own = await build({
      stdin: {
        contents: OWN_TELEMETRY,
        resolveDir: fileURLToPath(new URL("../../extension", import.meta.url)),
      },
      bundle: true,
      write: false,
      format: "iife",
    });
    site = await startSite({
      "/": html("<h1>Shop</h1><button id='go'>Go</button><ul></ul>"),
      "/next": html("<h1>Next</h1>"),
      "/own": html("<script src='/own.js'></script>"),
      "/own.js": (_, response) => {
        response.writeHead(200, { "content-type": "text/javascript" }).end(own.outputFiles[0]?.text);
      },
      "/api/own": json({}),
      "/api/a": json({ a: 1 }),
      "/api/b": json({ b: 1 }, 404),
      "/api/long": json({ password: "hunter2", text: "x".repeat(10_000) }),
      "/api/hangs": () => undefined,
      "/api/events": (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write("retry: 60000\ndata: one\n\n");
      },
      "/large": html(
        `<button id="pay" onclick="started = performance.now(); this.textContent = 'Paid'">Pay</button>
        <script>
          let started;
          document.body.insertAdjacentHTML("beforeend", "<section><button>More</button><a href='#'>Link</a></section>".repeat(1_700));
        </script>`,
      ),
    });
    browser = await openExtension();
    records = recordsOf(browser);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    sockets?.close();
  });

  const worker = (script: string) => browser.context.serviceWorkers()[0]!.evaluate(script);
  const settings = (value: object) =>
    worker(`chrome.storage.local.set({ settings: ${JSON.stringify(value)} })`);
  /** A page at this path, in which a click on `#go` runs the script. */
  const open = async (path: string, script = ""): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`${site.url}${path}`);
    if (script !== "")
      await page.evaluate(
        `document.querySelector("#go").addEventListener("click", async () => { ${script} })`,
      );
    return page;
  };

  test("an action ends with its last request and is told within 1.5 s, linked to the load, all in one session", async () => {
    const page = await open(
      "/?one",
      `await fetch("/api/a?one");
       const xhr = new XMLHttpRequest(); xhr.open("GET", "/api/b?one"); xhr.send();
       document.querySelector("ul").innerHTML = "<li>1</li><li>2</li>";`,
    );
    await page.click("#go");
    const xhr = await records.span(at("/api/b?one"));
    const click = await records.span(({ spanId }) => spanId === xhr.parentSpanId);
    // Told: noticed within 1.5 s, carried by the next batch within 1 s, and looked for every 50 ms.
    expect(Date.now() - Number(xhr.endNs / NS_PER_MS)).toBeLessThan(2_900);
    expect(click.name).toBe('click button "Go"');
    expect(click.endNs).toBeGreaterThanOrEqual(xhr.endNs);
    expect(click.endNs - xhr.endNs).toBeLessThan(50n * NS_PER_MS);
    expect(xhr).toMatchObject({ name: "GET", statusCode: "error", attributes: { "error.type": "404" } });
    expect(click.attributes).toMatchObject({
      "gasoline.browser.dom.added": 2,
      "gasoline.browser.dom.places": ["ul ×1"],
    });
    const request = await records.span(at("/api/a?one"));
    expect(request.traceId).toBe(click.traceId);
    const load = await records.span(
      ({ name, ...span }) => name.startsWith("page load") && at("/?one")(span as typeof click),
    );
    expect(click.links).toMatchObject([{ traceId: load.traceId, spanId: load.spanId }]);
    const all = [...(await records.logs()), ...(await records.spans())];
    expect(new Set(all.map(({ attributes }) => attributes["session.id"])).size).toBe(1);
    const starts = (await records.logs()).filter(({ eventName }) => eventName === "session.start");
    expect(starts).toHaveLength(1);
    await page.close();
  });

  test("the page's own OpenTelemetry registers and exports as if alone, and its header is kept", async () => {
    const page = await open("/own");
    const own = await page.evaluate<{ traceId: string }>("window.own");
    expect(own).toMatchObject({ registered: [true, true, true], exported: ["checkout"], active: true });
    expect(site.last("/api/own")?.headers.traceparent).toContain(own.traceId);
    const request = await records.span(at("/api/own"));
    expect(request.links).toMatchObject([{ traceId: own.traceId }]);
    await page.close();
  });

  test("routes within a page", async () => {
    const page = await open("/?route");
    await page.evaluate(
      `history.pushState({}, "", "/orders?token=t0p"); history.replaceState({}, "", "/orders/1"); location.hash = "end"; history.go(-1)`,
    );
    const types: unknown[] = [];
    await expect
      .poll(async () => {
        types.splice(0);
        for (const { eventName, attributes } of await records.logs()) {
          if (eventName !== "browser.navigation") continue;
          types.push([attributes["browser.navigation.type"], attributes["browser.navigation.hash_change"]]);
        }
        return types.length;
      })
      .toBe(4);
    expect(types).toEqual([
      ["push", false],
      ["replace", false],
      ["push", true],
      ["traverse", true],
    ]);
    expect(await records.text()).not.toContain("t0p");
    await page.close();
  });

  test("requests that were aborted, refused and timed out", async () => {
    const page = await open("/?failing");
    await page.evaluate(
      `Promise.allSettled([
        fetch("/api/hangs?abort", { signal: AbortSignal.timeout(50) }),
        fetch("http://127.0.0.1:9/refused"),
        new Promise((resolve) => {
          const xhr = new XMLHttpRequest();
          xhr.open("GET", "/api/hangs?xhr");
          xhr.timeout = 50;
          window.states = [];
          xhr.onreadystatechange = () => states.push(xhr.readyState);
          xhr.onloadend = resolve;
          xhr.send();
        }),
      ])`,
    );
    expect(await page.evaluate("states")).toEqual([4]);
    for (const [path, type] of [
      ["/api/hangs?abort", "TimeoutError"],
      [":9/refused", "TypeError"],
      ["/api/hangs?xhr", "timeout"],
    ] as const) {
      expect(await records.span(at(path))).toMatchObject({
        statusCode: "error",
        attributes: { "error.type": type },
      });
    }
    await page.close();
  });

  test("equal lines are one record with a count", async () => {
    const page = await open("/?folding");
    await page.evaluate(`for (let i = 0; i < 500; i++) console.warn("again"); console.warn("done")`);
    await records.log(({ body }) => body === "done");
    const told = (await records.logs()).filter(({ body }) => body === "again");
    expect(told.map(({ attributes }) => attributes["gasoline.browser.repeat_count"])).toEqual([
      undefined,
      499,
    ]);
    await page.close();
  });

  test("WebSockets with a sample of their messages, and EventSources", async () => {
    const { port } = sockets.address() as { port: number };
    const page = await open("/?sockets");
    await page.evaluate(
      `new Promise((resolve) => {
        const socket = new WebSocket("ws://127.0.0.1:${port}/?token=t0p");
        window.isSocket = socket instanceof WebSocket && WebSocket.OPEN === 1;
        socket.onopen = () => socket.send("7");
        socket.onclose = resolve;
      })`,
    );
    expect(await page.evaluate("isSocket")).toBe(true);
    const close = await records.log(({ eventName }) => eventName === "websocket.close");
    expect(close.attributes["websocket.close.code"]).toBe(1000);
    const told = (await records.logs()).filter(({ eventName }) => eventName?.startsWith("websocket."));
    const messages = told.filter(({ eventName }) => eventName === "websocket.message");
    // 20 a second; the connection may see the turn of one.
    expect(messages.length).toBeLessThanOrEqual(40);
    const skipped = told.map(({ attributes }) =>
      Number(attributes["gasoline.browser.messages_skipped"] ?? 0),
    );
    expect(messages.length + skipped.reduce((sum, count) => sum + count, 0)).toBe(101);
    expect(messages.map(({ body }) => body).slice(0, 2)).toEqual(["7", '{"echo":7,"token":"***"}']);
    await page.evaluate(
      `new Promise((resolve) => { window.source = new EventSource("/api/events"); source.onmessage = resolve })`,
    );
    await records.log(({ eventName, body }) => eventName === "websocket.message" && body === "one");
    expect(await records.text()).not.toContain("t0p");
    await page.close();
  });

  test("bodies only when asked for, cut and masked; streams stay the page's", async () => {
    const ask = `fetch("/api/long?NAME", { method: "POST", body: "user=me&password=hunter2" }).then((answer) => answer.text())`;
    const before = await open("/?plain");
    await before.evaluate(ask.replace("NAME", "off"));
    const plain = await records.span(at("/api/long?off"));
    expect(Object.keys(plain.attributes).filter((key) => key.includes("body"))).toEqual([]);
    await settings({ bodies: true });
    await before.reload();
    expect(String(await before.evaluate(ask.replace("NAME", "on")))).toContain("x".repeat(10_000));
    const told = (await records.span(at("/api/long?on"))).attributes;
    expect(told["http.request.body.content"]).toBe("user=me&password=***");
    expect(String(told["http.response.body.content"]).length).toBeLessThanOrEqual(4_096);
    expect(told["http.response.body.content"]).toContain('"password":"***"');
    const read = `fetch("/api/events").then(async ({ body }) => new TextDecoder().decode((await body.getReader().read()).value))`;
    expect(await before.evaluate(read)).toContain("data: one");
    expect((await records.span(at("/api/events"))).attributes).not.toHaveProperty(
      "http.response.body.content",
    );
    await settings({ bodies: false });
    await before.close();
  });

  test("vitals, long tasks and the load's timing", async () => {
    const page = await open(
      "/?measured",
      "const end = performance.now() + 120; while (performance.now() < end);",
    );
    await page.click("#go");
    const task = await records.log(
      ({ eventName, attributes }) =>
        eventName === "gasoline.browser.long_task" &&
        Number(attributes["gasoline.browser.duration_ms"]) >= 120,
    );
    await page.goto(`${site.url}/next`);
    for (const vital of ["ttfb", "fcp", "lcp", "cls"]) {
      await records.log(
        ({ attributes }) =>
          attributes["browser.web_vital.name"] === vital &&
          attributes["url.full"] === `${site.url}/?measured`,
      );
    }
    await records.log(
      ({ eventName, ...log }) =>
        eventName === "browser.navigation_timing" && at("/?measured")(log as typeof task),
    );
    await page.close();
  });

  test("on a page of 5,000 elements a click reaches the page's handler at once, and is told under its old name", async () => {
    const page = await open("/large");
    const waited = await page.evaluate<number[]>(
      `[1, 2, 3, 4, 5].map(() => {
        const before = performance.now();
        document.querySelector("#pay").click();
        return started - before;
      })`,
    );
    console.info(`click to handler, ms: ${waited.map((ms) => ms.toFixed(1)).join(" ")}`);
    expect(Math.max(...waited.slice(1))).toBeLessThan(10);
    const click = await records.log(({ body }) => body === 'click button "Pay"');
    expect(JSON.parse(String(click.attributes["gasoline.browser.selectors"]))).toEqual([
      ['aria/Pay[role="button"]'],
      ["#pay"],
    ]);
    await page.close();
  });

  test("an origin is linked once the daemon has a server span of a request", async () => {
    const page = await open("/?linked");
    await page.evaluate(`fetch("/api/a?linked")`);
    const request = await records.span(at("/api/a?linked"));
    const popup = await openPopup(browser);
    await expect.poll(() => popup.locator("#origins").textContent()).toContain(site.url.slice(7));
    const span = {
      traceId: request.traceId,
      spanId: "00000000000000aa",
      parentSpanId: request.spanId,
      name: "GET /api/a",
      kind: 2,
      startTimeUnixNano: String(request.startNs),
      endTimeUnixNano: String(request.endNs),
      attributes: [
        { key: "server.address", value: { stringValue: "127.0.0.1" } },
        { key: "server.port", value: { intValue: site.port } },
      ],
    };
    const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
    await fetch(`${browser.daemon.gasoline.url}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }),
    });
    const state = () =>
      popup.evaluate<unknown>(
        `new Promise((resolve) => { const port = chrome.runtime.connect({ name: "popup" });
          port.onMessage.addListener(({ origins }) => { port.disconnect(); resolve(origins.find(({ origin }) => origin === "${site.url}")?.state) }) })`,
      );
    await expect.poll(state, { timeout: 12_000, interval: 200 }).toBe("linked");
    await popup.close();
    await page.close();
  });

  test("paused, nothing is recorded and no request is linked", async () => {
    const page = await open("/?paused", `console.log("while paused"); await fetch("/api/a?paused")`);
    await settings({ paused: true });
    await expect
      .poll(() => worker("chrome.declarativeNetRequest.getSessionRules().then((all) => all.length)"))
      .toBe(0);
    // Settings reach the page on their own way; a click there shows whether they have.
    await expect
      .poll(async () => {
        await page.click("#go");
        return site.last("/api/a")?.headers.traceparent;
      })
      .toBeUndefined();
    const count = (await records.logs()).length;
    await page.click("#go");
    await page.reload();
    await settings({ paused: false });
    await page.evaluate(`console.log("after the pause")`);
    await records.log(({ body }) => body === "after the pause");
    const told = (await records.logs()).slice(count);
    expect(told.filter(({ body }) => body === "while paused")).toEqual([]);
    await page.close();
  });
});
