import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { type HandsBrowser, startHandsBrowser } from "./hands-in-page.ts";

const LADDER: readonly { readonly what: string; readonly body: string; readonly expected: string[][] }[] = [
  {
    what: "test id first, then role and name, the CSS path last",
    body: `<button id="pay" data-testid="pay" class="goal">Pay</button>`,
    expected: [['[data-testid="pay"]'], ['aria/Pay[role="button"]'], ["text/Pay"], ["#pay"]],
  },
  {
    what: "a field by its label",
    body: `<label>Search <input class="goal" placeholder="Words"></label>`,
    expected: [['aria/Search[role="textbox"]'], ["aria/Search"], ['input[placeholder="Words"]'], [".goal"]],
  },
  {
    what: "a picture by its alternative text",
    body: `<img class="goal" alt="A kettle"><img alt="A cup">`,
    expected: [['aria/A kettle[role="img"]'], ['img[alt="A kettle"]'], [".goal"]],
  },
  {
    what: "only what is unique: one of two equal buttons has nothing but its path",
    body: `<p><button>Add</button></p><p id="second"><button class="goal">Add</button></p>`,
    expected: [[".goal"]],
  },
  {
    what: "a repeated test id is passed over",
    body: `<a href="#1" data-testid="row">One</a><a href="#2" data-testid="row" class="goal">Two</a>`,
    expected: [['aria/Two[role="link"]'], ["text/Two"], [".goal"]],
  },
  {
    what: "hidden twins do not count for names, which nobody sees",
    body: `<div style="display:none"><button>Pay</button></div><button class="goal">Pay</button>`,
    expected: [['aria/Pay[role="button"]'], ["text/Pay"], [".goal"]],
  },
];

describe.skipIf(chromiumPath() === undefined)("selectors", () => {
  let browser: HandsBrowser;
  beforeAll(async () => {
    browser = await startHandsBrowser();
  });
  afterAll(() => browser.close());

  it.each(LADDER)("name $what", async ({ body, expected }) => {
    const page = await browser.open(body);
    expect(await page.evaluate(`hands.selectorsOf(document.querySelector(".goal"))`)).toEqual(expected);
  });

  it("go through open shadow roots, and each finds its element again", async () => {
    const page = await browser.open(`<shop-cart></shop-cart><button>Pay</button>`);
    const { selectors, found } = await page.evaluate<{
      selectors: string[][];
      found: boolean[];
    }>(`(async () => {
      const outer = document.querySelector("shop-cart").attachShadow({ mode: "open" });
      outer.innerHTML = "<cart-total></cart-total>";
      const inner = outer.firstElementChild.attachShadow({ mode: "open" });
      inner.innerHTML = '<button data-testid="go" title="Buy">Checkout</button><button>Pay</button>';
      const goal = inner.querySelector("button");
      const selectors = hands.selectorsOf(goal);
      const limits = { timeoutMs: 0, signal: new AbortController().signal };
      const found = await Promise.all(selectors.map((one) => hands.find([one], "present", limits)));
      return { selectors, found: found.map(({ element }) => element === goal) };
    })()`);
    expect(selectors).toEqual([
      ['pierce/[data-testid="go"]'],
      ['aria/Checkout[role="button"]'],
      ['pierce/button[title="Buy"]'],
      ["shop-cart", "cart-total", "button:nth-of-type(1)"],
    ]);
    expect(found).toEqual([true, true, true, true]);
  });

  it("stay unique on a page of 5,000 elements, for every button there", async () => {
    const rows = Array.from(
      { length: 1_000 },
      (_, at) => `<li><b>${at}</b><i></i><button>Add ${at % 500}</button><u></u></li>`,
    );
    const page = await browser.open(`<ul>${rows.join("")}</ul>`);
    const result = await page.evaluate<{ counts: number[]; right: boolean[]; eachMs: number }>(`(async () => {
      const limits = { timeoutMs: 0, signal: new AbortController().signal };
      const goals = [...document.querySelectorAll("button")].filter((_, at) => at % 200 === 7);
      const startMs = performance.now();
      const all = goals.map((goal) => hands.selectorsOf(goal));
      const eachMs = (performance.now() - startMs) / goals.length;
      const right = await Promise.all(
        all.flatMap((selectors, at) =>
          selectors.map(async (one) => (await hands.find([one], "present", limits)).element === goals[at]),
        ),
      );
      return { counts: all.map(({ length }) => length), right, eachMs };
    })()`);
    console.info(`selectors of one element among 5,000: ${result.eachMs.toFixed(1)} ms`);
    expect(result.counts.every((count) => count >= 1 && count <= 4)).toBe(true);
    expect(result.right.every(Boolean)).toBe(true);
  });
});
