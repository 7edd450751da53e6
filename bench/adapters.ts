import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFrameReader } from "../src/adapters/docker-frames.ts";
import { createContainerLog } from "../src/adapters/docker-log.ts";
import { understandLine } from "../src/adapters/line.ts";
import { parseSyslog } from "../src/adapters/syslog-message.ts";
import { DEFAULTS } from "../src/config.ts";
import { startGasoline } from "../src/main.ts";
import { systemClock } from "../src/model/time.ts";
import { toldBy, withDaemon } from "./adapters-daemon.ts";
import { benchDocker } from "./adapters-docker.ts";
import type { MemoryOfLines } from "./adapters-memory.ts";
import type { RunCost } from "./adapters-run.ts";
import { type BenchRow, median, quantile } from "./row.ts";

const AREA = "adapters";
const LINES_PER_SECOND = 50_000;
/** An hour of a thousand lines a second. */
const LINES_OF_AN_HOUR = 3_600_000;
const RUN = new URL("./adapters-run.ts", import.meta.url);
const MEMORY = new URL("./adapters-memory.ts", import.meta.url);
const WRITER = fileURLToPath(new URL("./adapters-writer.ts", import.meta.url));

/** Of a latency run: they wait for the exporter to load and connect. */
const FIRST_LINES = 6;

/** Lines as they come mixed in a dev stack, each dialect about as often. */
const SAMPLE = [
  '{"level":30,"time":1790000000123,"pid":7,"hostname":"dev","reqId":17,"msg":"request completed","req":{"method":"GET","url":"/cart"},"ms":12.5,"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"}',
  '{"asctime":"2026-11-22 10:00:00,123","levelname":"WARNING","name":"shop.cart","message":"slow query","otelTraceID":"0af7651916cd43dd8448eb211c80319c","otelSpanID":"b7ad6b7169203331"}',
  '{"@timestamp":"2026-11-22T10:00:00.123Z","log.level":"INFO","message":"Started","ecs.version":"1.2.0","log.logger":"com.shop.Main","process.thread.name":"main"}',
  'time=2026-11-22T10:00:00.123Z level=INFO msg="order placed" orderId=7 user="Zoë B" trace_id=0af7651916cd43dd8448eb211c80319c',
  "2026-11-22 10:00:00,123 ERROR [http-nio-8080-exec-1] com.shop.Cart - could not load the cart of user 17",
  "10:00:00.123 [main] INFO  com.shop.Main -- listening on 8080",
  '127.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 512 "-" "curl/8.5.0"',
  "  GET /products/17 200 in 12ms",
  "\u001b[32minfo\u001b[39m: compiled client and server successfully in 1234 ms (196 modules)",
  'INFO:     127.0.0.1:52144 - "GET /health HTTP/1.1" 200 OK',
];

/** Parsing, throughput, latency and memory of `run`, each with the real daemon where one takes part. */
export async function benchAdapters(size: "small" | "full"): Promise<readonly BenchRow[]> {
  return [
    parsing(size),
    containerLog(size),
    syslog(size),
    ...(await throughput(size)),
    ...(await memory(size)),
    ...(await benchDocker(size)),
    ...(await latency(size)),
  ];
}

/** Frames of the Docker Engine API to records, without the socket: what one second of 20,000 lines takes. */
function containerLog(size: "small" | "full"): BenchRow {
  const frames = Array.from({ length: 20_000 }, (_, i) => {
    const nanoseconds = String(i * 50_000).padStart(9, "0");
    const entry = Buffer.from(`2026-11-22T10:00:00.${nanoseconds}Z ${SAMPLE[i % SAMPLE.length]!}\n`);
    const header = Buffer.alloc(8);
    header[0] = 1;
    header.writeUInt32BE(entry.length, 4);
    return Buffer.concat([header, entry]);
  });
  const bytes = Buffer.concat(frames);
  const read = (): number => {
    let records = 0;
    const log = createContainerLog([0, 0], { clock: systemClock, onRecord: () => records++ });
    const reader = createFrameReader(log.entry);
    for (let at = 0; at < bytes.length; at += 64 * 1024) reader.push(bytes.subarray(at, at + 64 * 1024));
    log.end();
    return records;
  };
  return row("20,000 lines of a container, frames → records", timed(size, read), "ms", "< 1,000 ms");
}

function syslog(size: "small" | "full"): BenchRow {
  const messages = Array.from(
    { length: 20_000 },
    (_, i) =>
      `<${i % 190}>1 2026-11-22T10:00:00.123456Z web app ${i} - [a@1 x="${i}"] request ${i} completed`,
  );
  const read = (): void => {
    for (const message of messages) parseSyslog(message, 1_790_000_000_000);
  };
  return row("parse 20,000 syslog messages", timed(size, read), "ms", "< 1,000 ms");
}

