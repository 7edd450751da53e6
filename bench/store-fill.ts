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
    for (let row = 0; row < table.count; row++) {
      table.ids[8 * row] = Math.imul(round, 0x9e3779b1) >>> 0;
      const ms = 1_790_000_000_000 + round * SPANS_PER_REQUEST + row;
      setTime(table, 4 * row, ms);
      setTime(table, 4 * row + 2, ms + 20);
    }
    return table;
  }

  /** Commits at least `records` spans. */
  fill(sink: TelemetrySink, records: number): void {
    for (let left = records; left > 0; left -= SPANS_PER_REQUEST) sink.commitSpans(this.next());
  }
}

function setTime(table: RecordTable, at: number, ms: number): void {
  const ns = BigInt(ms) * 1_000_000n;
  table.times[at] = Number(ns & 0xffff_ffffn);
  table.times[at + 1] = Number(ns >> 32n);
}

function sumOf(values: Uint32Array, count: number): number {
  return values.subarray(0, count).reduce((sum, value) => sum + value, 0);
}
