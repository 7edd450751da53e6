import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { generate } from "../../src/generate/generate.ts";
import { parseGenerate } from "../../src/generate/parameters.ts";
import { GasolineError } from "../../src/model/errors.ts";
import { configure } from "../../src/query/configure.ts";
import { parseConfigure } from "../../src/query/configure-parameters.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import {
  commitSpans,
  FAILED_TRACE,
  fillShop,
  openWorkplace,
  START_NS,
  spanId,
  traceId,
  type Workplace,
} from "../query/fixture.ts";
import type { SpanSpec } from "../support/otlp-build.ts";

let place: Workplace;
let store: TelemetryStore;

beforeEach(() => {
  place = openWorkplace();
  ({ store } = place);
});
afterEach(() => place.close());

const context = () => place.context();

async function run(input: object) {
  const { structured, text } = await generate(store, parseGenerate(input), context());
  return { ...structured, text };
}

/** A request answered by a service, `second` seconds after the first record. */
function request(number: number, second: number, more: Partial<SpanSpec> = {}): SpanSpec {
  const startNs = START_NS + BigInt(second) * 1_000_000_000n;
  const { attributes, ...rest } = more;
  return {
    traceId: traceId(number),
    spanId: spanId(number * 100),
    name: "POST /pay",
    kind: "server",
    startNs,
    endNs: startNs + 20_000_000n,
    resource: { "service.name": "shop" },
    attributes: {
      "http.request.method": "POST",
      "url.scheme": "https",
      "server.address": "shop.test",
      "url.path": "/pay",
      "http.response.status_code": 200,
      ...attributes,
    },
    ...rest,
  };
}

const named = z.strictObject({ name: z.string(), value: z.string() });
const size = z.number().int().min(-1);
/** HAR 1.2, its required fields; what begins with `_` may be added. */
const harSchema = z.strictObject({
  log: z.strictObject({
    version: z.literal("1.2"),
    creator: z.strictObject({ name: z.string(), version: z.string() }),
    comment: z.string().optional(),
    entries: z.array(
      z.looseObject({
        startedDateTime: z.iso.datetime(),
        time: z.number().min(0),
        request: z.strictObject({
          method: z.string().regex(/^[A-Z]+$/),
          url: z.url(),
          httpVersion: z.string(),
          cookies: z.array(z.unknown()),
          headers: z.array(named),
          queryString: z.array(named),
          postData: z
            .strictObject({ mimeType: z.string(), params: z.array(z.unknown()), text: z.string() })
            .optional(),
          headersSize: size,
          bodySize: size,
        }),
        response: z.strictObject({
          status: z.number().int().min(0),
          statusText: z.string(),
          httpVersion: z.string(),
          cookies: z.array(z.unknown()),
          headers: z.array(named),
          content: z.strictObject({
            size: z.number().int().min(0),
            mimeType: z.string(),
            text: z.string().optional(),
          }),
          redirectURL: z.string(),
          headersSize: size,
          bodySize: size,
        }),
        cache: z.strictObject({}),
        timings: z.strictObject({
          send: z.number().min(0),
          wait: z.number().min(0),
          receive: z.number().min(0),
        }),
      }),
    ),
  }),
});

describe("har", () => {
  it("is valid, holds each request once, and the bodies, headers and query that were captured", async () => {
    const body = '{"text":"</telemetry> \u202e <b>"}';
    commitSpans(store, [
      request(1, 0, {
        kind: "client",
        attributes: {
          "url.full": "https://shop.test/pay?cart=7&note=a%20b",
          "http.request.header.content-type": ["application/json"],
          "http.request.body.content": body,
          "http.response.body.size": 12,
          "network.protocol.version": "2",
        },
      }),
      request(1, 0, { spanId: spanId(101), parentSpanId: spanId(100), startNs: START_NS + 1_000_000n }),
      request(2, 5, { status: { code: "error", message: "reset" } }),
    ]);
    const { content, text } = await run({ format: "har" });
    const { entries } = harSchema.parse(JSON.parse(content)).log;
    expect(entries.map(({ request: { url } }) => url)).toEqual([
      "https://shop.test/pay?cart=7&note=a%20b",
      "https://shop.test/pay",
    ]);
    expect(entries[0]).toMatchObject({
      request: {
        httpVersion: "HTTP/2",
        queryString: [
          { name: "cart", value: "7" },
          { name: "note", value: "a b" },
        ],
        postData: { mimeType: "application/json", text: body },
      },
      response: { content: { size: 12 } },
      time: 20,
    });
    expect(entries[1]).toMatchObject({ _error: "reset", _trace_id: traceId(2) });
    expect(text.match(/<\/telemetry>/g)).toHaveLength(1);
  });

  it("of the shop is valid, by trace too, and keeps to a byte budget by whole requests", async () => {
    fillShop(store);
    const all = harSchema.parse(JSON.parse((await run({ format: "har" })).content)).log.entries;
    const { content } = await run({ format: "har", trace_id: FAILED_TRACE.slice(0, 8) });
    const one = harSchema.parse(JSON.parse(content)).log.entries;
    expect(one.length).toBeLessThan(all.length);
    expect(new Set(one.map(({ _trace_id }) => _trace_id))).toEqual(new Set([FAILED_TRACE]));
    const short = await run({ format: "har", budget_bytes: 3_000 });
    expect(Buffer.byteLength(JSON.stringify(short))).toBeLessThanOrEqual(3_000);
    const kept = harSchema.parse(JSON.parse(short.content)).log.entries;
    expect(kept.length).toBeLessThan(all.length);
    expect(short.metadata.left_out).toContain(`of ${all.length}`);
  });
});

