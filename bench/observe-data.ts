import type { RecordTable } from "../src/model/scan-table.ts";
import type { TelemetryStore } from "../src/store/telemetry-store.ts";
import { createRecordTable } from "../src/wire/record-table.ts";
import { scanLogs } from "../src/wire/scan-logs.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import {
  buildLogsRequest,
  buildTracesRequest,
  type LogSpec,
  type SpanSpec,
} from "../test/support/otlp-build.ts";

const TRACES_PER_BATCH = 64;
const SPANS_PER_TRACE = 8;
/** Three logs to eight spans. */
const LOGS_PER_TRACE = 3;
const RECORDS_PER_BATCH = TRACES_PER_BATCH * (SPANS_PER_TRACE + LOGS_PER_TRACE);
const FAILING_EVERY = 50;
const SERVICES = ["web", "cart", "catalog", "payment", "mail"];
export const DATA_START_MS = 1_790_000_000_000;

/** A trace of the data as `observe` can be asked for it. */
export interface FilledStore {
  readonly records: number;
  /** Of the newest batch. */
  readonly traceId: string;
  readonly endMs: number;
}

/**
 * Commits about `records` spans and logs of a shop: 8 spans and 3 logs a trace, five services, every fiftieth
 * trace failing with an exception that passes up. Traces begin a millisecond apart.
 */
export function fillStore(store: TelemetryStore, records: number): FilledStore {
  const spans = createRecordTable();
  const logs = createRecordTable();
  scanTraces(buildTracesRequest(batchSpans()), spans);
  scanLogs(buildLogsRequest(batchLogs()), logs);
  const batches = Math.max(1, Math.ceil(records / RECORDS_PER_BATCH));
  for (let batch = 0; batch < batches; batch++) {
    moveTo(spans, batch, SPANS_PER_TRACE, 100);
    moveTo(logs, batch, LOGS_PER_TRACE, 0);
    store.commitSpans(spans);
    store.commitLogs(logs);
  }
  const last = batches - 1;
  return {
    records: batches * RECORDS_PER_BATCH,
    traceId: traceWords(last, 3)
      .map((word) => word.toString(16).padStart(8, "0"))
      .join(""),
    endMs: DATA_START_MS + batches * TRACES_PER_BATCH,
  };
}

function batchSpans(): SpanSpec[] {
  return Array.from({ length: TRACES_PER_BATCH * SPANS_PER_TRACE }, (_, i): SpanSpec => {
    const trace = Math.floor(i / SPANS_PER_TRACE);
    const place = i % SPANS_PER_TRACE;
    const fails = trace % FAILING_EVERY === FAILING_EVERY - 1 && place <= 3;
    const message = `no answer within ${trace} ms`;
    return {
      traceId: trace.toString(16).padStart(32, "1"),
      spanId: (i + 1).toString(16).padStart(16, "0"),
      ...(place === 0
        ? {}
        : { parentSpanId: (place <= 3 ? i : i - place + 4).toString(16).padStart(16, "0") }),
      name: ["POST /checkout", "POST /cart/pay", "POST /cart/pay", "POST /charge"][place] ?? "SELECT items",
      kind: place % 2 === 0 ? "server" : "client",
      resource: {
        "service.name": SERVICES[place % SERVICES.length]!,
        "host.name": `host-${place % SERVICES.length}`,
      },
      attributes: {
        "http.request.method": "POST",
        "http.response.status_code": fails ? 502 : 200,
        "url.path": `/cart/${trace}`,
        "user.id": `user-${trace}`,
        "db.query.text": "SELECT name, price FROM items WHERE cart = $1 ORDER BY added",
      },
      ...(fails ? { status: { code: "error", message } } : {}),
      ...(fails && place === 3
        ? {
            events: [
              {
                name: "exception",
                attributes: {
                  "exception.type": "TimeoutError",
                  "exception.message": message,
                  // A line of this repository, whose code is shown.
                  "exception.stacktrace": `TimeoutError: ${message}\n    at charge (demo/shop/call.ts:20:5)`,
                },
              },
            ],
          }
        : {}),
    };
  });
}

function batchLogs(): LogSpec[] {
  return Array.from({ length: TRACES_PER_BATCH * LOGS_PER_TRACE }, (_, i): LogSpec => {
    const trace = Math.floor(i / LOGS_PER_TRACE);
    const fails = trace % FAILING_EVERY === FAILING_EVERY - 1 && i % LOGS_PER_TRACE === 2;
    return {
      traceId: trace.toString(16).padStart(32, "1"),
      spanId: (trace * SPANS_PER_TRACE + 1).toString(16).padStart(16, "0"),
      severity: fails ? 17 : 9,
      body: fails ? "checkout failed" : `item ${i} of cart ${trace} priced`,
      resource: { "service.name": SERVICES[i % 2]!, "host.name": `host-${i % 2}` },
      attributes: { "cart.id": trace },
    };
  });
}

function traceWords(batch: number, trace: number): [number, number, number, number] {
  return [Math.imul(batch * TRACES_PER_BATCH + trace + 1, 0x9e3779b1) >>> 0, 0x11111111, batch, trace];
}

/** Gives a batch's rows the ids and times of another batch; the bytes of its records stay as they are. */
function moveTo(table: RecordTable, batch: number, rowsPerTrace: number, lengthMs: number): void {
  for (let row = 0; row < table.count; row++) {
    const trace = Math.floor(row / rowsPerTrace);
    table.ids.set(traceWords(batch, trace), 8 * row);
    const ms = DATA_START_MS + batch * TRACES_PER_BATCH + trace;
    setTime(table.times, 4 * row, BigInt(ms) * 1_000_000n + BigInt(row % rowsPerTrace));
    if (lengthMs > 0) setTime(table.times, 4 * row + 2, BigInt(ms + lengthMs) * 1_000_000n);
  }
}

function setTime(times: Uint32Array, at: number, ns: bigint): void {
  times[at] = Number(ns & 0xffff_ffffn);
  times[at + 1] = Number(ns >> 32n);
}
