import { DEFAULTS } from "../src/config.ts";
import { generate } from "../src/generate/generate.ts";
import { FORMAT_NAMES, parseGenerate } from "../src/generate/parameters.ts";
import { Analyst } from "../src/query/analyst.ts";
import { replyBytes } from "../src/query/reply-bytes.ts";
import { openStateFiles } from "../src/query/state-files.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { createRecordTable } from "../src/wire/record-table.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import { buildTracesRequest, type SpanSpec } from "../test/support/otlp-build.ts";
import { DATA_START_MS, fillStore } from "./observe-data.ts";
import { type BenchRow, median } from "./row.ts";

const RECORDS = { small: 5_000, full: 100_000 } as const;
const ROUNDS = { small: 2, full: 20 } as const;

/** Each document as an agent asks for it (8,000 bytes), over everything that is held; and its reply's size. */
export async function benchGenerate(size: "small" | "full"): Promise<BenchRow[]> {
  const clock = { nowMs: () => DATA_START_MS };
  const store = createRingStore({ limits: DEFAULTS.store, clock, random: Math.random });
  const filled = fillStore(store, RECORDS[size]);
  commitRequests(store, BigInt(filled.endMs - 500) * 1_000_000n);
  const analyst = new Analyst();
  const context = { clock, endpoint: "http://localhost:7890", analyst, state: openStateFiles("absent") };
  const rows: BenchRow[] = [];
  for (const format of FORMAT_NAMES) {
    // The filled store's records carry the ids of one batch inside: a trace has to be named by the index's.
    const scope = format === "reproduction" ? { trace_id: filled.traceId } : { since: filled.endMs - 1_000 };
    const request = { ...parseGenerate({ format, ...scope }), budgetBytes: DEFAULTS.replyBytes };
    const times: number[] = [];
    let bytes = 0;
    // The first round compiles; it is not counted.
    for (let round = -1; round < ROUNDS[size]; round++) {
      const startMs = performance.now();
      bytes = replyBytes(await generate(store, request, context), {});
      if (round >= 0) times.push(performance.now() - startMs);
    }
    rows.push({
      area: "generate",
      name: `${format} of ${format === "reproduction" ? "a trace" : "the last second"}, ${filled.records.toLocaleString("en-US")} records (reply ${bytes} bytes)`,
      value: median(times),
      unit: "ms",
    });
  }
  await analyst.close();
  await store.close();
  return rows;
}

/** Requests whose bodies were captured, of which a test can be written. */
function commitRequests(store: TelemetryStore, startNs: bigint): void {
  const table = createRecordTable();
  const spans = Array.from({ length: 20 }, (_, i): SpanSpec => {
    const id = (0xb0000000 + i).toString(16).padStart(32, "0");
    return {
      traceId: id,
      spanId: id.slice(16),
      name: "POST",
      kind: "client",
      startNs,
      attributes: {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": `http://localhost:3000/carts/${i}/items`,
        "http.request.body.content": '{"sku":"oak-lamp"}',
      },
    };
  });
  scanTraces(buildTracesRequest(spans), table);
  store.commitSpans(table);
}
