import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { analyze } from "../../src/query/analyze.ts";
import { parseAnalyze } from "../../src/query/analyze-parameters.ts";
import { configure } from "../../src/query/configure.ts";
import { parseConfigure } from "../../src/query/configure-parameters.ts";
import type { Row } from "../../src/query/shapes.ts";
import { openStateFiles } from "../../src/query/state-files.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import type { SpanSpec } from "../support/otlp-build.ts";
import {
  ask,
  commitSpans,
  FAILED_TRACE,
  fillShop,
  openWorkplace,
  START_NS,
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

async function run(input: object) {
  const { structured, text } = await configure(store, parseConfigure(input), context());
  return { ...structured, rows: structured.rows as readonly Row[], text };
}

/** So many requests to pay from `sinceS` seconds on, each so long and, if asked, failed. */
function traffic(first: number, requests: number, durationMs: number, failed = false): void {
  const spans = Array.from({ length: requests }, (_, i): SpanSpec => {
    const number = first + i;
    const startNs = START_NS + BigInt(number) * 1_000_000_000n;
    return {
      traceId: traceId(number),
      spanId: spanId(number),
      name: "POST /charges",
      kind: "server",
      startNs,
      endNs: startNs + BigInt(durationMs + (i % 5)) * 1_000_000n,
      resource: { "service.name": "payment" },
      attributes: {
        "http.request.method": "POST",
        "http.route": "/charges",
        "url.path": "/charges",
        "http.response.status_code": failed ? 500 : 200,
      },
      ...(failed ? { status: { code: "error" as const, message: "bank away" } } : {}),
    };
  });
  commitSpans(store, spans);
}

const iso = (second: number): string =>
  new Date(Number(START_NS / 1_000_000n) + second * 1_000).toISOString();

describe("checkpoints", () => {
  it("keep a window's events, counts and summary in a file, and pin its traces", async () => {
    fillShop(store);
    const { rows, summary } = await run({ action: "save_checkpoint", name: "shop" });
    expect(summary).toMatch(/^Saved checkpoint shop: .* of 4 traces, 1 of them failed, 4 pinned\.$/);
    const file = JSON.parse(readFileSync(String(rows[0]!.path), "utf8"));
    expect(file).toMatchObject({ name: "shop", metadata: { events_dropped: 0 }, summary: { version: 1 } });
    expect(file.events).toHaveLength(Number(rows[0]!.events));
    expect(file.metadata.baseline).toBeUndefined();
    expect(file.events.filter((event: { level: string }) => event.level === "error").length).toBe(
      file.metadata.errors,
    );
    await store.clear();
    expect((await run({ action: "list_checkpoints" })).rows).toMatchObject([
      { name: "shop", baseline: false, traces: 4 },
    ]);
  });

  it.each<[string, object, string[]]>([
    ["a trace", { filter: { trace_id: FAILED_TRACE.slice(0, 8) } }, [FAILED_TRACE]],
    ["a service", { filter: { service: "payment" } }, [traceId(1), FAILED_TRACE]],
    ["a session", { session_id: "session-2" }, [FAILED_TRACE]],
    ["events of a reply", { events: [{ trace_id: FAILED_TRACE.slice(0, 8) }, { note: 1 }] }, [FAILED_TRACE]],
    ["a window", { since: iso(50), until: iso(100) }, [FAILED_TRACE]],
  ])("of %s hold its whole traces and nothing else", async (_name, scope, traces) => {
    fillShop(store);
    const { rows } = await run({ action: "save_checkpoint", name: "part", ...scope });
    const { events } = JSON.parse(readFileSync(String(rows[0]!.path), "utf8"));
    const held = new Set(events.flatMap((event: { trace_id?: string }) => event.trace_id ?? []));
    expect([...held].sort()).toEqual([...traces].sort());
  });

  it("list a broken file with its problem beside the others, and delete it", async () => {
    fillShop(store);
    await run({ action: "save_checkpoint", name: "whole" });
    writeFileSync(join(place.stateDir, "checkpoints", "broken.json"), "{");
    expect((await run({ action: "list_checkpoints" })).rows).toMatchObject([
      { name: "broken", problem: expect.stringContaining("is not JSON") },
      { name: "whole" },
    ]);
    expect((await run({ action: "doctor" })).rows[0]).toMatchObject({
      state: "wrong",
      check: "checkpoint broken",
    });
    await run({ action: "delete_checkpoint", name: "broken" });
    expect((await run({ action: "list_checkpoints" })).rows).toHaveLength(1);
  });

  it("refuse to save nothing", async () => {
    await expect(run({ action: "save_checkpoint", name: "empty" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect(existsSync(join(place.stateDir, "checkpoints"))).toBe(false);
  });
});

describe("baselines", () => {
  it("are what regression and causality compare with when none is named, and one by name", async () => {
    traffic(1, 60, 20);
    expect((await run({ action: "set_baseline", name: "usual", until: iso(100) })).rows).toHaveLength(1);
    traffic(201, 60, 400);
    const find = async (input: object) =>
      (await analyze(store, parseAnalyze({ since: iso(200), ...input }), context())).structured;
    const unnamed = await find({ type: "regression" });
    expect(unnamed).toMatchObject({ verdict: "regressed", metadata: { compared_with: ["usual"] } });
    expect(await find({ type: "regression", baseline: "usual" })).toMatchObject({ verdict: "regressed" });
    expect(await find({ type: "causality_chain" })).toMatchObject({
      root_cause: { service: "payment" },
      metadata: { compared_with: ["usual"] },
    });
    await expect(find({ type: "regression", baseline: "usal" })).rejects.toThrow(/Did you mean usual\?/);
  });

  it("are left out of a window that holds their own time, and the reply says so", async () => {
    traffic(1, 60, 20);
    await run({ action: "set_baseline", name: "usual" });
    const find = async (input: object) =>
      (await analyze(store, parseAnalyze({ type: "regression", ...input }), context())).structured;
    // As long as nothing else is held, the baseline itself is looked at.
    expect((await find({})).metadata).toMatchObject({ spans: 60 });
    traffic(201, 30, 400);
    const { metadata, verdict } = await find({});
    expect({ verdict, spans: metadata.spans }).toEqual({ verdict: "regressed", spans: 30 });
    expect(metadata.window_after).toMatch(/, where baseline usual ends$/);
    expect((await find({ until: iso(100) })).metadata.window_after).toBeUndefined();
  });

  it("warn when the window differs from the other baselines as a fault would, but not of themselves", async () => {
    traffic(1, 60, 20);
    await run({ action: "set_baseline", name: "usual", until: iso(100) });
    traffic(201, 60, 20, true);
    const polluted = await run({ action: "set_baseline", name: "polluted", since: iso(200) });
    expect(polluted.summary).toContain("look before relying on it");
    expect(polluted.rows.map(({ warning }) => warning).join("\n")).toMatch(
      /POST \/charges in payment fails in 60 of 60/,
    );
    const again = await run({ action: "set_baseline", name: "usual", until: iso(100) });
    expect(again.rows).toHaveLength(1);
  });

  it("take the place of a checkpoint that was none, and lose it again", async () => {
    traffic(1, 40, 20);
    const state = openStateFiles(place.stateDir);
    const save = async (action: string) =>
      configure(store, parseConfigure({ action, name: "usual" }), { ...context(), state });
    const names = () => state.readBaselines().map(({ name }) => name);
    await save("save_checkpoint");
    writeFileSync(join(place.stateDir, "checkpoints", "broken.json"), "{");
    expect([names(), names()]).toEqual([[], []]);
    await save("set_baseline");
    expect([names(), names()]).toEqual([["usual"], ["usual"]]);
    await save("save_checkpoint");
    expect(names()).toEqual([]);
  });

  it("cannot be compared with when there are none", async () => {
    traffic(1, 5, 20);
    await expect(analyze(store, parseAnalyze({ type: "regression" }), context())).rejects.toThrow(
      /set_baseline/,
    );
  });
});

describe("what is held", () => {
  it("is cleared by buffer, the others stay", async () => {
    fillShop(store);
    const { rows } = await run({ action: "clear", buffer: "logs" });
    expect(Number(rows[0]!.cleared)).toBeGreaterThan(0);
    expect((await ask(store, { what: "logs" })).structured.events).toEqual([]);
    expect((await ask(store, { what: "traces" })).structured.rows?.length).toBe(4);
    await run({ action: "clear" });
    expect((await ask(store, { what: "timeline" })).structured.events).toEqual([]);
  });
});

describe("files", () => {
  it("file an edge case, and replace it by its name without forgetting when it was tested", async () => {
    const rule = { match: { status: "402" }, severity: "high", last_tested: "2026-01-01T00:00:00Z" };
    await run({ action: "register_edge_case", name: "declined", rule });
    await run({ action: "register_edge_case", name: "declined", rule: { match: { status: 402 } } });
    const { edge_cases } = JSON.parse(readFileSync(join(place.stateDir, "edge-cases.json"), "utf8"));
    expect(edge_cases).toMatchObject([
      { name: "declined", severity: "medium", last_tested: "2026-01-01T00:00:00.000Z" },
    ]);
  });

  it("propose contracts beside those on file, which stay as they are", async () => {
    traffic(1, 30, 20);
    const first = await run({ action: "learn_contracts" });
    expect(first.rows).toMatchObject([{ service: "payment", endpoints: 1, samples: 30 }]);
    const path = join(place.stateDir, "contracts", "payment.json");
    writeFileSync(path, readFileSync(path, "utf8").replace('"samples": 30', '"samples": 31'));
    const second = await run({ action: "learn_contracts", service: "payment" });
    expect(second.rows).toMatchObject([{ beside: expect.stringContaining("on file") }]);
    expect(readFileSync(path, "utf8")).toContain('"samples": 31');
    await expect(run({ action: "learn_contracts", service: "cart" })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

it("doctor says what arrived, and what to do when nothing has", async () => {
  expect((await run({ action: "doctor" })).rows[0]).toMatchObject({
    state: "wrong",
    remedy: expect.stringContaining("OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:7890"),
  });
  fillShop(store);
  const { rows, summary } = await run({ action: "doctor" });
  expect(summary).toMatch(/^All is well/);
  expect(rows.map(({ check }) => check)).toContain("backend.spans");
});

it("describe_capabilities lists what every tool takes", async () => {
  const { rows } = await run({ action: "describe_capabilities" });
  expect(rows.find(({ tool }) => tool === "configure")!.actions).toContain("set_baseline");
  expect(rows.find(({ tool }) => tool === "observe")!.what).toContain("traces");
});

it("a list keeps to the byte budget and says what it left out", async () => {
  fillShop(store);
  for (let i = 0; i < 30; i++)
    await run({ action: "register_edge_case", name: `c${i}`, rule: { match: { status: 402 } } });
  await run({ action: "save_checkpoint", name: "one" });
  const text = readFileSync(join(place.stateDir, "checkpoints", "one.json"), "utf8");
  for (let i = 0; i < 40; i++) writeFileSync(join(place.stateDir, "checkpoints", `copy-${i}.json`), text);
  const { structured, text: shown } = await configure(
    store,
    parseConfigure({ action: "list_checkpoints", budget_bytes: 3_000 }),
    context(),
  );
  expect(structured.metadata.left_out).toMatch(/of 41 rows/);
  expect(
    Buffer.byteLength(JSON.stringify(structured)) + Buffer.byteLength(JSON.stringify(shown)),
  ).toBeLessThan(3_000);
});

it.each<[object, string, RegExp]>([
  [{}, "bad_parameter", /action is missing/],
  [{ action: "save_checkpont" }, "bad_parameter", /Did you mean "save_checkpoint"\?/],
  [{ action: "save_checkpoint" }, "bad_parameter", /needs a name/],
  [{ action: "save_checkpoint", name: "../../etc/passwd" }, "bad_parameter", /cannot name a checkpoint/],
  [{ action: "save_checkpoint", name: "a", sinse: "-5m" }, "bad_parameter", /Did you mean since\?/],
  [
    { action: "save_checkpoint", name: "a", since: "-5m", until: "-9m" },
    "bad_parameter",
    /is not before until/,
  ],
  [{ action: "save_checkpoint", name: "a", filter: { level: "error" } }, "bad_parameter", /filter/],
  [{ action: "save_checkpoint", name: "a", filter: {}, service: "x" }, "bad_parameter", /beside filter/],
  [{ action: "save_checkpoint", name: "a", events: [{}] }, "bad_parameter", /No event names a trace/],
  [{ action: "save_checkpoint", name: "a", trace_id: "0123456789abcdef0123456789abcdef" }, "not_found", /./],
  [{ action: "delete_checkpoint", name: "a" }, "not_found", /There is no checkpoint a/],
  [{ action: "clear", buffer: "spnas" }, "bad_parameter", /Did you mean .*spans/],
  [{ action: "redaction_rule" }, "bad_parameter", /expected \{"key"/],
  [{ action: "redaction_rule", rule: { key: "a", pattern: "b" } }, "bad_parameter", /expected \{"key"/],
  [{ action: "register_edge_case", name: "x" }, "bad_parameter", /For example/],
  [{ action: "register_edge_case", name: "x", rule: { match: {} } }, "bad_parameter", /at least one of/],
])("%j is refused", async (input, code, message) => {
  fillShop(store);
  const refusal = await run(input).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(GasolineError);
  expect(refusal).toMatchObject({ code, message: expect.stringMatching(message) });
});

describe("last_tested", () => {
  const check = async () =>
    (await analyze(store, parseAnalyze({ type: "edge_case_check" }), context())).structured;

  it("is filed when asked and a trace exercised the case, and moves on no other", async () => {
    fillShop(store);
    await run({ action: "register_edge_case", name: "slow bank", rule: { match: { exception: "Timeout" } } });
    await run({ action: "register_edge_case", name: "never", rule: { match: { status: "418" } } });
    const first = await check();
    expect(first).not.toHaveProperty("tested");
    // The analysis only reads.
    expect(openStateFiles(place.stateDir).readEdgeCases()[0]!.lastTestedMs).toBeUndefined();
    expect(first.next[0]).toBe('configure {"action":"register_edge_case"}');
    const { rows } = await run({ action: "register_edge_case" });
    expect(rows).toMatchObject([{ name: "slow bank", last_tested: iso(61.23) }]);
    const [slow, never] = openStateFiles(place.stateDir).readEdgeCases();
    expect(slow!.lastTestedMs).toBe(Number(START_NS / 1_000_000n) + 61_230);
    expect(never!.lastTestedMs).toBeUndefined();

    await store.clear();
    expect((await check()).findings).toMatchObject([{ kind: "never_tested", name: "never" }]);
    expect(openStateFiles(place.stateDir).readEdgeCases()[0]).toEqual(slow);
  });
});
