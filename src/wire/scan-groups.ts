import type { RecordTable } from "../model/scan-table.ts";
import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { type Message, RESOURCE, SCOPE } from "./schema.ts";
import { skipUnknown } from "./skip-unknown.ts";
import { validateMessage } from "./validate-message.ts";

/**
 * How the three signals differ: their schema, and how one record between `at` and `end` enters the table. `view` is of
 * the same bytes as `body`: it reads words in one step.
 */
export interface SignalScan<Table extends RecordTable> {
  readonly request: Message;
  readonly scanRecord: (
    body: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    table: Table,
    depthMax: number,
  ) => void;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const FIRST = 0x0a;
const SECOND = 0x12;
const THIRD = 0x1a;

/**
 * Walks a request of any signal: resource entries {1 resource, 2 scope entries, 3 schema URL}, in each scope
 * entries {1 scope, 2 records, 3 schema URL}, and hands on each record. The numbers are the same for all signals.
 * A resource is looked up ahead, since it may follow its scope entries.
 */
export function scanGroups<Table extends RecordTable>(
  body: Uint8Array,
  table: Table,
  signal: SignalScan<Table>,
  depthMax: number,
): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const end = body.length;
  let p = 0;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag !== FIRST) {
      p = skipUnknown(body, valueAt, end, tag, signal.request);
      continue;
    }
    const start = payloadStart(body, valueAt, end);
    p = start + varintValue(body, valueAt);
    scanResourceEntry(body, view, start, p, table, signal, depthMax);
  }
}

function scanResourceEntry<Table extends RecordTable>(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  table: Table,
  signal: SignalScan<Table>,
  depthMax: number,
): void {
  const schema = signal.request.fields[1]!.message!;
  let resource: Uint8Array = EMPTY;
  let schemaUrl: Uint8Array = EMPTY;
  for (let p = at; p < end; ) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag !== FIRST && tag !== SECOND && tag !== THIRD) {
      p = skipUnknown(body, valueAt, end, tag, schema);
      continue;
    }
    const start = payloadStart(body, valueAt, end);
    p = start + varintValue(body, valueAt);
    if (tag === FIRST) {
      validateMessage(body, start, p, RESOURCE, depthMax);
      resource = merged(resource, body.subarray(start, p));
    } else if (tag === THIRD) {
      schemaUrl = body.subarray(start, p);
    }
  }
  for (let p = at; p < end; ) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    p = fieldEnd(body, valueAt, end, tag);
    if (tag === SECOND) {
      const start = payloadStart(body, valueAt, end);
      scanScopeEntry(body, view, start, p, table, signal, depthMax, resource, schemaUrl);
    }
  }
}

/** The group is added after its records, under the number they carry by then; without records there is none. */
function scanScopeEntry<Table extends RecordTable>(
  body: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  table: Table,
  signal: SignalScan<Table>,
  depthMax: number,
  resource: Uint8Array,
  resourceSchemaUrl: Uint8Array,
): void {
  const schema = signal.request.fields[1]!.message!.fields[2]!.message!;
  const firstRow = table.count;
  let scope: Uint8Array = EMPTY;
  let scopeSchemaUrl: Uint8Array = EMPTY;
  let p = at;
  while (p < end) {
    const tag = varintValue(body, p);
    const valueAt = varintEnd(body, p, end);
    if (tag !== SECOND && tag !== FIRST && tag !== THIRD) {
      p = skipUnknown(body, valueAt, end, tag, schema);
      continue;
    }
    const start = payloadStart(body, valueAt, end);
    p = start + varintValue(body, valueAt);
    if (tag === SECOND) {
      signal.scanRecord(body, view, start, p, table, depthMax);
    } else if (tag === FIRST) {
      validateMessage(body, start, p, SCOPE, depthMax);
      scope = merged(scope, body.subarray(start, p));
    } else {
      scopeSchemaUrl = body.subarray(start, p);
    }
  }
  if (table.count > firstRow) table.groups.push({ resource, scope, resourceSchemaUrl, scopeSchemaUrl });
}

/** A message that comes twice is the concatenation of both (protobuf encoding, "Last One Wins"). */
function merged(before: Uint8Array, next: Uint8Array): Uint8Array {
  if (before.length === 0) return next;
  const both = new Uint8Array(before.length + next.length);
  both.set(before);
  both.set(next, before.length);
  return both;
}
