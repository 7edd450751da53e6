import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readContract } from "../../src/correlate/contract-file.ts";
import { findRegressions } from "../../src/correlate/regression.ts";
import { summarizeCheckpoint } from "../../src/correlate/regression-summary.ts";
import { GasolineError } from "../../src/model/errors.ts";
import type { NormalizedEvent } from "../../src/model/event.ts";
import {
  makeCheckpoint,
  readCheckpointFile,
  serializeCheckpoint,
  summaryOf,
} from "../../src/query/checkpoint-file.ts";
import { openStateFiles, type StateFiles } from "../../src/query/state-files.ts";
import { edgeCaseSchema, readEdgeCase } from "../../src/query/state-schemas.ts";
import { shopTraffic } from "../correlate/shop-traffic.ts";
import { freshSeed } from "../support/seed.ts";

let stateDir: string;
let files: StateFiles;
beforeEach(() => {
  stateDir = join(mkdtempSync(join(tmpdir(), "gasoline-state-")), ".gasoline");
  files = openStateFiles(stateDir);
});
afterEach(() => rmSync(join(stateDir, ".."), { recursive: true, force: true }));

const event = (i: number, more: Partial<NormalizedEvent> = {}): NormalizedEvent => ({
  id: `s${i}`,
  timestamp: i,
  source: "backend",
  level: "info",
  message: `event ${i}`,
  metadata: {},
  tags: [],
  source_details: {},
  ...more,
});
const { spans, logs } = shopTraffic({ requests: 10, seed: 1 });
const { summary } = summarizeCheckpoint(spans, logs);

