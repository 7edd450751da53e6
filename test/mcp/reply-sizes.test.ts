import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { CASES_FOLDER } from "../../bench/rca-cases.ts";
import { runDemo } from "../../src/cli/demo.ts";
import { DEFAULTS } from "../../src/config.ts";
import { startGasoline } from "../../src/main.ts";
import { listTools } from "../../src/mcp/server.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { logsJsonToProtobuf, tracesJsonToProtobuf } from "../../src/wire/json-to-protobuf.ts";
import { startApi } from "../http/fixture.ts";
import { commitSpans, FAILED_TRACE, fillShop, openStore, spanId } from "../query/fixture.ts";
import { fillPage, fillRuns } from "../query/page-fixture.ts";
import { connectAgent } from "./agent.ts";
import { bytesOf, type MeasuredReply, measuredCalls, type Subject, sizeTable } from "./reply-sizes.ts";

const TABLE = join(import.meta.dirname, "reply-sizes.md");
const REPLY_BYTES_MAX = 8_000;
const LISTING_BYTES_MAX = 12_000;

/** Many of everything, and a trace of 10,000 spans: every list is longer than a reply. */
function fillMuch(store: TelemetryStore): Subject {
  fillShop(store);
  for (let number = 0; number < 100; number++) {
    fillPage(store, number);
    fillRuns(store, number);
  }
  commitSpans(
    store,
    Array.from({ length: 10_000 }, (_, i) => ({
      spanId: spanId(1_000_000 + i),
      ...(i === 0 ? {} : { parentSpanId: spanId(1_000_000 + Math.floor((i - 1) / 7)) }),
      name: `step ${"abcdefg"[i % 7]}`,
    })),
  );
  return { trace: FAILED_TRACE, session: "session-4" };
}

const RCA_CASE = "2022-08-23-13_29";

/** Sends a minute of a labelled fault as its program would have. */
async function sendCase(url: string): Promise<void> {
  for (const [signal, toProtobuf] of [
    ["traces", tracesJsonToProtobuf],
    ["logs", logsJsonToProtobuf],
  ] as const) {
    const file = join(CASES_FOLDER, "cases", RCA_CASE, `${signal}.jsonl.gz`);
    if (!existsSync(file)) continue;
    const lines = gunzipSync(readFileSync(file)).toString("utf8").split("\n");
    for (const line of lines.filter((each) => each !== "")) {
      const response = await fetch(`${url}/v1/${signal}`, {
        method: "POST",
        headers: { "content-type": "application/x-protobuf" },
        body: Uint8Array.from(toProtobuf(Buffer.from(line))),
      });
      expect(response.status).toBe(200);
    }
  }
}

async function measure(url: string, data: string, subject: Subject): Promise<MeasuredReply[]> {
  const agent = await connectAgent(url);
  const replies: MeasuredReply[] = [];
  for (const call of measuredCalls(subject)) {
    const reply = await agent.call(call.tool, call.input);
    const { error } = reply.structuredContent as { readonly error?: { readonly code: string } };
    replies.push({
      ...call,
      data,
      bytes: bytesOf(reply),
      ...(error === undefined ? {} : { refused: error.code }),
    });
  }
  await agent.close();
  return replies;
}

/** The newest trace that failed, else the newest. */
async function newestTrace(store: TelemetryStore): Promise<string> {
  const [trace] = (await store.traces({ filter: {}, errorsOnly: true, limit: 1 })).traces;
  return (trace ?? (await store.traces({ filter: {}, limit: 1 })).traces[0]!).traceId;
}

const measured: MeasuredReply[] = [];
/** Refusals that a data set explains: no browser, no source, nothing of the kind. */
const EXPLAINED = new Set(["not_found", "not_paired"]);

function expectShort(replies: readonly MeasuredReply[]): void {
  expect(replies.filter(({ bytes }) => bytes > REPLY_BYTES_MAX)).toEqual([]);
  expect(replies.filter(({ refused }) => refused !== undefined && !EXPLAINED.has(refused))).toEqual([]);
}

describe("replies stay within 8,000 bytes", () => {
  it("of many records of every kind", async () => {
    const store = openStore();
    const subject = fillMuch(store);
    const api = await startApi(store);
    const replies = await measure(api.url, "many of everything", subject);
    await api.close();
    await store.close();
    measured.push(...replies);
    expectShort(replies);
    // A list that is too long fills its reply instead of being cut to a stub.
    const timeline = replies.find(({ mode }) => mode === "timeline")!;
    expect(timeline.bytes).toBeGreaterThan(6_000);
  });

  it("of the demo shop with its faults, sent by its own SDKs", async () => {
    await withDaemon(async (url, store) => {
      const out = new Writable({ write: (_chunk, _encoding, done) => done() });
      await runDemo({ endpoint: url, out });
      expectShort(await measure(url, "demo", { trace: await newestTrace(store) }));
    });
  });

  it.skipIf(!existsSync(CASES_FOLDER))("of a labelled fault of ../shared/data/rca", async () => {
    await withDaemon(async (url, store) => {
      await sendCase(url);
      const replies = await measure(url, RCA_CASE, { trace: await newestTrace(store) });
      measured.push(...replies);
      expectShort(replies);
    });
  });
});

async function withDaemon(work: (url: string, store: TelemetryStore) => Promise<void>): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), "gasoline-sizes-"));
  const config = { ...DEFAULTS, port: 0, aliases: [], stateDir };
  const gasoline = await startGasoline(config, () => undefined);
  try {
    await work(gasoline.url, gasoline.store);
  } finally {
    await gasoline.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

it("the list of tools fits into 12,000 bytes", () => {
  expect(Buffer.byteLength(JSON.stringify(listTools()))).toBeLessThanOrEqual(LISTING_BYTES_MAX);
});

/** Sizes on file may differ by so much before they must be written anew. */
const TOLERANCE = { share: 0.25, bytes: 400 };

afterAll(() => {
  if (process.env.UPDATE_REPLY_SIZES === "1") writeFileSync(TABLE, sizeTable(measured));
});

it.skipIf(process.env.UPDATE_REPLY_SIZES === "1")(
  "the table on file names every reply with about its size: else run with UPDATE_REPLY_SIZES=1",
  () => {
    const filed = new Map(
      [...readFileSync(TABLE, "utf8").matchAll(/^\| (.+?) \| (.+?) \| (\d+) \|/gm)].map(
        ([, call, data, bytes]) => [`${call} on ${data}`, Number(bytes)],
      ),
    );
    for (const { tool, mode, data, bytes } of measured) {
      const name = `${tool} ${mode} on ${data}`;
      const known = filed.get(name);
      expect(known, name).toBeDefined();
      const apart = Math.abs(bytes - known!);
      expect(apart, name).toBeLessThanOrEqual(Math.max(TOLERANCE.bytes, TOLERANCE.share * known!));
    }
  },
);
