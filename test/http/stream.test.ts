import { afterEach, expect, test } from "vitest";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { commitLogs, openStore, START_NS } from "../query/fixture.ts";
import { startApi, type TestApi } from "./fixture.ts";

let api: TestApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

async function follow(store: TelemetryStore, query: string): Promise<ReadableStreamDefaultReader<string>> {
  api = await startApi(store);
  const response = await fetch(`${api.url}/api/stream${query}`);
  expect(response.headers.get("content-type")).toMatch("text/event-stream");
  return response.body!.pipeThrough(new TextDecoderStream()).getReader();
}

/** What was sent until `end` is in it. */
async function readUntil(reader: ReadableStreamDefaultReader<string>, end: string): Promise<string> {
  let text = "";
  while (!text.includes(end)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`The stream ended before ${end}: ${text}`);
    text += value;
  }
  return text;
}

function log(body: string, severity: number) {
  return { body, severity, timeNs: START_NS };
}

test("records that match arrive as they are committed, and only those", async () => {
  const store = openStore();
  const reader = await follow(store, "?what=logs&level=error");
  await readUntil(reader, ": following");
  commitLogs(store, [log("fine", 9), log("broken", 17)]);
  const text = await readUntil(reader, "broken");
  expect(text).toMatch(/^event: record\ndata: \{"id":"l/m);
  expect(text).not.toContain("fine");
  await reader.cancel();
});

test("the end of the daemon ends the stream", async () => {
  const reader = await follow(openStore(), "");
  await readUntil(reader, ": following");
  await api!.close();
  api = undefined;
  expect((await reader.read()).done).toBe(true);
});

test("a reader that is slow is told how much it missed", async () => {
  const store = openStore();
  const reader = await follow(store, "?what=logs");
  await readUntil(reader, ": following");
  const many = Array.from({ length: 10_000 }, (_, i) => log(`line ${i}`, 9));
  commitLogs(store, many);
  commitLogs(store, [log("the last", 9)]);
  const text = await readUntil(reader, "the last");
  const dropped = [...text.matchAll(/^event: dropped\ndata: \{"records":(\d+)\}/gm)];
  const told = dropped.reduce((sum, [, records]) => sum + Number(records), 0);
  expect(told).toBeGreaterThan(0);
  expect(told + text.match(/^event: record$/gm)!.length).toBe(many.length + 1);
  await reader.cancel();
});

test.each([
  ["?what=metrics", 400, /cannot be followed/],
  ["?levle=error", 400, /Did you mean filter.level/],
])("%s is refused", async (query, status, message) => {
  api = await startApi(openStore());
  const response = await fetch(`${api.url}/api/stream${query}`);
  expect(response.status).toBe(status);
  expect(await response.text()).toMatch(message);
});
