import type { RecordTable } from "../src/model/scan-table.ts";
import type { TelemetrySink } from "../src/model/sink.ts";
import { createRecordTable } from "../src/wire/record-table.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import { protobufBody, SPANS_PER_REQUEST, spanBatch } from "./ingest-batch.ts";

/** Ids and times change from one use of a table to the next, the bytes of its records do not. */
const DISTINCT_TABLES = 32;

/**
 * Tables of scanned requests without end: 512 spans in 64 traces each, about 430 bytes a span. No two have a trace
 * in common, and times go on by a millisecond a span.
 */
export class TableSource {
  readonly bodies: readonly Buffer[];
  readonly #tables: readonly RecordTable[];
  #used = 0;

  constructor(tables = DISTINCT_TABLES) {
    this.bodies = Array.from({ length: tables }, (_, seed) => protobufBody(spanBatch(seed)));
    this.#tables = this.bodies.map((body) => {
      const table = createRecordTable();
      scanTraces(body, table);
      return table;
    });
  }

  /** Bytes of all records of the tables, and how many records there are. */
  get recordBytesMean(): number {
    const bytes = this.#tables.reduce((sum, table) => sum + sumOf(table.length, table.count), 0);
    return bytes / (this.#tables.length * SPANS_PER_REQUEST);
  }

  /** The next table, with new trace ids and times: valid until it comes round again. */
  next(): RecordTable {
    const table = this.#tables[this.#used % this.#tables.length]!;
    const round = this.#used++;
    const startNs = BigInt(1_790_000_000_000 + round * SPANS_PER_REQUEST) * 1_000_000n;
    const high = Number(startNs >> 32n);
    const low = Number(startNs & 0xffff_ffffn);
    for (let row = 0; row < table.count; row++) {
      table.ids[8 * row] = Math.imul(round, 0x9e3779b1) >>> 0;
      setTime(table, 4 * row, high, low + row * 1_000_000);
      setTime(table, 4 * row + 2, high, low + (row + 20) * 1_000_000);
    }
    return table;
  }

  /** Commits at least `records` spans. */
  fill(sink: TelemetrySink, records: number): void {
    for (let left = records; left > 0; left -= SPANS_PER_REQUEST) sink.commitSpans(this.next());
  }
}

/** Numbers only: garbage of the benchmark's own would be counted as the store's. */
function setTime(table: RecordTable, at: number, high: number, low: number): void {
  table.times[at] = low;
  table.times[at + 1] = low < 2 ** 32 ? high : high + 1;
}

function sumOf(values: Uint32Array, count: number): number {
  return values.subarray(0, count).reduce((sum, value) => sum + value, 0);
}
