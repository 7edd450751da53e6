import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readWindow } from "../../src/query/offline.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const START_NS = "1700000000123456789";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gasoline-offline-"));
});
afterAll(() => rm(folder, { recursive: true }));

const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
const spanOf = (spanId: string, more: object = {}) => ({
  traceId: TRACE,
  spanId,
  name: "work",
  kind: 2,
  startTimeUnixNano: START_NS,
  endTimeUnixNano: "1700000000123456790",
  ...more,
});
const traces = (...spans: object[]) =>
  JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "s" }, spans }] }] });
const logs = (...logRecords: object[]) =>
  JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: "s" }, logRecords }] }] });

async function write(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

describe("readWindow", () => {
  it("reads ids and times exactly, from plain lines and gzip", async () => {
    const lines = `${traces(spanOf("00000000000000a1"))}\n\n${logs({ timeUnixNano: START_NS, body: { stringValue: "hi" }, traceId: TRACE })}\n`;
    for (const path of [await write("a/plain.jsonl", lines), await write("a/packed.gz", gzipSync(lines))]) {
      const { spans, logs: records, rejected } = await readWindow([path]);
      expect(spans).toEqual([
        expect.objectContaining({
          traceId: TRACE,
          spanId: "00000000000000a1",
          startNs: 1700000000123456789n,
          endNs: 1700000000123456790n,
        }),
      ]);
      expect(spans[0]!.resource.service).toBe("shop");
      expect(records).toEqual([
        expect.objectContaining({ traceId: TRACE, body: "hi", timeNs: 1700000000123456789n }),
      ]);
      expect(rejected).toBe(0);
    }
  });

  it("reads folders to the bottom in order of names, and only telemetry", async () => {
    await write("b/2/traces.jsonl.gz", gzipSync(traces(spanOf("00000000000000b2"))));
    await write("b/1/traces.json", traces(spanOf("00000000000000b1")));
    await write("b/notes.txt", "not telemetry");
    await write("b/empty.jsonl", "");
    const { spans } = await readWindow([join(folder, "b")]);
    expect(spans.map(({ spanId }) => spanId)).toEqual(["00000000000000b1", "00000000000000b2"]);
  });

  it("reads one document spread over lines, and passes over metrics", async () => {
    const pretty = JSON.stringify(JSON.parse(traces(spanOf("00000000000000c1"))), null, 2);
    const path = await write("c/pretty.json", pretty);
    expect((await readWindow([path])).spans).toHaveLength(1);
    const metrics = await write("c/metrics.jsonl", '{"resourceMetrics":[]}\n');
    expect(await readWindow([metrics])).toMatchObject({ spans: [], logs: [], rejected: 0 });
  });

  it("leaves out a bad record alone, and counts it", async () => {
    const path = await write(
      "d/bad.jsonl",
      [
        traces(spanOf("00000000000000d1"), spanOf("xyz"), spanOf("00000000000000d2")),
        logs(
          { timeUnixNano: "-5", body: { stringValue: "before time" } },
          { timeUnixNano: "5", body: { stringValue: "good" } },
        ),
      ].join("\n"),
    );
    const { spans, logs: records, rejected } = await readWindow([path]);
    expect(spans.map(({ spanId }) => spanId)).toEqual(["00000000000000d1", "00000000000000d2"]);
    expect(records.map(({ body }) => body)).toEqual(["good"]);
    expect(rejected).toBe(2);
  });

  it("masks secrets as the store does", async () => {
    const attributes = [
      { key: "http.request.header.authorization", value: { stringValue: "Bearer abcdefghijklmnop" } },
    ];
    const path = await write("e/secret.jsonl", traces(spanOf("00000000000000e1", { attributes })));
    const [span] = (await readWindow([path])).spans;
    expect(JSON.stringify(span!.attributes)).not.toContain("abcdefgh");
  });

  it.each<[string, () => Promise<string>, RegExp]>([
    [
      "a path that is not there",
      async () => join(folder, "nowhere"),
      /Cannot read ".*nowhere" \(ENOENT\).*Give a file or folder/,
    ],
    [
      "a line that is no JSON",
      () => write("f/broken.jsonl", `${traces()}\n{"resourceSpans": [}\n`),
      /broken\.jsonl, line 2: .*Malformed/,
    ],
    [
      "gzip that is cut off",
      () => write("f/cut.gz", gzipSync("x".repeat(999)).subarray(0, 20)),
      /cut\.gz" is not readable as gzip/,
    ],
  ])("refuses %s with the reason", async (_, path, message) => {
    await expect(readWindow([await path()])).rejects.toThrow(message);
  });
});