/** Median milliseconds of a few runs. */
function timed(size: "small" | "full", run: () => unknown): number {
  return median(
    Array.from({ length: size === "small" ? 3 : 15 }, () => {
      const start = performance.now();
      run();
      return performance.now() - start;
    }),
  );
}

function parsing(size: "small" | "full"): BenchRow {
  const lines = Array.from({ length: 10_000 }, (_, i) => SAMPLE[i % SAMPLE.length]!);
  const parse = (): void => {
    for (const line of lines) understandLine(line, 1_790_000_000_000);
  };
  return row("parse 10,000 lines of ten dialects", timed(size, parse), "ms", "< 100 ms");
}

/** A child that prints 50,000 lines a second, alone and through `run`, the daemon in a process of its own. */
async function throughput(size: "small" | "full"): Promise<BenchRow[]> {
  const lines = LINES_PER_SECOND * (size === "small" ? 1 : 10);
  return withDaemon(async (url, folder) => {
    const result = join(folder, "ms");
    const writer = [WRITER, String(lines), String(LINES_PER_SECOND), result];
    const alone = spawn(process.execPath, writer, { stdio: ["ignore", "pipe", "inherit"] });
    alone.stdout.resume();
    await new Promise((resolve) => alone.once("close", resolve));
    const aloneMs = Number(readFileSync(result, "utf8"));
    const cost = await toldBy<RunCost>(RUN, [url, process.execPath, ...writer]);
    const wallMs = Number(readFileSync(result, "utf8"));
    const addedMs = Math.max(0, wallMs - aloneMs);
    return [
      {
        ...row("child printing 50,000 lines/s through run, its wall time", wallMs, "ms", "≤ 1.05"),
        baseline: "alone",
        ratio: wallMs / aloneMs,
      },
      row("… wall time added, share of one core", (100 * addedMs) / aloneMs, "%", "< 5 %"),
      row("… CPU of run, share of the child's wall time", (100 * cost.cpuMs) / wallMs, "%"),
      row("… CPU of run a line, all in", (1000 * cost.cpuMs) / lines, "µs"),
      row("… lines lost", lines - cost.sent, "lines", "0"),
    ];
  });
}

/** As many lines as an hour brings, as fast as the daemon takes them. */
async function memory(size: "small" | "full"): Promise<BenchRow[]> {
  const lines = size === "small" ? 20_000 : LINES_OF_AN_HOUR;
  const told = await withDaemon((url) => toldBy<MemoryOfLines>(MEMORY, [url, String(lines)]));
  return [
    row("an hour of 1,000 lines/s: lines → daemon, at full speed", lines / told.seconds, "lines/s"),
    row("… lines lost", lines - told.sent, "lines", "0"),
    {
      ...row("… memory in the last quarter", told.lastQuarter / 1024 ** 2, "MB", "≤ 1.1"),
      ...{ baseline: "the first quarter", ratio: told.lastQuarter / told.firstQuarter },
    },
  ];
}

/** From a line being written by the child to its record being in the store, one line at a time. */
async function latency(size: "small" | "full"): Promise<BenchRow[]> {
  const count = size === "small" ? 10 : 200;
  const gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, () => undefined);
  // The API is loaded a second after the start, for half a second: a cost of the daemon, not of a line.
  await (await fetch(`${gasoline.url}/api/observe?what=logs`)).text();
  const subscription = gasoline.store.subscribe({ service: "bench" }, 1_000);
  const program = `let n = 0; const timer = setInterval(() => {
    console.log(performance.timeOrigin + performance.now());
    if (++n === ${count}) clearInterval(timer);
  }, 25)`;
  try {
    const cost = toldBy<RunCost>(RUN, [gasoline.url, process.execPath, "-e", program]);
    const times: number[] = [];
    for await (const record of subscription) {
      if (record.kind !== "log") continue;
      times.push(performance.timeOrigin + performance.now() - Number(record.body));
      if (times.length === count) break;
    }
    await cost;
    const settled = times.slice(FIRST_LINES);
    return [
      row("a line, written → in the store, median", median(settled), "ms", "≤ 10 ms"),
      row("… 95th percentile", quantile(settled, 0.95), "ms"),
      row("… the first line, which connects", times[0]!, "ms"),
    ];
  } finally {
    subscription.close();
    await gasoline.close();
  }
}

function row(name: string, value: number, unit: string, target?: string): BenchRow {
  return { area: AREA, name, value, unit, ...(target === undefined ? {} : { target }) };
}
