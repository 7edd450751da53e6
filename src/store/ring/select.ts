import { SEVERITY_ERROR, SEVERITY_INFO } from "../../model/log.ts";
import { BITS } from "../../model/scan-table.ts";
import { STREAMS } from "../../model/stream.ts";
import { ATTRIBUTES_FIELD, findAttribute } from "../../wire/raw-attributes.ts";
import type { Masker } from "../mask.ts";
import type { RecordFilter } from "../telemetry-store.ts";
import { AttributeMatch } from "./attribute-match.ts";
import { kindOf, NONE, RECORD_KINDS } from "./columns.ts";
import { OVERFLOW } from "./intern.ts";
import { type KeptVerdicts, type LastExclusions, VERDICT } from "./kept-verdicts.ts";
import { POINT_ATTRIBUTES } from "./metric-series.ts";
import { PINNED } from "./pinned.ts";
import type { RecordReader } from "./read.ts";
import type { Rings } from "./rings.ts";
import { RING } from "./routing.ts";
import type { StreamRing } from "./stream.ts";
import { TextMatch } from "./text-match.ts";
import { spanWords, traceWords } from "./trace-id.ts";
import { ROW_COST } from "./turns.ts";

const SPAN = RECORD_KINDS.indexOf("span");
const LOG = RECORD_KINDS.indexOf("log");
const STATUS_ERROR = 2;
const YES = 1;
const NO = 2;

/**
 * A RecordFilter made ready to be asked of many rows: cheap columns first, then verdicts kept per name and per
 * group, then attributes in the raw bytes, and text last.
 */
export class Selector {
  /** Numbers of the rings that may hold a match, the pinned ring among them. */
  readonly rings: readonly number[];
  /** The window in ns relative to the epoch: since <= time < until. */
  readonly sinceNs: number;
  readonly untilNs: number;
  /** What it takes to ask it of one row (`ROW_COST`). */
  readonly rowCost: number;
  readonly #store: Rings;
  readonly #reader: RecordReader;
  readonly #filter: RecordFilter;
  readonly #kinds: number;
  readonly #afterArrival: number;
  /** undefined: no condition. NaN words, of an id that is none, match nothing. */
  readonly #span: readonly [number, number] | undefined;
  readonly #trace: readonly [number, number, number, number] | undefined;
  readonly #name: string | undefined;
  readonly #attributes: readonly AttributeMatch[];
  readonly #text: TextMatch | undefined;
  /** Exclusions told by columns, or that are asked of this filter alone. */
  readonly #not: readonly Selector[];
  /** Exclusions that read bytes and do not depend on the time: what they said is kept for the next query. */
  readonly #notKept: readonly Selector[];
  readonly #kept: KeptVerdicts | undefined;
  readonly #hasSeverity: boolean;
  readonly #hasService: boolean;
  /** No condition on time, kind, arrival, severity or ids: their columns need not be touched. */
  readonly #isOpen: boolean;
  readonly #masker: Masker;
  /** Rows that passed all but `not`, since it was made. */
  leftOut = 0;
  #freed = -1;
  #maskVersion: number;
  /** 0 not asked yet, YES or NO; by name, and by group. */
  readonly #nameVerdicts: Uint8Array;
  readonly #serviceVerdicts: Uint8Array;
  readonly #textVerdicts: Uint8Array;
  readonly #attributeVerdicts: readonly Uint8Array[];