/** The error that a call throws, if it is one for users. */
function refusal(run: () => unknown): GasolineError {
  try {
    run();
  } catch (error) {
    if (error instanceof GasolineError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("checkpoints", () => {
  it("hold what the target architecture says, with the summary beside", () => {
    const events = [
      event(30, { level: "error" }),
      event(10, { tags: ["http"], metadata: { kind: "client" } }),
      event(20, { metadata: { event_name: "browser.user_action.click" } }),
    ];
    const saved = makeCheckpoint("happy_path", Date.UTC(2026, 0, 31, 10), events, summary);
    const { path, bytes } = files.writeCheckpoint(saved);
    const json = JSON.parse(readFileSync(path, "utf8"));
    expect(Object.keys(json)).toEqual(["name", "timestamp", "events", "metadata", "summary"]);
    expect(json).toMatchObject({
      name: "happy_path",
      timestamp: "2026-01-31T10:00:00.000Z",
      metadata: {
        duration_ms: 20,
        actions_count: 1,
        network_requests: 1,
        errors: 1,
        events_total: 3,
        events_dropped: 0,
      },
    });
    expect(json.events.map(({ id }: NormalizedEvent) => id)).toEqual(["s10", "s20", "s30"]);
    expect(bytes).toBe(readFileSync(path).length);
    expect(files.readCheckpoint("happy_path")).toEqual(saved);
    const again = shopTraffic({ requests: 10, seed: 2, payFailing: 1 });
    const read = summaryOf(files.readCheckpoint("happy_path"));
    expect(findRegressions([read], again.spans, again.logs).verdict).toBe("regressed");
  });

  it("replace one of the same name, are listed and deleted", () => {
    files.writeCheckpoint(makeCheckpoint("b", 0, [event(1)], summary));
    files.writeCheckpoint(makeCheckpoint("a", 0, [], summary));
    files.writeCheckpoint(makeCheckpoint("b", 0, [event(2)], summary));
    expect(files.listCheckpoints()).toEqual(["a", "b"]);
    expect(files.readCheckpoint("b").events).toEqual([event(2)]);
    files.deleteCheckpoint("a");
    expect(files.listCheckpoints()).toEqual(["b"]);
    expect(readdirSync(join(stateDir, "checkpoints"))).toEqual(["b.json"]);
    expect(refusal(() => files.deleteCheckpoint("a")).code).toBe("not_found");
  });

  it("of unknown names are refused with the nearest", () => {
    expect(files.listCheckpoints()).toEqual([]);
    expect(refusal(() => files.readCheckpoint("checkout")).remedy).toContain("On file: none");
    files.writeCheckpoint(makeCheckpoint("checkout", 0, [], summary));
    expect(refusal(() => files.readCheckpoint("chekout")).remedy).toContain("Did you mean checkout?");
  });

  it.each([
    "",
    "..",
    "../../etc/passwd",
    "a/b",
    "a\\b",
    ".hidden",
    "a\0b",
    "a.",
    "x".repeat(101),
    "é",
    "a b",
  ])("may not be named %j", (name) => {
    for (const run of [
      () => files.readCheckpoint(name),
      () => files.deleteCheckpoint(name),
      () => files.writeCheckpoint(makeCheckpoint(name, 0, [], summary)),
    ]) {
      expect(refusal(run)).toMatchObject({ code: "bad_parameter" });
    }
    expect(() => readdirSync(stateDir)).toThrow();
  });

  it("written by hand without a summary are read, but not compared with", () => {
    mkdirSync(join(stateDir, "checkpoints"), { recursive: true });
    const path = join(stateDir, "checkpoints", "hand.json");
    const json = {
      name: "hand",
      timestamp: "2026-01-31T10:00:00Z",
      events: [event(1)],
      metadata: { errors: 0 },
    };
    writeFileSync(path, `\uFEFF${JSON.stringify(json)}`);
    expect(files.readCheckpoint("hand").events).toHaveLength(1);
    expect(refusal(() => summaryOf(files.readCheckpoint("hand"))).remedy).toContain("save_checkpoint");
  });

  it.each<[string, string, RegExp]>([
    ["cut off", '{"name": "x", "events": [', /x\.json is not JSON/],
    ["another file", "[1, 2]", /x\.json is no checkpoint/],
    [
      "a broken summary",
      JSON.stringify({ name: "x", timestamp: "", events: [], summary: { version: 1 } }),
      /no checkpoint at behaviour/,
    ],
    [
      "a later version",
      JSON.stringify({ name: "x", timestamp: "", events: [], summary: { version: 9 } }),
      /version 9; version 1 is read/,
    ],
  ])("that are %s are refused with the path and left alone", (_, text, message) => {
    mkdirSync(join(stateDir, "checkpoints"), { recursive: true });
    const path = join(stateDir, "checkpoints", "x.json");
    writeFileSync(path, text);
    const error = refusal(() => files.readCheckpoint("x"));
    expect(error.message).toMatch(message);
    expect(error.remedy).not.toBe("");
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("drop events that do not fit, errors last, and say how many", () => {
    const events = Array.from({ length: 1_000 }, (_, i) =>
      event(i, { level: i % 100 === 99 ? "error" : "info", message: "x".repeat(100) }),
    );
    const saved = makeCheckpoint("big", 0, events, summary);
    const whole = serializeCheckpoint(saved, Number.MAX_SAFE_INTEGER);
    const limit = Buffer.byteLength(whole) - 100_000;
    const text = serializeCheckpoint(saved, limit);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
    expect(Buffer.byteLength(text)).toBeGreaterThan(limit - 300);
    const read = readCheckpointFile(JSON.parse(text), "big.json");
    expect(read.events.filter(({ level }) => level === "error")).toHaveLength(10);
    expect(read.metadata).toMatchObject({ events_total: 1_000, errors: 10 });
    expect(read.metadata.events_dropped).toBe(1_000 - read.events.length);
    expect(refusal(() => serializeCheckpoint(saved, 1_000)).code).toBe("too_large");
  });

  const seed = freshSeed();
  const nothing = summarizeCheckpoint([], []).summary;
  it(`come back as they were written, whatever their events hold (seed ${seed})`, () => {
    const anyEvent = fc.record({
      timestamp: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
      message: fc.string({ unit: "binary" }),
    });
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 10 }),
        fc.integer({ min: 0, max: 4_000 }),
        (drawn, spare) => {
          const saved = makeCheckpoint(
            "any",
            0,
            drawn.map((given, i) => event(i, given)),
            nothing,
          );
          const whole = serializeCheckpoint(saved, Number.MAX_SAFE_INTEGER);
          expect(readCheckpointFile(JSON.parse(whole), "any")).toEqual(JSON.parse(JSON.stringify(saved)));
          const empty = Buffer.byteLength(
            serializeCheckpoint({ ...saved, events: [] }, Number.MAX_SAFE_INTEGER),
          );
          const cut = serializeCheckpoint(saved, empty + 64 + spare);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(empty + 64 + spare);
          JSON.parse(cut);
        },
      ),
      { seed, numRuns: 60 },
    );
  });
});

describe("contracts", () => {
  const proposal = (service: string) =>
    ({
      version: 1,
      service,
      endpoints: [{ method: "GET", route: "/x", samples: 1, responses: {} }],
    }) as const;

  it("learned are proposed beside what is on file, never over it", () => {
    const first = files.proposeContract(proposal("orders"));
    expect(first).toEqual({ path: join(stateDir, "contracts", "orders.json"), isNew: true });
    writeFileSync(first.path, JSON.stringify({ ...proposal("orders"), endpoints: [] }));
    const second = files.proposeContract(proposal("orders"));
    expect(second).toEqual({ path: join(stateDir, "contracts", "orders.proposed.json"), isNew: false });
    expect(files.readContracts()).toEqual([{ service: "orders", endpoints: [], notes: [] }]);
  });

  it.each(["../../up", "a/b", "..", ".", "", "c:\\d", "日本", "%2e"])(
    "of a service named %j stay in their folder",
    (service) => {
      const { path } = files.proposeContract(proposal(service));
      expect(readdirSync(join(stateDir, "contracts"))).toHaveLength(1);
      expect(readdirSync(stateDir)).toEqual(["contracts"]);
      expect(path.startsWith(join(stateDir, "contracts"))).toBe(true);
      const [read] = files.readContracts();
      if (service !== "" && service !== "..") expect(read!.service).toBe(service);
    },
  );

  it("by OpenAPI are read, with the file's name as the service", () => {
    mkdirSync(join(stateDir, "contracts"), { recursive: true });
    const document = { openapi: "3.1.0", paths: { "/x": { get: { responses: { "200": {} } } } } };
    writeFileSync(join(stateDir, "contracts", "auth-service.json"), JSON.stringify(document));
    expect(files.readContracts()).toEqual([readContract(document, "auth-service", "x")]);
    writeFileSync(join(stateDir, "contracts", "broken.json"), "{");
    expect(refusal(() => files.readContracts()).message).toContain("broken.json");
  });
});

describe("dependencies.json", () => {
  it("is sorted, keeps what people wrote, and reads back the same", () => {
    expect(files.readDependencies()).toEqual([]);
    mkdirSync(stateDir, { recursive: true });
    const path = join(stateDir, "dependencies.json");
    writeFileSync(path, JSON.stringify({ dependencies: [{ from: "web", to: "legacy", note: "nightly" }] }));
    const [declared] = files.readDependencies();
    expect(declared).toEqual({
      from: "web",
      to: "legacy",
      type: "service",
      source: "declared",
      more: { note: "nightly" },
    });
    const observed = {
      from: "a",
      to: "b",
      type: "database",
      source: "observed",
      last_seen: "2026-01-31",
    } as const;
    files.writeDependencies([declared!, observed]);
    expect(readFileSync(path, "utf8")).toBe(`{
  "version": 1,
  "dependencies": [
    {"from":"a","to":"b","type":"database","source":"observed","last_seen":"2026-01-31"},
    {"from":"web","to":"legacy","type":"service","source":"declared","note":"nightly"}
  ]
}
`);
    expect(files.readDependencies()).toEqual([observed, declared]);
  });

  it.each<[string, unknown, RegExp]>([
    ["another version", { version: 2, dependencies: [] }, /version 2; version 1 is read/],
    ["no list", {}, /dependencies\.json at dependencies/],
    ["an edge to nowhere", { dependencies: [{ from: "a" }] }, /at dependencies\.0\.to/],
    ["a wrong day", { dependencies: [{ from: "a", to: "b", last_seen: "today" }] }, /expected a day/],
  ])("with %s is refused with the place", (_, json, message) => {
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, "dependencies.json"), JSON.stringify(json));
    expect(refusal(() => files.readDependencies()).message).toMatch(message);
  });
});

