import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { chromiumPath } from "../support/chromium.ts";
import { openPaired, type Paired } from "./paired.ts";
import { html, json, type Site, startSite } from "./site.ts";

/** As React does: the page's own property on the node remembers what it set, and only a real difference counts. */
const CONTROLLED = `<label>Name <input id="name"></label> <output id="seen"></output><script>
  const field = document.getElementById("name");
  const real = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  let tracked = "";
  Object.defineProperty(field, "value", {
    get() { return real.get.call(this); },
    set(value) { tracked = String(value); real.set.call(this, value); },
  });
  document.addEventListener("input", () => {
    if (real.get.call(field) === tracked) return;
    tracked = real.get.call(field);
    document.getElementById("seen").textContent = "seen " + tracked;
  });
</script>`;

const SHADOW = `<shop-cart></shop-cart><script>
  const root = document.querySelector("shop-cart").attachShadow({ mode: "open" });
  root.innerHTML = '<label>Code <input></label><button>Redeem</button><p></p>';
  root.querySelector("button").onclick = () => { root.querySelector("p").textContent = "took " + root.querySelector("input").value; };
</script>`;

const FORM = `<form><label>User <input name="user"></label><label>Password <input type="password" name="password"></label>
  <label><input type="checkbox" name="stay"> Stay</label><select aria-label="Size"><option value="s">Small</option><option value="l">Large</option></select>
  <button>Sign in</button></form><p role="status"></p><script>
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    const data = new FormData(event.target);
    document.querySelector("[role=status]").textContent = "Hello " + data.get("user") + " " + (data.get("stay") ?? "off") + " " + document.querySelector("select").value;
  };
</script>`;

const TROUBLE = `<button disabled>Off</button><button style="display:none" id="gone">Gone</button><button id="under">Under</button>
  <div role="dialog" aria-label="Cookies" style="position:fixed;inset:0;background:#fff9"></div>`;

const FAILURES: readonly (readonly [string, string, RegExp])[] = [
  ["that is disabled", "aria/Off", /button "Off" is disabled/],
  ["that is hidden", "#gone", /is in the page but not visible/],
  ["that is covered, naming by what", "#under", /button "Under" is covered by dialog "Cookies"/],
  [
    "that is not there, naming the nearest",
    'aria/Undr[role="button"]',
    /finds nothing .*aria\/Under\[role="button"\]/,
  ],
];

