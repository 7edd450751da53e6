import { beforeEach, describe, expect, it } from "vitest";
import type {
  AttributeFilter,
  RecordFilter,
  StoredLog,
  StoredSpan,
  TelemetryStore,
} from "../../src/store/telemetry-store.ts";
import { createRecordTable } from "../../src/wire/record-table.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import {
  allRecords,
  commitLogs,
  commitMetrics,
  commitSpans,
  FakeClock,
  type MakeStore,
  START_MS,
  traceId,
} from "./store-under-test.ts";

const SECRET = "hunter2-correct-horse";
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
const CARD = 4_111_111_111_111_111;

export function contractOfMasking(makeStore: MakeStore): void {
  describe("a secret", () => {
    let store: TelemetryStore;
    beforeEach(async () => {
      store = await makeStore(new FakeClock(START_MS));
      commitSpans(store, [
        {
          traceId: traceId(1),
          name: `GET /?jwt=${JWT}`,
          resource: { "service.name": "web", password: SECRET },
          attributes: { password: SECRET, note: `bearer ${JWT}`, account: CARD, plain: "open" },
          events: [{ name: "auth", attributes: { password: SECRET } }],
          status: { code: "error", message: JWT },
        },
      ]);
      commitLogs(store, [{ eventName: "login", body: `token ${JWT}`, attributes: { password: SECRET } }]);
      commitMetrics(store, [{ name: "logins", gauge: [{ value: 1, attributes: { password: SECRET } }] }]);
    });

    it("is in no answer", async () => {
      const answers = [
        await store.records({ filter: {}, order: "newest", limit: 10 }),
        await store.traces({ filter: {}, limit: 10 }),
        await store.trace(traceId(1)),
        await store.metrics({}, 10),
        await store.names(),
        store.stats(),
      ];
      const text = JSON.stringify(answers, (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      );
      for (const secret of [SECRET, JWT, String(CARD)]) expect(text).not.toContain(secret);
      expect(text).toContain("open");
      expect(store.stats().masked).toBeGreaterThan(0);
    });

    it("is in no export", async () => {
      let exported = "";
      for await (const { body } of store.exportRaw({})) exported += Buffer.from(body).toString("latin1");
      expect(exported).toContain("open");
      for (const secret of [SECRET, JWT]) expect(exported).not.toContain(secret);
    });

    it.each<AttributeFilter>([
      { keys: ["password"], match: { op: "equals", value: SECRET } },
      { keys: ["password"], match: { op: "contains", value: "hunter" } },
      { keys: ["note"], match: { op: "contains", value: "eyJhbGci" } },
      { keys: ["note"], match: { op: "equals", value: `bearer ${JWT}` } },
      { keys: ["account"], match: { op: "equals", value: String(CARD) } },
      { keys: ["account"], match: { op: "between", min: CARD, max: CARD } },
    ])("cannot be guessed by an attribute: %j", async (attribute) => {
      expect(await allRecords(store, { attributes: [attribute] })).toEqual([]);
      expect(await store.metrics({ attributes: [attribute] }, 10)).toEqual([]);
      expect((await store.traces({ filter: { attributes: [attribute] }, limit: 10 })).total).toBe(0);
    });

    it.each([{ text: "hunter2" }, { text: JWT.slice(10, 30) }, { name: "eyJhbGci" }, { text: String(CARD) }])(
      "cannot be guessed by %j",
      async (filter) => {
        expect(await allRecords(store, filter)).toEqual([]);
      },
    );

    it("can be looked for as it is shown", async () => {
      const [span] = (await allRecords(store, { kinds: ["span"] })) as StoredSpan[];
      const shown = String(span!.attributes.password);
      const asked: AttributeFilter = { keys: ["password"], match: { op: "equals", value: shown } };
      expect(await allRecords(store, { kinds: ["span"], attributes: [asked] })).toHaveLength(1);
      expect((await allRecords(store, { text: shown.slice(0, 5) })).length).toBeGreaterThan(0);
    });

    it("that a new rule names is masked in what is stored already", async () => {
      commitLogs(store, [{ body: "ticket ABC-123456", attributes: { plain: "x" } }]);
      const filter = { text: "ABC-123456" };
      const others: RecordFilter = { kinds: ["log"], not: [filter] };
      const logsBefore = (await allRecords(store, others)).length;
      expect(await allRecords(store, filter)).toHaveLength(1);
      store.addMaskRule({ kind: "value", pattern: "ABC-[0-9]+" });
      store.addMaskRule({ kind: "key", key: "plain" });
      expect(await allRecords(store, filter)).toEqual([]);
      expect(await allRecords(store, others)).toHaveLength(logsBefore + 1);
      const logs = (await allRecords(store, { kinds: ["log"] })) as StoredLog[];
      expect(logs.at(-1)!.body).not.toContain("123456");
      const [span] = (await allRecords(store, { kinds: ["span"] })) as StoredSpan[];
      expect(span!.attributes.plain).not.toBe("open");
      expect(() => store.addMaskRule({ kind: "value", pattern: "(" })).toThrow();
    });

    it("does not break the framing of an export", async () => {
      const table = createRecordTable();
      let spans = 0;
      for await (const { signal, body } of store.exportRaw({ kinds: ["span"] })) {
        expect(signal).toBe("traces");
        scanTraces(body, table);
        spans += table.count;
      }
      expect(spans).toBe(1);
    });
  });
}
