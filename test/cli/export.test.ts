import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TraceBody } from "../../src/http/api-types.ts";
import { startTestDaemon, type TestDaemon } from "../adapters/daemon.ts";
import {
  commitLogs,
  commitSpans,
  FAILED_TRACE,
  fillShop,
  PAGE_TRACE,
  spanId,
  traceId,
} from "../query/fixture.ts";

let here: TestDaemon;
let there: TestDaemon;

beforeEach(async () => {
  [here, there] = await Promise.all([startTestDaemon(), startTestDaemon()]);
  fillShop(here.gasoline.store);
});
afterEach(async () => {
  await Promise.all([here.stop(), there.stop()]);
});

/** A trace without what every daemon names in its own way. */
async function treeOf(daemon: TestDaemon, id: string) {
  const response = await fetch(`${daemon.gasoline.url}/api/traces/${id}`);
  const text = JSON.stringify(await response.json(), (key, value) => (key === "id" ? undefined : value));
  return { status: response.status, tree: JSON.parse(text) as TraceBody };
}

const heldBy = ({ gasoline }: TestDaemon) =>
  gasoline.store.stats().streams.reduce((sum, { records }) => sum + records, 0);

async function carry(scope: readonly string[]) {
  const file = join(here.folder, "records.jsonl");
  const written = await here.run(["export", ...scope, "-o", file]);
  expect([written.code, written.stderr]).toEqual([0, ""]);
  const taken = await there.run(["import", file]);
  expect([taken.code, taken.stderr]).toEqual([0, ""]);
  return file;
}

test("a trace is the same tree in a daemon that never saw it, with its secrets masked", async () => {
  const password = "hunter2-hunter2";
  commitLogs(here.gasoline.store, [
    { traceId: FAILED_TRACE, spanId: spanId(2003), body: "signed in", attributes: { password } },
  ]);
  const file = await carry(["--trace", FAILED_TRACE.slice(0, 8)]);
  const { tree } = await treeOf(here, FAILED_TRACE);
  expect(tree.spans).toHaveLength(5);
  expect((await treeOf(there, FAILED_TRACE)).tree).toEqual(tree);
  expect((await treeOf(there, PAGE_TRACE)).status).toBe(404);
  const bodies = readFileSync(file, "utf8").match(/"otlp":"[^"]+"/g) ?? [];
  expect(bodies.length).toBeGreaterThanOrEqual(2);
  for (const body of bodies)
    expect(Buffer.from(body.slice(8, -1), "base64").toString("latin1")).not.toContain(password);
  expect(statSync(file).mode & 0o077).toBe(0);
});

test("a session brings the servers' part of its traces, and records without a trace, each once", async () => {
  const attributes = { "session.id": "session-4" };
  commitLogs(here.gasoline.store, [
    { eventName: "browser.user_action.click", traceId: "", spanId: "", attributes },
  ]);
  commitSpans(here.gasoline.store, [
    {
      traceId: PAGE_TRACE,
      spanId: spanId(9),
      parentSpanId: spanId(4002),
      kind: "server",
      name: "GET /api/price",
    },
  ]);
  await carry(["--session", "session-4"]);
  expect((await treeOf(there, PAGE_TRACE)).tree).toEqual((await treeOf(here, PAGE_TRACE)).tree);
  expect(heldBy(there)).toBe(5);
});

test("a window brings what lies in it, no scope everything", async () => {
  await carry(["--window", "2026-01-01T00:02:00Z/2026-01-01T00:02:30Z"]);
  expect(heldBy(there)).toBe(49);
  await carry([]);
  expect(heldBy(there)).toBe(49 + heldBy(here));
});

test("generate writes a whole document into a file", async () => {
  const file = join(here.folder, "requests.har");
  const { code, stdout, stderr } = await here.run(["generate", "har", "-o", file]);
  expect([code, stdout.toString()]).toEqual([0, ""]);
  expect(stderr).toContain(`${file}: HAR 1.2 of`);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ log: { version: "1.2" } });
  expect((await here.run(["generate", "har", "-o", join(here.folder, "no", "x.har")])).stderr).toMatch(
    /cannot be written/,
  );
});

test.each<[string, (lines: string[]) => string[], RegExp]>([
  ["cut short", (lines) => lines.slice(0, -1), /cut short/],
  ["cut in a line", (lines) => [...lines.slice(0, -2), lines.at(-2)!.slice(0, 40)], /is not JSON/],
  ["changed", (lines) => [lines[0]!.replace("true", "null"), ...lines.slice(1)], /another sha256/],
  ["something else", () => ['{"resourceSpans":[]}'], /no export of gasoline.*v1\/traces/],
  [
    "of a later format",
    (lines) => [lines[0]!.replace(":1,", ":2,"), ...lines.slice(1)],
    /format 2; 1 is read/,
  ],
  ["empty", () => [], /is not JSON/],
])("a file that is %s is refused, and nothing of it stored", async (_name, spoil, message) => {
  const file = join(here.folder, "records.jsonl");
  await here.run(["export", "-o", file]);
  writeFileSync(file, spoil(readFileSync(file, "utf8").trimEnd().split("\n")).join("\n"));
  const { code, stderr } = await there.run(["import", file]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(heldBy(there)).toBe(0);
});

test.each<[string[], RegExp]>([
  [["export", "--trace", traceId(99)], /never|no trace|not held/i],
  [["export", "--session", "nobody"], /No record of session "nobody"/],
  [["export", "--trace", "zz"], /expected 32 hex digits/],
  [["export", "--window", "yesterday"], /expected ISO 8601/],
  [["export", "--window", "/"], /expected SINCE\/UNTIL/],
  [["import"], /needs a file/],
  [["import", "nothing.jsonl"], /cannot be read/],
  [["import", "pcap", "file"], /"pcap" cannot be imported.*records/],
])("%j is refused with a remedy", async (args, message) => {
  const { code, stderr } = await here.run(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