describe("edge-cases.json", () => {
  const given = {
    name: "card declined",
    description: "the bank says no",
    severity: "high",
    test_frequency: "12h",
    match: { status: 402, service: "payment" },
    owner: "payments",
  };

  it("keeps what people wrote, and moves last_tested only where told", () => {
    expect(files.readEdgeCases()).toEqual([]);
    const edgeCase = readEdgeCase(edgeCaseSchema.parse(given));
    expect(edgeCase).toMatchObject({
      everyMs: 12 * 3_600_000,
      match: { status: "402" },
      lastTestedMs: undefined,
    });
    files.writeEdgeCases([edgeCase, { ...edgeCase, name: "other", lastTestedMs: Date.UTC(2026, 0, 31) }]);
    const json = JSON.parse(readFileSync(join(stateDir, "edge-cases.json"), "utf8"));
    expect(json.edge_cases[0]).toEqual({
      ...given,
      match: { status: "402", service: "payment" },
      last_tested: null,
    });
    expect(json.edge_cases[1].last_tested).toBe("2026-01-31T00:00:00.000Z");
    expect(files.readEdgeCases()[0]).toEqual(edgeCase);
  });

  it.each<[string, object, RegExp]>([
    ["no match", { match: {} }, /match: expected at least one of service/],
    ["an unknown match", { match: { servce: "x" } }, /servce/],
    ["an unknown severity", { severity: "urgent" }, /severity/],
    ["an unknown frequency", { test_frequency: "sometimes" }, /expected once, hourly/],
    ["an impossible time", { last_tested: "yesterday" }, /last_tested/],
  ])("with %s is refused with the place", (_, more, message) => {
    mkdirSync(stateDir, { recursive: true });
    const path = join(stateDir, "edge-cases.json");
    writeFileSync(path, JSON.stringify({ edge_cases: [{ ...given, ...more }] }));
    expect(refusal(() => files.readEdgeCases()).message).toMatch(message);
    writeFileSync(path, JSON.stringify({ edge_cases: [given, given] }));
    expect(refusal(() => files.readEdgeCases()).message).toMatch(/two edge cases named "card declined"/);
  });
});

it("nothing is left behind when a file cannot be written", () => {
  mkdirSync(join(stateDir, "dependencies.json", "in the way"), { recursive: true });
  expect(refusal(() => files.writeDependencies([])).message).toContain("cannot be written");
  expect(readdirSync(stateDir)).toEqual(["dependencies.json"]);
});
