import type { MetricHeader } from "../../model/scan-table.ts";
import { STREAMS } from "../../model/stream.ts";
import { encodeLogs, encodeMetrics, encodeTraces, type RawPoint } from "../../wire/encode-request.ts";
import type { RecordFilter } from "../telemetry-store.ts";
import { ArrivalCursor } from "./arrival-cursor.ts";
import { kindOf, RECORD_KINDS, type RecordKind } from "./columns.ts";
import { PINNED } from "./pinned.ts";
import type { Source } from "./query.ts";
import { Selector } from "./select.ts";
import type { StreamRing } from "./stream.ts";
import { ROW_COST, Turns } from "./turns.ts";

const BODY_RECORDS_MAX = 512;
const BODY_BYTES_MAX = 1024 * 1024;

const SIGNALS = { span: "traces", log: "logs", metric: "metrics" } as const satisfies Record<
  RecordKind,
  string
>;

const NO_HEADER: MetricHeader = { bytes: new Uint8Array(0), name: "", dataField: 0 };

/** A request body of masked OTLP. */
export interface RawExport {
  readonly signal: "traces" | "logs" | "metrics";
  readonly body: Uint8Array;
}

/**
 * Everything that passes as OTLP request bodies, at most 512 records or about 1 MiB each: what is pinned first, then
 * the streams together in order of arrival. Ends at what had arrived when it was asked.
 */
export async function* exportRecords(source: Source, filter: RecordFilter): AsyncIterable<RawExport> {
  const { rings, reader, masker } = source;
  const selector = new Selector(rings, reader, masker, filter);
  const arrivalEnd = rings.arrivals;
  const turns = new Turns(ROW_COST.exported);
  for (const numbers of [[PINNED], STREAMS.map((_, number) => number)]) {
    const cursor = new ArrivalCursor(
      rings,
      numbers.filter((number) => selector.rings.includes(number)),
      true,
    );
    const batches = { span: new Batch(), log: new Batch(), metric: new Batch() };
    selector.begin();
    while (cursor.next()) {
      const { ring, slot } = cursor;
      if (ring.columns.arrival[slot]! >= arrivalEnd) break;
      if (selector.matches(ring, slot)) {
        const kind = RECORD_KINDS[kindOf(ring.columns.bits[slot]!)]!;
        batches[kind].add(rawRecord(source, ring, slot, kind));
        if (batches[kind].isFull) yield encode(kind, batches[kind].take());
      }
      if (turns.spend()) await turns.next();
      selector.begin();
    }
    for (const kind of RECORD_KINDS) {
      if (batches[kind].count > 0) yield encode(kind, batches[kind].take());
    }
  }
}

class Batch {
  #records: RawPoint[] = [];
  #bytes = 0;

  get count(): number {
    return this.#records.length;
  }

  get isFull(): boolean {
    return this.count >= BODY_RECORDS_MAX || this.#bytes >= BODY_BYTES_MAX;
  }

  add(record: RawPoint): void {
    this.#records.push(record);
    this.#bytes += record.bytes.length;
  }

  take(): readonly RawPoint[] {
    const records = this.#records;
    this.#records = [];
    this.#bytes = 0;
    return records;
  }
}

/** `header` is only looked at in points. */
function rawRecord({ reader }: Source, ring: StreamRing, slot: number, kind: RecordKind): RawPoint {
  const { columns } = ring;
  return {
    group: reader.group(columns.group[slot]!).raw,
    header: kind === "metric" ? reader.header(columns.metric[slot]!) : NO_HEADER,
    bytes: new Uint8Array(reader.maskedBytes(ring, slot)),
  };
}

function encode(kind: RecordKind, records: readonly RawPoint[]): RawExport {
  const body =
    kind === "span" ? encodeTraces(records) : kind === "log" ? encodeLogs(records) : encodeMetrics(records);
  return { signal: SIGNALS[kind], body };
}
