import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modesOf } from "../../scripts/tool-reference.ts";
import { TOOLS } from "../../src/mcp/server.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { commitSpans, fillShop, openSmallStore, spanId, traceId } from "../query/fixture.ts";
import { type Agent, type AgentReply, connectAgent } from "./agent.ts";

/*
 * What a caller gets wrong, as an agent meets it: refused with a code, the offending value and the remedy. Beside these:
 * injected text in query/injection.test.ts, a daemon that dies under the bridge in stdio.test.ts, two daemons on one
 * port in otlp-receiver/listener.test.ts, patterns at length in store/mask-rules.test.ts.
 */

let store: TelemetryStore;
let api: TestApi;
let agent: Agent;

beforeAll(async () => {
  store = openSmallStore(64);
  commitSpans(store, [{ traceId: traceId(90), spanId: spanId(90), name: "soon gone" }]);
  fillShop(store);
  commitSpans(
    store,
    Array.from({ length: 64 }, (_, i) => ({ traceId: traceId(93), spanId: spanId(9_000 + i) })),
  );
  api = await startApi(store);
  agent = await connectAgent(api.url);
});

afterAll(async () => {
  await agent.close();
  await api.close();
  await store.close();
});

interface Refusal {
  readonly code: string;
  readonly message: string;
}

function refusalOf({ isError, structuredContent, content }: AgentReply): Refusal {
  expect(isError).toBe(true);
  const { error } = structuredContent as { readonly error: Refusal };
  expect(content[0]!.text).toBe(error.message);
  return error;
}

describe.each(TOOLS.map(({ name }) => name))("%s", (tool) => {
  const { key, modes } = modesOf(TOOLS.find(({ name }) => name === tool)!);
  const mode = modes[0]!;

  test("without a mode, with one that is none, or of the wrong type", async () => {
    for (const wrong of [undefined, "nothing_like_it", 7, ["logs"], "__proto__"]) {
      const { code, message } = refusalOf(
        await agent.call(tool, wrong === undefined ? {} : { [key]: wrong }),
      );
      expect(code).toBe("bad_parameter");
      expect(message).toContain(key);
    }
  });

  test("with a parameter that it does not have", async () => {
    for (const parameter of ["budget_byte", "constructor", "no_such_thing"]) {
      const { code, message } = refusalOf(await agent.call(tool, { [key]: mode, [parameter]: 1 }));
      expect(code).toBe("bad_parameter");
      expect(message).toContain(parameter);
    }
  });

  test("with a budget that is out of range or no number", async () => {
    for (const budget_bytes of [0, -1, 1.5, 1e12, "many", {}]) {
      const reply = await agent.call(tool, { [key]: mode, budget_bytes });
      expect(refusalOf(reply).message).toContain("budget_bytes");
    }
  });
});

test.each<[tool: string, input: object, code: string, message: RegExp]>([
  ["observe", { what: "logs", limit: 0 }, "bad_parameter", /limit is 0; expected a whole number from 1/],
  ["observe", { what: "logs", filter: "service" }, "bad_parameter", /filter/],
  ["observe", { what: "logs", filter: { level: 3 } }, "bad_parameter", /level is 3/],
  ["observe", { what: "logs", filter: { since: "yesterday-ish" } }, "bad_parameter", /since/],
  ["observe", { what: "logs", after_cursor: "nonsense" }, "bad_parameter", /after_cursor/],
  ["observe", { what: "logs", after_cursor: "p.zzz.1.1.1" }, "before_restart", /Ask again without it/],
  ["observe", { what: "logs", filter: { since: "n.zzz.5" } }, "before_restart", /restart/],
  ["analyze", { type: "causality_chain", since: "-5m", until: "-15m" }, "bad_parameter", /not before until/],
  ["analyze", { type: "regression", baseline: "usal" }, "not_found", /no checkpoint usal/],
  ["configure", { action: "clear", buffer: "lgos" }, "bad_parameter", /Did you mean logs/],
  [
    "configure",
    { action: "redaction_rule", rule: { pattern: "(a+)+\\1" } },
    "bad_parameter",
    /pattern|back/i,
  ],
])("%s %j is refused as %s", async (tool, input, code, message) => {
  const refused = refusalOf(await agent.call(tool, input));
  expect(refused).toMatchObject({ code, message: expect.stringMatching(message) });
});

test("a cursor of one listing is not taken for another's", async () => {
  const traces = await agent.call("observe", { what: "traces", limit: 1 });
  const { cursor_next } = traces.structuredContent.metadata as { readonly cursor_next: string };
  const refused = refusalOf(await agent.call("observe", { what: "logs", after_cursor: cursor_next }));
  expect(refused.code).toBe("bad_parameter");
});

test("an id that was evicted, was never seen, or has not arrived yet: three answers", async () => {
  const look = (trace_id: string, more: object = {}) =>
    agent.call("observe", { what: "trace", filter: { trace_id }, ...more });
  expect(refusalOf(await look(traceId(90))).code).toBe("evicted");
  expect(refusalOf(await look("f".repeat(32)))).toMatchObject({
    code: "not_found",
    message: expect.stringContaining("wait_ms"),
  });
  const late = look(traceId(91), { wait_ms: 20_000 });
  commitSpans(store, [{ traceId: traceId(91), spanId: spanId(91), name: "came later" }]);
  expect((await late).content[0]!.text).toContain("came later");
});

test("a pattern that would run for ever elsewhere is taken, and masks a hostile text at once", async () => {
  const added = await agent.call("configure", { action: "redaction_rule", rule: { pattern: "(q+)+$" } });
  expect(added.isError).toBeFalsy();
  commitSpans(store, [
    { traceId: traceId(92), spanId: spanId(92), name: "x", attributes: { note: `${"q".repeat(50_000)}!` } },
  ]);
  const { isError } = await agent.call("observe", { what: "timeline", filter: { name: "x" } });
  expect(isError).toBeFalsy();
});
