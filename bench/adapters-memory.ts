import { createLineReader } from "../src/adapters/line-reader.ts";
import { createOtlpClient } from "../src/adapters/otlp-client.ts";
import { systemClock } from "../src/model/time.ts";

/** What many lines did to an adapter's memory, told over IPC. Bytes are medians of the resident set. */
export interface MemoryOfLines {
  readonly seconds: number;
  readonly sent: number;
  readonly lost: number;
  readonly firstQuarter: number;
  readonly lastQuarter: number;
}

/** Lines → records → a daemon, as fast as it takes them, in a process of its own. Arguments: URL, number of lines. */
const [url, count] = process.argv.slice(2);
const total = Number(count);
const LINES_A_CHUNK = 200;

const client = createOtlpClient({ endpoint: () => Promise.resolve(url), apiKey: "", clock: systemClock });
const source = client.source({ "service.name": "bench" });
const reader = createLineReader({ clock: systemClock, attributes: {}, onRecord: source.log });
const rss: number[] = [];
const start = performance.now();

for (let written = 0; written < total; ) {
  let chunk = "";
  for (const end = Math.min(total, written + LINES_A_CHUNK); written < end; written++) {
    chunk += `{"level":30,"time":${Date.now()},"pid":7,"reqId":${written},"msg":"request completed","route":"/cart"}\n`;
  }
  reader.push(Buffer.from(chunk));
  if (written % (total / 200) < LINES_A_CHUNK) rss.push(process.memoryUsage.rss());
  do await new Promise((done) => setImmediate(done));
  while (!client.hasRoom());
}
reader.end();
const { sent, dropped } = await client.close(30_000);

const quarter = Math.ceil(rss.length / 4);
const medianOf = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const memory: MemoryOfLines = {
  ...{ seconds: (performance.now() - start) / 1000, sent, lost: dropped },
  ...{ firstQuarter: medianOf(rss.slice(0, quarter)), lastQuarter: medianOf(rss.slice(-quarter)) },
};
process.send!(memory);
process.disconnect();
