import type { Resource, Scope } from "../../model/resource.ts";
import type { MetricHeader, ScopeGroup } from "../../model/scan-table.ts";
import { STREAMS, type Stream } from "../../model/stream.ts";
import { decodeLog } from "../../wire/decode-log.ts";
import { decodePoint } from "../../wire/decode-metric.ts";
import { decodeResource, decodeScope } from "../../wire/decode-resource.ts";
import { decodeSpan } from "../../wire/decode-span.ts";
import type { Masker } from "../mask.ts";
import type { Stored, StoredPoint, StoredRecord } from "../telemetry-store.ts";
import { kindOf, RECORD_KINDS } from "./columns.ts";
import type { Series } from "./metric-series.ts";
import { PINNED } from "./pinned.ts";
import { formatRecordId } from "./record-id.ts";
import type { Rings } from "./rings.ts";
import { RING } from "./routing.ts";
import type { StreamRing } from "./stream.ts";

/** How the masker calls each of `RECORD_KINDS`. */
const MASK_KINDS = ["span", "log", "point"] as const;

/** The resource and scope of a group, masked: decoded, and as the bytes of their messages. */
export interface DecodedGroup {
  readonly resource: Resource;
  readonly scope: Scope;
  readonly raw: ScopeGroup;
}

/** Something made of interned bytes, which a number that was freed and reused does not have any more. */
interface Cached<T> {
  readonly value: T;
  readonly key: Uint8Array;
  readonly maskVersion: number;
}

/**
 * The only way out of the rings for records: their bytes are copied, masked in the copy, and decoded from it.
 * Groups are decoded once for each version of the masking rules.
 */
export class RecordReader {
  /** Values masked on the way out. */
  masked = 0;
  readonly #rings: Rings;
  readonly #masker: Masker;
  readonly #epoch: string;
  readonly #groups: (Cached<DecodedGroup> | undefined)[] = [];
  readonly #headers: (Cached<MetricHeader> | undefined)[] = [];
  #scratch = Buffer.allocUnsafeSlow(16 * 1024);

  constructor(rings: Rings, masker: Masker, epoch: string) {
    this.#rings = rings;
    this.#masker = masker;
    this.#epoch = epoch;
  }

  /** The record in a slot, decoded and masked. */
  read(ring: StreamRing, slot: number): StoredRecord {
    const bytes = this.maskedBytes(ring, slot);
    const { columns } = ring;
    const { resource, scope } = this.group(columns.group[slot]!);
    const stored = this.#stored(ring, slot);
    switch (RECORD_KINDS[kindOf(columns.bits[slot]!)]!) {
      case "span":
        return Object.assign(decodeSpan(bytes, resource, scope), stored);
      case "log":
        return Object.assign(decodeLog(bytes, resource, scope), stored);
      case "metric":
        return Object.assign(decodePoint(this.header(columns.metric[slot]!), bytes, resource, scope), stored);
    }
  }

  /** The record's message with secrets masked. Scratch: valid until the next call. */
  maskedBytes(ring: StreamRing, slot: number): Buffer {
    const { columns } = ring;
    const from = columns.offset[slot]!;
    const length = columns.length[slot]!;
    if (length > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(2 * length);
    const bytes = this.#scratch.subarray(0, length);
    bytes.set(this.#rings.poolOf(ring).buffers[columns.slab[slot]!]!.subarray(from, from + length));
    this.masked += this.#masker.maskRecord(MASK_KINDS[kindOf(columns.bits[slot]!)]!, bytes);
    return bytes;
  }

  /** The last point of a series, decoded and masked. */
  readPoint(series: Series): StoredPoint {
    const bytes = this.maskedPoint(series);
    const { resource, scope } = this.group(series.group);
    const id = formatRecordId("metric", this.#epoch, RING.metrics, series.sequence);
    const stored: Stored = { id, stream: "metrics", arrival: series.arrival };
    return Object.assign(decodePoint(this.header(series.header), bytes, resource, scope), stored);
  }

  /** The message of a series' last point with secrets masked. */
  maskedPoint(series: Series): Buffer {
    const bytes = Buffer.from(series.last);
    this.masked += this.#masker.maskRecord("point", bytes);
    return bytes;
  }

  /** The resource and scope of a group that is held; those of OVERFLOW are empty. */
  group(group: number): DecodedGroup {
    const key = this.#rings.groups.table.bytesOf(group);
    const cached = this.#groups[group];
    if (cached?.key === key && cached.maskVersion === this.#masker.version) return cached.value;
    const bytes = this.#rings.groups.bytesOf(group);
    const raw: ScopeGroup = {
      resource: this.#maskedCopy("resource", bytes.resource),
      scope: this.#maskedCopy("scope", bytes.scope),
      resourceSchemaUrl: this.#maskedText(bytes.resourceSchemaUrl),
      scopeSchemaUrl: this.#maskedText(bytes.scopeSchemaUrl),
    };
    const resource = decodeResource(raw.resource, raw.resourceSchemaUrl);
    const value = { raw, resource, scope: decodeScope(raw.scope, raw.scopeSchemaUrl) };
    this.#groups[group] = { value, key, maskVersion: this.#masker.version };
    return value;
  }

  /** A metric header that is held, masked. */
  header(header: number): MetricHeader {
    const { bytes, name, dataField } = this.#rings.headers.get(header);
    const cached = this.#headers[header];
    if (cached?.key === bytes && cached.maskVersion === this.#masker.version) return cached.value;
    const value = { bytes: this.#maskedCopy("metric", bytes), name: this.#masker.maskText(name), dataField };
    this.#headers[header] = { value, key: bytes, maskVersion: this.#masker.version };
    return value;
  }

  /** An interned name, masked; "" for OVERFLOW. */
  name(name: number): string {
    return this.#masker.maskText(Buffer.from(this.#rings.names.bytesOf(name)).toString());
  }

  /** Number of the ring and sequence that a slot's record was first stored under. */
  origin(ring: StreamRing, slot: number): { readonly ring: number; readonly sequence: number } {
    if (ring.number !== PINNED) return { ring: ring.number, sequence: sequenceOf(ring, slot) };
    const { originRing, originSequence } = this.#rings.pinned;
    return { ring: originRing[slot]!, sequence: originSequence[slot]! };
  }

  #stored(ring: StreamRing, slot: number): Stored {
    const { columns } = ring;
    const origin = this.origin(ring, slot);
    const kind = RECORD_KINDS[kindOf(columns.bits[slot]!)]!;
    return {
      id: formatRecordId(kind, this.#epoch, origin.ring, origin.sequence),
      stream: STREAMS[origin.ring] as Stream,
      arrival: columns.arrival[slot]!,
    };
  }

  #maskedCopy(kind: "resource" | "scope" | "metric", bytes: Uint8Array): Uint8Array {
    const copy = Buffer.from(bytes);
    this.masked += this.#masker.maskRecord(kind, copy);
    return copy;
  }

  #maskedText(bytes: Uint8Array): Uint8Array {
    return bytes.length === 0 ? bytes : Buffer.from(this.#masker.maskText(Buffer.from(bytes).toString()));
  }
}

/** Sequence number of the record held in a slot. */
export function sequenceOf(ring: StreamRing, slot: number): number {
  const { mask } = ring.columns;
  return ring.oldest + ((slot - ring.oldest) & mask);
}
