import type { MetricHeader } from "../../model/scan-table.ts";
import { ByteTable } from "./intern.ts";

const HEADER_BYTES_MAX = 4_096;
const HEADER_BYTES_MEAN = 512;

/** Metric messages without their points, kept once each while a point or a series refers to them. */
export class MetricHeaders {
  readonly table: ByteTable;
  readonly #held: (MetricHeader | undefined)[] = [];

  constructor(headersMax: number, random: () => number) {
    this.table = new ByteTable(
      { entriesMax: headersMax, entryBytesMax: HEADER_BYTES_MAX, bytesMax: headersMax * HEADER_BYTES_MEAN },
      random,
    );
  }

  /** Number of this header with one reference more; OVERFLOW when there is no room for it. */
  acquire(header: MetricHeader): number {
    const number = this.table.acquire(header.bytes, 0, header.bytes.length);
    const held = this.#held[number];
    if (held === undefined || held.bytes !== this.table.bytesOf(number)) {
      this.#held[number] = { ...header, bytes: this.table.bytesOf(number) };
    }
    return number;
  }

  /** The header: shared, not to be changed or handed out of the store. */
  get(number: number): MetricHeader {
    return this.#held[number]!;
  }
}
