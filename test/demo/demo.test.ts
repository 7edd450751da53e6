import { Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runDemo } from "../../src/cli/demo.ts";
import { type Collector, startCollector } from "./collector.ts";

let collector: Collector;

beforeAll(async () => {
  collector = await startCollector();
});

afterAll(async () => {
  await collector?.close();
});

test("the demo sends a failing payment and a slow search, and prints the ids under which they are found", async () => {
  const screen = createScreen();
  expect(await runDemo({ endpoint: collector.url, out: screen.out })).toBe(0);
  const [failing, slow] = [...screen.text().matchAll(/npx gasoline show ([0-9a-f]{8})/g)].map(
    ([, id]) => id!,
  );
  const { spans } = collector.take();
  const traceOf = (id: string) => spans.filter((span) => span.traceId.startsWith(id));

  const failed = traceOf(failing!).filter((span) => span.statusCode === "error");
  expect(failed.map((span) => `${span.resource.service} ${span.name}`)).toContain("payment INSERT charges");
  expect(failed.map((span) => `${span.resource.service} ${span.name}`)).toContain("storefront POST /api/pay");

  const slowest = traceOf(slow!).filter((span) => span.name === "SELECT product_index");
  expect(slowest.map((span) => span.resource.service)).toEqual(["catalog"]);
  expect(slowest[0]!.attributes["db.query.text"]).toContain("LIKE");
  expect(screen.text()).toContain(`${collector.url}/api/traces/${traceOf(failing!)[0]!.traceId}`);
});

test("a shop that is kept is open until it is stopped, with the fault that was asked for", async () => {
  const stop = new AbortController();
  const screen = createScreen();
  const faults = ["browser-only-error"] as const;
  const done = runDemo({ endpoint: collector.url, out: screen.out, keep: true, faults, stop: stop.signal });
  const [, url] = await screen.seen(/stays open at (\S+) with browser-only-error/);
  const page = await (await fetch(url!)).text();
  expect(page).toContain('<button id="pay" data-testid="pay">Pay</button>');
  stop.abort();
  expect(await done).toBe(0);
  await expect(fetch(url!)).rejects.toThrow();
});

/** A terminal that remembers what was written, and can be waited on. */
function createScreen() {
  let text = "";
  let written = (): void => {};
  const out = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      written();
      done();
    },
  });
  const seen = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(text);
      if (match !== null) return match;
      await new Promise<void>((resolve) => {
        written = resolve;
      });
    }
  };
  return { out, seen, text: () => text };
}
