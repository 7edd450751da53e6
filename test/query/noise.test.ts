import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configure } from "../../src/query/configure.ts";
import { parseConfigure } from "../../src/query/configure-parameters.ts";
import { observe } from "../../src/query/observe.ts";
import { parseObserve } from "../../src/query/parameters.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import type { LogSpec, SpanSpec } from "../support/otlp-build.ts";
import { freshSeed } from "../support/seed.ts";
import {
  commitLogs,
  commitSpans,
  fillShop,
  openWorkplace,
  spanId,
  traceId,
  type Workplace,
} from "./fixture.ts";

let place: Workplace;
let store: TelemetryStore;

beforeEach(() => {
  place = openWorkplace();
  ({ store } = place);
});
afterEach(() => place.close());

const context = () => place.context();

async function change(input: object) {
  return configure(store, parseConfigure({ action: "noise_rule", ...input }), context());
}

async function look(input: object) {
  return observe(store, parseObserve(input), context());
}

/** A health check of so many spans, the first of them the server's. */
function healthCheck(number: number, more: Partial<SpanSpec> = {}): SpanSpec[] {
  const trace = { traceId: traceId(number) };
  const attributes = {
    "http.request.method": "GET",
    "url.path": "/healthz",
    "http.response.status_code": 200,
  };
  return [
    { ...trace, spanId: spanId(number * 10), name: "GET /healthz", kind: "server", attributes, ...more },
    { ...trace, spanId: spanId(number * 10 + 1), parentSpanId: spanId(number * 10), name: "middleware" },
  ];
}

const HEALTH = { name: "health checks", rule: { url: "/healthz" } };

describe("a rule", () => {
  it("hides what matches from lists, says how much, and how to see it", async () => {
    fillShop(store);
    commitSpans(store, [...healthCheck(20), ...healthCheck(21)]);
    const before = await look({ what: "traces" });
    const { structured: added } = await change(HEALTH);
    expect(added.rows).toEqual([{ ...HEALTH, hides: 2 }]);

    const traces = await look({ what: "traces" });
    expect(traces.structured.metadata).toMatchObject({
      total_count: before.structured.metadata.total_count - 2,
      hidden: { by_noise_rules: 2 },
    });
    expect(traces.text).toContain("Hidden: 2 by noise rules; include_noise shows them.");
    expect(traces.text).not.toContain("/healthz");
    const waterfall = await look({ what: "network_waterfall", filter: { source: "backend" } });
    expect(waterfall.structured.metadata.hidden).toEqual({ by_noise_rules: 2 });

    const all = await look({ what: "traces", include_noise: "true" });
    expect(all.structured.metadata.total_count).toBe(before.structured.metadata.total_count);
    expect(all.structured.metadata.hidden).toBeUndefined();
  });

  it("keeps pages full and totals right", async () => {
    commitLogs(
      store,
      Array.from({ length: 40 }, (_, i): LogSpec => ({ body: i % 2 === 0 ? `tick ${i}` : `order ${i}` })),
    );
    await change({ name: "ticks", rule: { text: "TICK" } });
    const first = await look({ what: "logs", limit: 15 });
    expect(first.structured.events).toHaveLength(15);
    expect(first.structured.metadata).toMatchObject({ total_count: 20, hidden: { by_noise_rules: 20 } });
    const cursor = first.structured.metadata.cursor_next;
    const rest = await look({ what: "logs", limit: 15, after_cursor: cursor });
    expect(rest.structured.events).toHaveLength(5);
    expect(JSON.stringify([first, rest])).not.toContain("tick");
  });

  it("shows a record that is asked for by its id or its trace", async () => {
    commitSpans(store, healthCheck(20));
    await change(HEALTH);
    const one = await look({ what: "trace", filter: { trace_id: traceId(20) } });
    expect(one.text).toContain("GET /healthz");
    expect(one.structured.metadata.hidden).toBeUndefined();
  });

  it("is named as the reason when nothing is left", async () => {
    commitLogs(store, [{ body: "tick" }, { body: "tick" }]);
    await change({ name: "ticks", rule: { text: "tick" } });
    const { structured } = await look({ what: "logs" });
    expect(structured.metadata).toMatchObject({ total_count: 0, hidden: { by_noise_rules: 2 } });
    expect(structured.metadata.why_empty).toMatch(/Noise rules hide all that match \(2\).*include_noise/);
  });
});