  constructor(
    store: Rings,
    reader: RecordReader,
    masker: Masker,
    filter: RecordFilter,
    exclusions?: LastExclusions,
  ) {
    this.#store = store;
    this.#reader = reader;
    this.#masker = masker;
    this.#filter = filter;
    this.rings = [...ringsAsked(filter), PINNED];
    this.sinceNs = relativeNs(filter.sinceNs, store.epochNs, Number.NEGATIVE_INFINITY);
    this.untilNs = relativeNs(filter.untilNs, store.epochNs, Number.POSITIVE_INFINITY);
    const kinds = filter.kinds ?? RECORD_KINDS;
    this.#kinds = kinds.reduce((set, kind) => set | (1 << RECORD_KINDS.indexOf(kind)), 0);
    this.#afterArrival = filter.afterArrival ?? -1;
    this.#span =
      filter.spanId === undefined ? undefined : (spanWords(filter.spanId) ?? [Number.NaN, Number.NaN]);
    this.#trace =
      filter.traceId === undefined
        ? undefined
        : (traceWords(filter.traceId) ?? [Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    this.#name = filter.name?.toLowerCase();
    this.#attributes = (filter.attributes ?? []).map((attribute) => new AttributeMatch(attribute, masker));
    this.#text = filter.text === undefined || filter.text === "" ? undefined : new TextMatch(filter.text);
    const kept = exclusions === undefined ? [] : (filter.not ?? []).filter(isWorthKeeping);
    const select = (excluded: RecordFilter) => new Selector(store, reader, masker, excluded);
    this.#not = (filter.not ?? []).filter((excluded) => !kept.includes(excluded)).map(select);
    this.#notKept = kept.map(select);
    this.#kept = kept.length === 0 ? undefined : exclusions?.verdictsOf(kept);
    this.#hasSeverity = filter.severityMin !== undefined || filter.severityMax !== undefined;
    this.#hasService = filter.service !== undefined;
    const { sinceNs, untilNs, afterArrival, traceId, spanId } = filter;
    this.#isOpen =
      !this.#hasSeverity &&
      [filter.kinds, sinceNs, untilNs, afterArrival, traceId, spanId].every(
        (condition) => condition === undefined,
      );
    this.#maskVersion = masker.version;
    const groupsMax = store.groups.hints.length;
    this.#nameVerdicts = new Uint8Array(this.#name === undefined ? 0 : store.names.hash.length);
    this.#serviceVerdicts = new Uint8Array(filter.service === undefined ? 0 : groupsMax);
    this.#textVerdicts = new Uint8Array(this.#text === undefined ? 0 : groupsMax);
    this.#attributeVerdicts = this.#attributes.map(() => new Uint8Array(groupsMax));
    this.rowCost =
      this.#text !== undefined
        ? ROW_COST.decoded
        : this.#attributes.length > 0
          ? ROW_COST.bytes
          : ROW_COST.columns;
    for (const { rowCost } of [...this.#not, ...this.#notKept])
      this.rowCost = Math.max(this.rowCost, rowCost);
  }

  /** To be called at the start of each turn: what was known of freed names and groups may no longer hold. */
  begin(): void {
    for (const excluded of this.#not) excluded.begin();
    for (const excluded of this.#notKept) excluded.begin();
    this.#kept?.begin();
    const { names, groups } = this.#store;
    const freed = names.freed + groups.table.freed;
    if (freed === this.#freed && this.#maskVersion === this.#masker.version) return;
    this.#freed = freed;
    this.#maskVersion = this.#masker.version;
    this.#nameVerdicts.fill(0);
    this.#serviceVerdicts.fill(0);
    this.#textVerdicts.fill(0);
    for (const verdicts of this.#attributeVerdicts) verdicts.fill(0);
  }

  /** Whether the record in a slot passes. */
  matches(ring: StreamRing, slot: number): boolean {
    if (!this.#isOpen && !this.#matchesColumns(ring, slot)) return false;
    if (ring.number === PINNED && !this.rings.includes(this.#store.pinned.originRing[slot]!)) return false;
    if (this.#hasService && !this.#matchesService(ring.columns.group[slot]!)) return false;
    if (this.#name !== undefined && !this.#matchesName(ring, slot)) return false;
    for (let i = 0; i < this.#attributes.length; i++) {
      if (!this.#matchesAttribute(ring, slot, i)) return false;
    }
    if (this.#text !== undefined && !this.#matchesText(ring, slot, this.#text)) return false;
    if (!this.#isLeftOut(ring, slot)) return true;
    this.leftOut++;
    return false;
  }

  #isLeftOut(ring: StreamRing, slot: number): boolean {
    if (passesOne(this.#not, ring, slot)) return true;
    if (this.#kept === undefined) return false;
    const verdicts = this.#kept.of(ring.number);
    if (verdicts[slot] === VERDICT.unknown) {
      verdicts[slot] = passesOne(this.#notKept, ring, slot) ? VERDICT.yes : VERDICT.no;
    }
    return verdicts[slot] === VERDICT.yes;
  }

  /** Time, kind, arrival, severity and ids. */
  #matchesColumns({ columns }: StreamRing, slot: number): boolean {
    const time = columns.start[slot]!;
    if (time < this.sinceNs || time >= this.untilNs) return false;
    const bits = columns.bits[slot]!;
    if (((this.#kinds >>> kindOf(bits)) & 1) === 0) return false;
    if (columns.arrival[slot]! <= this.#afterArrival) return false;
    if (this.#hasSeverity && !this.#matchesSeverity(bits)) return false;
    if (this.#trace !== undefined && !this.#matchesTrace(columns.chain[slot]!, this.#trace)) return false;
    return this.#span === undefined || this.#matchesSpan(columns.ids, 2 * slot);
  }

  #matchesSeverity(bits: number): boolean {
    const { severityMin = 0, severityMax = 24 } = this.#filter;
    if (kindOf(bits) === LOG) {
      // Unset reads as info, as `levelOfSeverity` has it.
      const severity = (bits >>> BITS.severityShift) & BITS.severityMask || SEVERITY_INFO;
      return severity >= severityMin && severity <= severityMax;
    }
    const isError = kindOf(bits) === SPAN && ((bits >>> BITS.statusShift) & BITS.statusMask) === STATUS_ERROR;
    const severity = isError ? SEVERITY_ERROR : SEVERITY_INFO;
    return severity >= severityMin && severity <= severityMax;
  }

  #matchesTrace(chain: number, [w0, w1, w2, w3]: readonly [number, number, number, number]): boolean {
    if (chain === NONE) return false;
    const { ids } = this.#store.index;
    const at = 4 * this.#store.index.chainTrace[chain]!;
    return ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3;
  }

  #matchesSpan(ids: Uint32Array, at: number): boolean {
    return ids[at] === this.#span![0] && ids[at + 1] === this.#span![1];
  }

  #matchesService(group: number): boolean {
    let verdict = this.#serviceVerdicts[group]!;
    if (verdict === 0) {
      verdict = this.#reader.group(group).resource.service === this.#filter.service ? YES : NO;
      this.#serviceVerdicts[group] = verdict;
    }
    return verdict === YES;
  }

  #matchesName(ring: StreamRing, slot: number): boolean {
    const name = ring.columns.name[slot]!;
    if (name === OVERFLOW) {
      const record = this.#reader.read(ring, slot);
      return (record.kind === "log" ? record.eventName : record.name).toLowerCase().includes(this.#name!);
    }
    let verdict = this.#nameVerdicts[name]!;
    if (verdict === 0) {
      verdict = this.#reader.name(name).toLowerCase().includes(this.#name!) ? YES : NO;
      this.#nameVerdicts[name] = verdict;
    }
    return verdict === YES;
  }

  #matchesAttribute(ring: StreamRing, slot: number, i: number): boolean {
    const { columns } = ring;
    const match = this.#attributes[i]!;
    const bytes = this.#store.poolOf(ring).buffers[columns.slab[slot]!]!;
    const offset = columns.offset[slot]!;
    const at = findAttribute(
      bytes,
      offset,
      columns.length[slot]!,
      this.#attributesField(ring, slot),
      match.keys,
    );
    if (at < 0) return this.#matchesResource(columns.group[slot]!, match, i);
    if (!match.matchesRaw(bytes, at)) return false;
    return match.isFinal(bytes, at) || match.matchesMasked(this.#reader.maskedBytes(ring, slot), at - offset);
  }

  #matchesResource(group: number, match: AttributeMatch, i: number): boolean {
    const verdicts = this.#attributeVerdicts[i]!;
    let verdict = verdicts[group]!;
    if (verdict === 0) {
      const { attributes } = this.#reader.group(group).resource;
      const key = match.names.find((name) => attributes[name] !== undefined);
      verdict = key !== undefined && match.matchesValue(attributes[key]!) ? YES : NO;
      verdicts[group] = verdict;
    }
    return verdict === YES;
  }

  #attributesField(ring: StreamRing, slot: number): number {
    const kind = kindOf(ring.columns.bits[slot]!);
    if (kind === SPAN) return ATTRIBUTES_FIELD.span;
    if (kind === LOG) return ATTRIBUTES_FIELD.log;
    return POINT_ATTRIBUTES[this.#store.headers.get(ring.columns.metric[slot]!).dataField]!;
  }

  #matchesText(ring: StreamRing, slot: number, text: TextMatch): boolean {
    const { columns } = ring;
    const group = columns.group[slot]!;
    let verdict = this.#textVerdicts[group]!;
    if (verdict === 0) {
      verdict = text.matchesGroup(this.#reader.group(group)) ? YES : NO;
      this.#textVerdicts[group] = verdict;
    }
    if (verdict === YES) return true;
    const kind = kindOf(columns.bits[slot]!);
    if (kind > LOG) {
      const header = this.#reader.header(columns.metric[slot]!);
      return text.matchesPoint(this.#reader.maskedBytes(ring, slot), header);
    }
    const bytes = this.#store.poolOf(ring).buffers[columns.slab[slot]!]!;
    if (!text.mayMatch(bytes, columns.offset[slot]!, columns.length[slot]!)) return false;
    const masked = this.#reader.maskedBytes(ring, slot);
    return kind === SPAN ? text.matchesSpan(masked) : text.matchesLog(masked);
  }
}

function passesOne(selectors: readonly Selector[], ring: StreamRing, slot: number): boolean {
  for (const selector of selectors) {
    if (selector.rings.includes(ring.number) && selector.matches(ring, slot)) return true;
  }
  return false;
}

/** Whether a filter reads the bytes of records, and says the same of each at any time. */
function isWorthKeeping(filter: RecordFilter): boolean {
  const readsBytes = filter.text !== undefined || (filter.attributes ?? []).length > 0;
  return isTimeless(filter) && (readsBytes || (filter.not ?? []).some(isWorthKeeping));
}

function isTimeless({ sinceNs, untilNs, afterArrival, not = [] }: RecordFilter): boolean {
  return (
    [sinceNs, untilNs, afterArrival].every((condition) => condition === undefined) && not.every(isTimeless)
  );
}

/** Numbers of the streams' rings that a filter asks of. */
export function ringsAsked(filter: RecordFilter): readonly number[] {
  const streams = filter.streams ?? STREAMS;
  const kinds = filter.kinds ?? RECORD_KINDS;
  return streams
    .map((stream) => RING[stream])
    .filter((ring) => {
      if (ring === RING.metrics) return kinds.includes("metric");
      if (ring === RING["backend.spans"]) return kinds.includes("span");
      if (ring === RING["backend.logs"]) return kinds.includes("log");
      return kinds.includes("span") || kinds.includes("log");
    });
}

function relativeNs(timeNs: bigint | undefined, epochNs: bigint, otherwise: number): number {
  return timeNs === undefined ? otherwise : Number(timeNs - epochNs);
}
