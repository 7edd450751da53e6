import { describe, expect, it } from "vitest";
import { findSessions } from "../../src/correlate/session.ts";
import type { Attributes } from "../../src/model/attributes.ts";
import { makeLog, makeResource, makeSpan } from "../support/draw-trace.ts";
import { hex } from "../support/span-shapes.ts";

const MINUTE_NS = 60_000_000_000n;

let traces = 0;
function traceAt(minute: number, attributes: Attributes, resource: Attributes = {}) {
  traces += 1;
  const startNs = BigInt(minute) * MINUTE_NS;
  return makeSpan({
    traceId: hex(traces).repeat(2),
    spanKind: "server",
    startNs,
    endNs: startNs + 1_000n,
    attributes,
    resource: makeResource("web", resource),
  });
}
const client = { "user_agent.original": "Firefox", "client.address": "10.0.0.1" };

describe("findSessions", () => {
  it("goes by session id, however long the pause", () => {
    const spans = [
      traceAt(0, { "session.id": "s1" }),
      traceAt(600, { "session.id": "s1" }),
      traceAt(1, { "session.id": "s2" }),
    ];
    const sessions = findSessions(spans, []);
    expect(sessions.map(({ id, method, traceIds }) => [id, method, traceIds.length])).toEqual([
      ["s1", "exact", 2],
      ["s2", "exact", 1],
    ]);
  });

  it.each([
    ["after 30 minutes it goes on", [0, 30], 1],
    ["after 31 minutes it begins anew", [0, 31], 2],
    ["for 4 hours it is one", Array.from({ length: 9 }, (_, i) => i * 30), 1],
    ["after 4 hours it begins anew", Array.from({ length: 10 }, (_, i) => i * 30), 2],
  ])("without one, by client: %s", (_, minutes, expected) => {
    const sessions = findSessions(
      minutes.map((minute) => traceAt(minute, client)),
      [],
    );
    expect(sessions).toHaveLength(expected);
    expect(sessions.every(({ method }) => method === "attribute")).toBe(true);
  });

  it("keeps clients apart: address, user agent, page instance", () => {
    const spans = [
      traceAt(0, client),
      traceAt(0, { ...client, "client.address": "10.0.0.2" }),
      traceAt(0, { ...client, "user_agent.original": "Chrome" }),
      traceAt(0, {}, { "telemetry.sdk.language": "webjs", "service.instance.id": "tab-1" }),
    ];
    expect(findSessions(spans, [])).toHaveLength(4);
  });

  it("takes a trace whole, whichever of its spans names the session", () => {
    const head = traceAt(0, {});
    const inner = { ...traceAt(0, { "session.id": "s1" }), traceId: head.traceId };
    expect(findSessions([head, inner], [makeLog({ traceId: head.traceId })])).toEqual([
      expect.objectContaining({ id: "s1", spans: 2, logs: 1, traceIds: [head.traceId] }),
    ]);
  });

  it("takes logs without a trace that name a session, and nothing that names neither", () => {
    const logs = [makeLog({ traceId: "", attributes: { "session.id": "s1" } }), makeLog({ traceId: "" })];
    expect(findSessions([traceAt(0, {})], logs)).toEqual([
      expect.objectContaining({ id: "s1", logs: 1, spans: 0, traceIds: [] }),
    ]);
  });

  it("has no sessions for nothing", () => {
    expect(findSessions([], [])).toEqual([]);
  });
});