describe("never hidden", () => {
  const everything = { name: "all", rule: { service: "shop" } };
  const cases: readonly (readonly [string, () => void])[] = [
    ["a failed span", () => commitSpans(store, healthCheck(1, { status: { code: "error" } }))],
    ["an error log", () => commitLogs(store, [{ severity: 17, body: "no" }])],
    ["a fatal log", () => commitLogs(store, [{ severity: 21, body: "no" }])],
    ...[
      ["http.response.status_code", 401],
      ["http.response.status_code", "403"],
      ["http.status_code", 403],
      ["res.statusCode", 401],
      ["status", 401],
    ].map(([key, value]): [string, () => void] => [
      `${key}=${JSON.stringify(value)}`,
      () => commitLogs(store, [{ body: "access", attributes: { [key!]: value! } }]),
    ]),
    [
      "a span whose new status spelling says 200 and the old one 401",
      () =>
        commitSpans(store, [{ attributes: { "http.response.status_code": 200, "http.status_code": 401 } }]),
    ],
    [
      "a test that failed without an error status",
      () =>
        commitSpans(store, [{ attributes: { "test.case.name": "t", "test.case.result.status": "fail" } }]),
    ],
  ];
  it.each(cases)("%s", async (_name, commit) => {
    commit();
    commitLogs(store, [{ body: "ordinary" }]);
    await change(everything);
    const { structured } = await look({ what: "timeline" });
    expect(structured.metadata.hidden!.by_noise_rules).toBeGreaterThanOrEqual(1);
    expect(structured.metadata.total_count).toBe(1);
  });

  it("a trace with an error or a refused request below its first span", async () => {
    commitSpans(store, healthCheck(1));
    const inner = { traceId: traceId(1), parentSpanId: spanId(10), spanId: spanId(12) };
    commitSpans(store, [{ ...inner, attributes: { "http.response.status_code": 401 } }]);
    commitSpans(store, healthCheck(2));
    commitLogs(store, [{ traceId: traceId(2), severity: 17, body: "boom" }]);
    commitSpans(store, healthCheck(3));
    await change(HEALTH);
    const { structured } = await look({ what: "traces" });
    expect(structured.metadata).toMatchObject({ total_count: 2, hidden: { by_noise_rules: 1 } });
  });

  const SEED = freshSeed();
  const word = fc.constantFrom("qx", "qz", "(q+)+$", "[", "", "qxqz");
  const record = fc.record({
    body: word,
    severity: fc.constantFrom(1, 9, 13, 17, 21),
    status: fc.constantFrom(0, 200, 401, 403),
  });
  it(`whatever rules there are, nothing is lost between shown and hidden (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 12 }),
        fc.array(fc.constantFrom("qx", "qz", "(q+)+$", "[", ".*"), { maxLength: 3 }),
        async (records, texts) => {
          await store.clear();
          commitLogs(
            store,
            records.map(
              ({ body, severity, status }): LogSpec => ({
                body,
                severity,
                ...(status === 0 ? {} : { attributes: { "http.response.status_code": status } }),
              }),
            ),
          );
          rmSync(join(place.stateDir, "noise-rules.json"), { force: true });
          for (const [i, text] of texts.entries()) await change({ name: `r${i}`, rule: { text } });
          const { structured } = await look({ what: "logs" });
          const { total_count, hidden } = structured.metadata;
          expect(total_count + (hidden?.by_noise_rules ?? 0)).toBe(records.length);
          const isHidden = ({ body, severity, status }: (typeof records)[number]) =>
            severity < 17 && status !== 401 && status !== 403 && texts.some((text) => body.includes(text));
          expect(total_count).toBe(records.filter((each) => !isHidden(each)).length);
        },
      ),
      { seed: SEED, numRuns: 40 },
    );
  });
});

describe("the file", () => {
  it("keeps rules over a restart, replaces by name, lists and removes", async () => {
    await change(HEALTH);
    await change({ name: "ticks", rule: { text: "tick", service: "web" } });
    await change({ ...HEALTH, rule: { url: "/health" } });
    const path = join(place.stateDir, "noise-rules.json");
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
      version: 1,
      noise_rules: [
        { name: "health checks", rule: { url: "/health" } },
        { name: "ticks", rule: { text: "tick", service: "web" } },
      ],
    });
    expect((await change({})).structured.rows).toHaveLength(2);
    const removed = await change({ name: "ticks", state: "off" });
    expect(removed.text).toContain("1 noise rule left");
    expect((await change({})).structured.rows).toMatchObject([{ name: "health checks" }]);
  });

  it("that cannot be read hides nothing, is left as it is, and is named by doctor and by the list", async () => {
    commitLogs(store, [{ body: "tick" }]);
    const path = join(place.stateDir, "noise-rules.json");
    writeFileSync(path, '{"noise_rules": [{"name": "x", "rule": {}}]}');
    expect((await look({ what: "logs" })).structured.metadata.total_count).toBe(1);
    await expect(change({})).rejects.toThrow(/noise-rules\.json at noise_rules\.0\.rule/);
    const { text } = await configure(store, parseConfigure({ action: "doctor" }), context());
    expect(text).toContain("noise-rules.json");
    expect(readFileSync(path, "utf8")).toContain('"x"');
  });

  it.each<[object, RegExp]>([
    [{ name: "x", rule: {} }, /rule: expected at least one of service/],
    [{ name: "x", rule: { status: 401 } }, /rule\.status: errors, 401 and 403 are never hidden/],
    [{ name: "x", rule: { status: "error" } }, /never hidden/],
    [{ name: "x", rule: { pattern: "(a+)+$" } }, /pattern/],
    [{ rule: { text: "x" } }, /expected a name for the rule/],
    [{ name: "x" }, /rule/],
    [{ state: "off" }, /needs the rule's name/],
    [{ name: "tick", state: "off" }, /no noise rule "tick".*On file: none/],
    [{ name: "x", rule: { text: "y" }, state: "maybe" }, /one of on, off/],
  ])("%j is refused, and nothing is written", async (input, message) => {
    await expect(change(input)).rejects.toThrow(message);
    expect(existsSync(join(place.stateDir, "noise-rules.json"))).toBe(false);
  });
});