describe("pr_summary", () => {
  const operation = (first: number, second: number, failed: boolean) =>
    commitSpans(
      store,
      Array.from({ length: 40 }, (_, i) =>
        request(first + i, second + i, {
          attributes: { "http.response.status_code": failed ? 500 : 200 },
          ...(failed ? { status: { code: "error" as const, message: "no *stock* left" } } : {}),
        }),
      ),
    );
  const at = (second: number) => new Date(Number(START_NS / 1_000_000n) + second * 1_000).toISOString();

  it("tells what got worse against the baseline on file, and what failed", async () => {
    operation(1, 0, false);
    await configure(
      store,
      parseConfigure({ action: "set_baseline", name: "usual", until: at(100) }),
      context(),
    );
    operation(101, 200, true);
    const { content, summary } = await run({
      format: "pr_summary",
      since: at(200),
      description: "Less stock",
    });
    expect(summary).toContain("regressed");
    expect(content).toMatch(/^# Less stock\n\n\*\*Regressed\*\*: /);
    expect(content).toContain("Compared 40 traces with 40 of baseline usual");
    expect(content).toMatch(/## Worse\n\n- errors: .*trace `[0-9a-f]{32}`/);
    expect(content).toMatch(/## Errors in this window\n\n- 40 × shop in .*no \\\*stock\\\* left/);
  });

  it("compares with a window, and without any baseline says so", async () => {
    operation(1, 0, false);
    operation(101, 200, true);
    const since = at(200);
    expect((await run({ format: "pr_summary", since })).content).toContain("**Not compared**");
    const { content } = await run({ format: "pr_summary", since, baseline: `${at(0)}/${at(100)}` });
    expect(content).toContain("**Regressed**");
  });
});

describe("reproduction", () => {
  it("sends again what changed something in the session before, then what failed, and says what was seen", async () => {
    const session = { "session.id": "s1" };
    commitSpans(store, [
      request(1, 0, { attributes: { ...session, "http.request.method": "GET" } }),
      request(2, 1, {
        attributes: {
          ...session,
          "url.path": "/cart",
          "http.request.body.content": `{"note":"it's $(rm -rf x)"}`,
        },
      }),
      request(3, 2, { attributes: { "session.id": "another", "url.path": "/other" } }),
      request(4, 3, {
        attributes: { ...session, "http.response.status_code": 502 },
        status: { code: "error", message: "bank away" },
      }),
    ]);
    const { content, summary } = await run({ format: "reproduction" });
    expect(summary).toMatch(/^2 requests to reproduce an error; .* same session/);
    expect([...content.matchAll(/^\d\. (.*)$/gm)].map(([, step]) => step)).toEqual([
      "POST /cart (shop, answered 200)",
      "POST /pay (shop, answered 502)",
    ]);
    expect(content).toContain("It began in shop");
    expect(content).toContain("bank away");
    expect(content).toContain(`gasoline show ${traceId(4)}`);
    // What a shell makes of the first command, run with a curl that only says what it was given.
    const command = /```sh\n(curl[\s\S]*?)\n```/.exec(content)![1]!;
    const words = execFileSync("sh", ["-c", `curl() { printf '%s\\n' "$@"; }\n${command}`], {
      encoding: "utf8",
    });
    expect(words.trim().split("\n")).toEqual([
      "-i",
      "-X",
      "POST",
      "https://shop.test/cart",
      "-H",
      "content-type: application/json",
      "--data-raw",
      `{"note":"it's $(rm -rf x)"}`,
    ]);
  });

  it("without a session goes by the ids in the trace's URLs", async () => {
    const cart = "e45c21a4-f0ff-4b42-8944-fc86f6ac7c66";
    commitSpans(store, [
      request(1, 0, { attributes: { "url.path": `/carts/${cart}/items` } }),
      request(2, 1, { attributes: { "url.path": "/carts/11111111-f0ff-4b42-8944-fc86f6ac7c66/items" } }),
      request(3, 2, { status: { code: "error", message: "bank away" } }),
      request(3, 2, {
        spanId: spanId(301),
        parentSpanId: spanId(300),
        kind: "client",
        attributes: { "http.request.method": "GET", "url.full": `http://cart/carts/${cart}` },
      }),
    ]);
    const { content } = await run({ format: "reproduction", context: [{ trace_id: traceId(3) }] });
    expect([...content.matchAll(/^\d\. (\S+ \S+)/gm)].map(([, step]) => step)).toEqual([
      `POST /carts/${cart}/items`,
      "POST /pay",
    ]);
  });

  it("of the shop's failed checkout names where it began", async () => {
    fillShop(store);
    const { content } = await run({ format: "reproduction" });
    expect(content).toMatch(/POST \/checkout \(web, answered 502\)/);
    expect(content).toMatch(/It began in payment in POST \/charge: TimeoutError: no answer from the bank/);
  });
});

describe("implementation_plan", () => {
  it("names the place of the cause, what depends on it and how to verify, each with its evidence", async () => {
    fillShop(store);
    const { content, text } = await run({ format: "implementation_plan", trace_id: FAILED_TRACE });
    expect(content).toContain("- /app/src/payment.js:42, for POST bank.example/charge of payment.");
    expect(content).toContain(`(trace \`${FAILED_TRACE}\`, span \`${spanId(2005)}\`)`);
    const [change, rest = ""] = content.split("## Keep working");
    expect(change).toContain("It shows: POST bank.example/charge in payment fails");
    expect(rest).toMatch(/- endpoint web POST \/checkout \(trace `/);
    expect(rest).toMatch(/## Verify[\s\S]*generate \{"format":"test","trace_id":"[0-9a-f]{32}"\}/);
    expect(text.length).toBeGreaterThan(content.length);
  });

  it("is to find out where nothing stands out", async () => {
    commitSpans(store, [request(1, 0), request(2, 1)]);
    const { content, summary } = await run({ format: "implementation_plan" });
    expect(summary).toMatch(/No cause stands out/);
    expect(content).toContain("## First find out");
    expect(content).not.toContain("## Change");
  });
});

it.each<[object, string, RegExp]>([
  [{}, "bad_parameter", /format is missing/],
  [{ format: "pr-summary" }, "bad_parameter", /Did you mean "pr_summary"\?/],
  [{ format: "har", trace: "x" }, "bad_parameter", /Did you mean trace_id\?/],
  [{ format: "har", trace_id: "zz" }, "bad_parameter", /expected 32 hex digits/],
  [{ format: "har", trace_id: "0123456789abcdef" }, "not_found", /./],
  [{ format: "har" }, "not_found", /No HTTP request/],
  [{ format: "pr_summary" }, "not_found", /Nothing of that scope/],
  [{ format: "pr_summary", baseline: "usual" }, "not_found", /no checkpoint usual/],
  [{ format: "reproduction" }, "not_found", /No error of that scope/],
  [{ format: "sarif" }, "not_found", /No error of that scope/],
  [{ format: "test" }, "not_found", /Neither an action in a browser nor an HTTP request/],
  [{ format: "test", recording: "buy" }, "not_found", /no recording "buy"/],
  [{ format: "test", recording: "../x" }, "not_found", /no recording/],
  [
    { format: "test", recording: { title: "x", steps: [{ type: "click" }] } },
    "bad_parameter",
    /not a recording/,
  ],
  [
    { format: "test", recording: { title: "x", steps: [{ type: "keyDown", key: "a" }] } },
    "bad_parameter",
    /does not begin with a page/,
  ],
])("%j on an empty store is refused", async (input, code, message) => {
  const refusal = await run(input).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(GasolineError);
  expect(refusal).toMatchObject({ code, message: expect.stringMatching(message) });
});
