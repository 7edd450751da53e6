import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS, type StoreLimits } from "../../src/config.ts";
import type { Clock } from "../../src/model/time.ts";
import { Analyst } from "../../src/query/analyst.ts";
import { observe } from "../../src/query/observe.ts";
import { parseObserve } from "../../src/query/parameters.ts";
import { replyBytes } from "../../src/query/reply-bytes.ts";
import type { ObserveAnswer } from "../../src/query/shapes.ts";
import { openStateFiles, type StateFiles } from "../../src/query/state-files.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildLogsRequest, buildTracesRequest, type LogSpec, type SpanSpec } from "../support/otlp-build.ts";

/** Ten minutes after the first record of the fixtures. */
const NOW_MS = Date.UTC(2026, 0, 1, 0, 10);
export const CLOCK: Clock = { nowMs: () => NOW_MS };
/** 2026-01-01T00:00:00Z, when the fixtures begin. */
export const START_NS = 1_767_225_600_000_000_000n;
const MS = 1_000_000n;

/** A ring store whose epoch is the same in every run, so that ids and cursors can stand in golden files. */
export function openStore(limits: Partial<StoreLimits> = {}): TelemetryStore {
  return createRingStore({ limits: { ...DEFAULTS.store, ...limits }, clock: CLOCK, random: () => 0.5 });
}

/** A store whose backend spans and logs hold so many records. */
export function openSmallStore(recordsMax: number): TelemetryStore {
  const { streams } = DEFAULTS.store;
  return openStore({
    streams: {
      ...streams,
      "backend.spans": { ...streams["backend.spans"], recordsMax },
      "backend.logs": { ...streams["backend.logs"], recordsMax },
    },
    pinned: { ...DEFAULTS.store.pinned, recordsMax: 0 },
  });
}

export function commitSpans(store: TelemetryStore, spans: readonly SpanSpec[]): void {
  const table = createRecordTable();
  scanTraces(buildTracesRequest(spans), table);
  store.commitSpans(table);
}

export function commitLogs(store: TelemetryStore, logs: readonly LogSpec[]): void {
  const table = createRecordTable();
  scanLogs(buildLogsRequest(logs), table);
  store.commitLogs(table);
}

/** Asks as REST would, without a budget unless one is given. */
export async function ask(store: TelemetryStore, input: object): Promise<ObserveAnswer> {
  return observe(store, parseObserve(input), {
    clock: CLOCK,
    endpoint: "http://localhost:7890",
    analyst: new Analyst(),
    state: openStateFiles("absent"),
  });
}

/** Asks as an agent does. */
export async function askShort(
  store: TelemetryStore,
  input: object,
  budget_bytes = 8_000,
): Promise<ObserveAnswer> {
  return ask(store, { budget_bytes, ...input });
}

export function traceId(number: number): string {
  // The first digits differ, as those of random ids do.
  return (
    (0xa0000000 + number * 0x01234567).toString(16).slice(-8).padStart(8, "a") +
    number.toString(16).padStart(24, "0")
  );
}

export function spanId(number: number): string {
  return number.toString(16).padStart(16, "0");
}

function service(name: string): SpanSpec["resource"] & object {
  return { "service.name": name, "host.name": `${name}-1` };
}

/**
 * A small shop: a good checkout, one whose payment times out (the failure passes up through cart and web, and is
 * logged on the way), a listing that asks the database once for every item, and a page in a browser.
 */
export function fillShop(store: TelemetryStore): void {
  commitSpans(store, [
    ...checkout(1, 0n, false),
    ...checkout(2, 60_000n, true),
    ...listing(3, 120_000n),
    ...page(4, 180_000n),
  ]);
  commitLogs(store, checkoutLogs(2, 60_000n));
}

export const FAILED_TRACE = traceId(2);
export const LISTING_TRACE = traceId(3);
export const PAGE_TRACE = traceId(4);

function checkout(number: number, offsetMs: bigint, fails: boolean): SpanSpec[] {
  const at = (ms: number): bigint => START_NS + (offsetMs + BigInt(ms)) * MS;
  const id = (index: number): string => spanId(number * 1000 + index);
  const trace = { traceId: traceId(number) };
  const status = fails ? { status: { code: "error" as const } } : {};
  const http = { "http.request.method": "POST", "http.response.status_code": fails ? 502 : 200 };
  return [
    {
      ...trace,
      ...status,
      spanId: id(1),
      name: "POST /checkout",
      kind: "server",
      startNs: at(0),
      endNs: at(fails ? 1250 : 180),
      resource: service("web"),
      attributes: { ...http, "url.path": "/checkout", "session.id": `session-${number}` },
    },
    {
      ...trace,
      ...status,
      spanId: id(2),
      parentSpanId: id(1),
      name: "POST /cart/pay",
      kind: "client",
      startNs: at(5),
      endNs: at(fails ? 1245 : 170),
      resource: service("web"),
      attributes: { ...http, "url.full": "http://cart:3001/cart/pay" },
    },
    {
      ...trace,
      ...status,
      spanId: id(3),
      parentSpanId: id(2),
      name: "POST /cart/pay",
      kind: "server",
      startNs: at(8),
      endNs: at(fails ? 1240 : 165),
      resource: service("cart"),
      attributes: { ...http, "url.path": "/cart/pay" },
    },
    {
      ...trace,
      spanId: id(4),
      parentSpanId: id(3),
      name: "SELECT items",
      kind: "client",
      startNs: at(10),
      endNs: at(18),
      resource: service("cart"),
      attributes: {
        "db.system.name": "postgresql",
        "db.query.text": "SELECT * FROM items WHERE cart_id = $1",
      },
    },
    {
      ...trace,
      spanId: id(5),
      parentSpanId: id(3),
      name: "POST /charge",
      kind: "client",
      startNs: at(20),
      endNs: at(fails ? 1230 : 160),
      resource: service("payment"),
      attributes: { "http.request.method": "POST", "url.full": "https://bank.example/charge" },
      ...(fails
        ? {
            status: { code: "error", message: "no answer from the bank within 1200 ms" },
            events: [
              {
                name: "exception",
                timeNs: at(1229),
                attributes: {
                  "exception.type": "TimeoutError",
                  "exception.message": "no answer from the bank within 1200 ms",
                  "exception.stacktrace":
                    "TimeoutError: no answer\n    at read (node:internal/http:1:2)\n    at charge (/app/src/payment.js:42:11)\n    at run (/app/src/server.js:7:3)",
                },
              },
            ],
          }
        : {}),
    },
  ];
}