describe.skipIf(chromiumPath() === undefined)("hands", () => {
  let paired: Paired;
  let shop: Shop;
  let site: Site;
  /** What `/form` shows at the moment. */
  let form = FORM;

  beforeAll(async () => {
    paired = await openPaired();
    shop = await startShop({ endpoint: paired.gasoline.url });
    const rows = Array.from(
      { length: 1_250 },
      (_, at) => `<li><b>${at}</b><i></i><button>Add ${at}</button></li>`,
    );
    site = await startSite({
      "/controlled": html(CONTROLLED),
      "/shadow": html(SHADOW),
      "/form": (request, response) => html(form)(request, response),
      "/trouble": html(TROUBLE),
      "/many": html(`<ul>${rows.join("")}</ul>`),
      "/from": html(`<a href="/to">Go on</a>`),
      "/to": html(
        `<h1>Arrived</h1><button>Stay</button><script>console.warn("here"); fetch("/api/hello");</script>`,
      ),
      "/api/hello": json({}),
    });
  });
  afterAll(async () => {
    await paired?.close();
    await shop?.close();
    await site?.close();
  });

  const explore = (...steps: readonly object[]) =>
    paired.interact({ action: "explore", steps, timeout_ms: 4_000 });

  it("explore the demo shop: each step tells its requests, traces and what changed", async () => {
    const reply = await explore(
      { type: "navigate", url: shop.url },
      { type: "click", selectors: [["#products li:first-child button"]] },
      { type: "click", selectors: [["aria/Buy now"], ['aria/Pay[role="button"]']] },
      { type: "waitForText", text: "Paid. Order" },
    );
    expect(reply.rows.map(({ result }) => result)).toEqual(["ok", "ok", "healed", "ok"]);
    expect(reply.rows[1]).toMatchObject({
      requests: [{ method: "POST", status: 200 }],
      dom: /listitem "1 × /,
    });
    const paid = reply.rows[2] as { trace_id: string; requests: { trace_id: string }[]; console: unknown };
    expect(paid.requests[0]?.trace_id).toBe(paid.trace_id);
    expect(paid.console).toMatchObject([{ level: "info", message: expect.stringContaining("Paid") }]);
  });

  it("record what a user does, and replay it; a changed page heals or fails, and says which", async () => {
    const page = paired.browser.context.pages()[0]!;
    await page.goto(`${site.url}/form`);
    await page.bringToFront();
    await paired.interact({ action: "record", name: "sign-in" });
    await page.getByLabel("User").click();
    await page.getByLabel("User").pressSequentially("ada");
    await page.getByLabel("Password").fill("");
    await page.getByLabel("Password").pressSequentially("hunter2");
    await page.getByLabel("Stay").click();
    await page.getByLabel("Size").focus();
    await page.keyboard.press("l");
    await page.getByRole("button", { name: "Sign in" }).click();
    const stopped = await paired.interact({ action: "record", name: "sign-in", stop: true });
    expect(JSON.stringify(stopped)).not.toContain("hunter2");

    const replayed = await paired.interact({ action: "replay", name: "sign-in" });
    expect(replayed.rows.every(({ result }) => result === "ok")).toBe(true);
    expect(await page.getByRole("status").textContent()).toBe("Hello ada on l");

    form = FORM.replace("Sign in", "Log in").replace("<label>User", "<label>Account");
    const healed = await paired.interact({ action: "replay", name: "sign-in" });
    expect(healed.rows.map(({ result }) => result)).toEqual([
      "ok",
      "healed",
      "healed",
      "ok",
      "ok",
      "ok",
      "healed",
    ]);
    expect(await page.getByRole("status").textContent()).toBe("Hello ada on l");

    form = FORM.replace("<button>Sign in</button>", "");
    const failed = await paired.interact({ action: "replay", name: "sign-in", timeout_ms: 3_000 });
    expect(failed.rows.map(({ result }) => result)).toEqual(["ok", "ok", "ok", "ok", "ok", "ok", "failed"]);
    expect(failed.rows[6]?.reason).toMatch(/aria\/Sign in.* finds nothing/);
    form = FORM;
  });

  it("record across pages, also what the user asks of the browser itself", async () => {
    const page = paired.browser.context.pages()[0]!;
    await page.goto(`${site.url}/from`);
    await page.bringToFront();
    await paired.interact({ action: "record", name: "tour" });
    await page.getByText("Go on").click();
    await page.getByRole("button", { name: "Stay" }).click();
    await page.reload();
    await page.getByRole("button", { name: "Stay" }).click();
    await paired.interact({ action: "record", name: "tour", stop: true });
    const { rows } = await paired.interact({ action: "replay", name: "tour" });
    expect(rows.map(({ did, result }) => [String(did).split(" ")[0], result])).toEqual([
      ["go", "ok"],
      ["click", "ok"],
      ["click", "ok"],
      ["go", "ok"],
      ["click", "ok"],
    ]);
    expect(page.url()).toBe(`${site.url}/to`);
  });

  it("end a step that takes too long, and do the next", async () => {
    const endless = [{ type: "waitForText", text: "never to be seen" }];
    await explore({ type: "navigate", url: `${site.url}/from` });
    const startMs = performance.now();
    const reply = await paired.interact({ action: "explore", steps: endless, timeout_ms: 1_000 });
    expect(reply.rows[0]?.result).toBe("failed");
    expect(reply.rows[0]?.reason).toMatch(/did not appear|not done within/);
    expect(performance.now() - startMs).toBeLessThan(8_000);
    expect((await explore({ type: "hover", selectors: [["aria/Go on"]] })).rows[0]?.result).toBe("ok");
  });

  it("type into a field that a framework controls", async () => {
    const reply = await explore(
      { type: "navigate", url: `${site.url}/controlled` },
      { type: "change", selectors: [["aria/Name"]], value: "Ada" },
      { type: "waitForText", text: "seen Ada" },
    );
    expect(reply.rows.map(({ result }) => result)).toEqual(["ok", "ok", "ok"]);
  });

  it("reach into shadow roots", async () => {
    const reply = await explore(
      { type: "navigate", url: `${site.url}/shadow` },
      { type: "change", selectors: [["aria/Code"]], value: "TEN" },
      { type: "click", selectors: [["shop-cart", "button"]] },
      { type: "waitForText", text: "took TEN" },
    );
    expect(reply.rows.map(({ result }) => result)).toEqual(["ok", "ok", "ok", "ok"]);
  });

  it("follow a click to the next page, and tell what that one did", async () => {
    const reply = await explore(
      { type: "navigate", url: `${site.url}/from` },
      { type: "click", selectors: [["aria/Go on"]] },
    );
    expect(reply.rows[1]).toMatchObject({
      result: "ok",
      url: `${site.url}/to`,
      console: [{ level: "warn", message: "here" }],
      requests: [{ url: `${site.url}/api/hello` }],
    });
  });

  it("press keys with what follows from them", async () => {
    const reply = await explore(
      { type: "navigate", url: `${site.url}/form` },
      { type: "change", selectors: [["aria/User"]], value: "bob" },
      { type: "keyDown", key: "Enter" },
      { type: "keyUp", key: "Enter" },
      { type: "waitForText", text: "Hello bob" },
    );
    expect(reply.rows.map(({ result }) => result)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
  });

  it.each(FAILURES)("say why a step fails on an element %s", async (_, selector, said) => {
    await explore({ type: "navigate", url: `${site.url}/trouble` });
    const reply = await paired.interact({
      action: "explore",
      steps: [{ type: "click", selectors: [[selector]] }],
      timeout_ms: 2_500,
    });
    expect(reply.rows[0]?.result).toBe("failed");
    expect(reply.rows[0]?.reason).toMatch(said);
  });

  it("say what is wrong with an address or a script", async () => {
    const down = await explore({ type: "navigate", url: "http://127.0.0.1:9/" });
    expect(down.rows[0]?.reason).toMatch(/did not load: net::ERR_/);
    await explore({ type: "navigate", url: `${site.url}/form` });
    const off = await explore({ type: "evaluate", expression: "1 + 1" });
    expect(off.rows[0]?.reason).toMatch(/switched off/);
  });

  it("show a page of 5,000 elements in at most 400 lines and about half a second", async () => {
    await explore({ type: "navigate", url: `${site.url}/many` });
    const startMs = performance.now();
    const reply = await paired.interact({ action: "page", budget_bytes: 200_000 });
    console.info(`page state of 5,000 elements: ${Math.round(performance.now() - startMs)} ms`);
    const page = reply.page as { lines: string[]; lines_left_out: number };
    expect(page.lines.length).toBeLessThanOrEqual(400);
    expect(page.lines).toContain('  button "Add 5" → aria/Add 5[role="button"]');
    expect(page.lines_left_out).toBeGreaterThan(1_000);
  });

  it("say what is not accessible, when asked, and keep it as events", async () => {
    await explore({ type: "navigate", url: `${site.url}/form` });
    const reply = await paired.interact({ action: "page", accessibility: true });
    const broken = reply.rows.find(({ rule }) => rule === "landmark-one-main");
    expect(broken).toMatchObject({ impact: "moderate", selectors: ["html"] });
    expect(reply.summary).toMatch(/^axe-core finds \d+ accessibility rules broken\./);
    const kept = async () =>
      (
        await paired.gasoline.store.records({
          filter: { service: "browser" },
          order: "newest",
          limit: 200,
        })
      ).records.filter((each) => each.kind === "log" && each.eventName === "gasoline.a11y.violation");
    await expect.poll(async () => (await kept()).length, { timeout: 5_000 }).toBe(reply.rows.length);
  });

  it("take a picture, which is kept as event too", async () => {
    await explore({ type: "navigate", url: `${site.url}/form` });
    expect((await paired.interact({ action: "screenshot" })).rows[0]).toMatchObject({ mime: "image/jpeg" });
    await expect
      .poll(async () => {
        const answer = await fetch(`${paired.gasoline.url}/api/observe?what=screenshots`);
        return ((await answer.json()) as { rows?: unknown[]; events?: unknown[] }).rows;
      })
      .toMatchObject([{ event: "gasoline.browser.screenshot" }]);
  });
});