function checkoutLogs(number: number, offsetMs: bigint): LogSpec[] {
  const at = (ms: number): bigint => START_NS + (offsetMs + BigInt(ms)) * MS;
  const trace = { traceId: traceId(number) };
  const id = (index: number): string => spanId(number * 1000 + index);
  return [
    {
      ...trace,
      spanId: id(3),
      timeNs: at(9),
      severity: 9,
      body: "paying cart 7731 with 3 items",
      resource: service("cart"),
    },
    {
      ...trace,
      spanId: id(5),
      timeNs: at(620),
      severity: 13,
      body: "bank is slow, still waiting",
      resource: service("payment"),
    },
    {
      ...trace,
      spanId: id(5),
      timeNs: at(1229),
      severity: 17,
      body: "charge failed: no answer from the bank within 1200 ms",
      resource: service("payment"),
      attributes: { "order.id": 7731 },
    },
    {
      ...trace,
      spanId: id(1),
      timeNs: at(1248),
      severity: 17,
      body: "checkout failed",
      resource: service("web"),
    },
    {
      timeNs: at(2000),
      severity: 9,
      body: "listening on 3000",
      resource: service("web"),
      spanId: "",
      traceId: "",
    },
  ];
}

function listing(number: number, offsetMs: bigint): SpanSpec[] {
  const at = (ms: number): bigint => START_NS + (offsetMs + BigInt(ms)) * MS;
  const id = (index: number): string => spanId(number * 1000 + index);
  const trace = { traceId: traceId(number) };
  const queries = Array.from(
    { length: 48 },
    (_, i): SpanSpec => ({
      ...trace,
      spanId: id(10 + i),
      parentSpanId: id(1),
      name: "SELECT price",
      kind: "client",
      startNs: at(5 + i * 7),
      endNs: at(5 + i * 7 + (i === 20 ? 30 : 6)),
      resource: service("catalog"),
      attributes: {
        "db.system.name": "postgresql",
        "db.query.text": `SELECT price FROM prices WHERE item = ${i}`,
      },
    }),
  );
  return [
    {
      ...trace,
      spanId: id(1),
      name: "GET /items",
      kind: "server",
      startNs: at(0),
      endNs: at(350),
      resource: service("catalog"),
      attributes: { "http.request.method": "GET", "http.response.status_code": 200, "url.path": "/items" },
    },
    ...queries,
  ];
}

function page(number: number, offsetMs: bigint): SpanSpec[] {
  const at = (ms: number): bigint => START_NS + (offsetMs + BigInt(ms)) * MS;
  const resource = { "service.name": "shop-page", "telemetry.sdk.language": "webjs" };
  const trace = { traceId: traceId(number), resource };
  const session = { "session.id": "session-4" };
  return [
    {
      ...trace,
      spanId: spanId(4001),
      name: "click Buy",
      startNs: at(0),
      endNs: at(90),
      attributes: { ...session, "url.full": "http://localhost:3000/cart" },
    },
    {
      ...trace,
      spanId: spanId(4002),
      parentSpanId: spanId(4001),
      name: "GET",
      kind: "client",
      startNs: at(2),
      endNs: at(80),
      attributes: {
        ...session,
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "url.full": "http://localhost:3000/api/price?item=9",
      },
    },
    // Its parent was never sent, and it has not ended.
    {
      ...trace,
      spanId: spanId(4003),
      parentSpanId: spanId(4999),
      name: "render",
      startNs: at(85),
      endNs: 0n,
      attributes: session,
    },
  ];
}

/** A question and its reply in both forms with their size, as the golden files hold them. */
export function goldenReply(
  tool: string,
  input: object,
  answer: { text: string; structured: object },
): string {
  const bytes = replyBytes(answer, {});
  return [
    `> ${tool} ${JSON.stringify(input)}`,
    `> ${bytes} bytes together, about ${Math.ceil(bytes / 4)} tokens; text ${Buffer.byteLength(answer.text)} bytes`,
    "",
    answer.text,
    "",
    JSON.stringify(answer.structured, null, 1),
    "",
  ].join("\n");
}

/** What questions are asked with: a store, an analyst and a state folder of their own. */
export interface Workplace {
  readonly store: TelemetryStore;
  readonly analyst: Analyst;
  readonly stateDir: string;
  /** Opens the state folder anew, as a daemon that was started again would. */
  context(): { clock: Clock; endpoint: string; analyst: Analyst; state: StateFiles };
  close(): Promise<void>;
}

export function openWorkplace(): Workplace {
  const store = openStore();
  const analyst = new Analyst();
  const stateDir = mkdtempSync(join(tmpdir(), "gasoline-query-"));
  return {
    store,
    analyst,
    stateDir,
    context: () => ({
      clock: CLOCK,
      endpoint: "http://localhost:7890",
      analyst,
      state: openStateFiles(stateDir),
    }),
    close: async () => {
      await analyst.close();
      await store.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}
