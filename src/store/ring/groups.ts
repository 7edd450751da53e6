import type { ScopeGroup } from "../../model/scan-table.ts";
import { ByteTable, OVERFLOW } from "./intern.ts";

const LENGTHS_BYTES = 16;
/** A resource and its scope of more than this share the overflow entry; all together keep within the second. */
const GROUP_BYTES_MAX = 64 * 1024;
const GROUP_BYTES_MEAN = 1024;

/**
 * Resources with their scopes, kept once each while a record or a metric series refers to them. One entry holds
 * the four byte strings of a group one after the other, behind their lengths, and is told from others by bytes.
 */
export class Groups {
  readonly table: ByteTable;
  /** What the resource and scope say of where their records belong; set by whoever routes. */
  readonly hints: Uint8Array;
  #scratch = new Uint8Array(4096);

  constructor(groupsMax: number, random: () => number) {
    this.table = new ByteTable(
      { entriesMax: groupsMax, entryBytesMax: GROUP_BYTES_MAX, bytesMax: groupsMax * GROUP_BYTES_MEAN },
      random,
    );
    this.hints = new Uint8Array(groupsMax + 1);
  }

  /** Number of this group with one reference more, OVERFLOW when there is no room for it. */
  acquire(group: ScopeGroup): number {
    const parts = [group.resource, group.scope, group.resourceSchemaUrl, group.scopeSchemaUrl];
    const length = parts.reduce((sum, part) => sum + part.length, LENGTHS_BYTES);
    if (length > this.#scratch.length && length <= GROUP_BYTES_MAX)
      this.#scratch = new Uint8Array(GROUP_BYTES_MAX);
    // Too large for any entry: the table refuses by length before it reads.
    if (length > GROUP_BYTES_MAX) return this.table.acquire(this.#scratch, 0, length);
    const key = this.#scratch;
    let at = LENGTHS_BYTES;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      for (let k = 0; k < 4; k++) key[4 * i + k] = part.length >>> (8 * k);
      key.set(part, at);
      at += part.length;
    }
    return this.table.acquire(key, 0, length);
  }

  /** The group's bytes: shared, not to be changed or handed out of the store. OVERFLOW is all empty. */
  bytesOf(group: number): ScopeGroup {
    const key = this.table.bytesOf(group);
    if (group === OVERFLOW) return { resource: key, scope: key, resourceSchemaUrl: key, scopeSchemaUrl: key };
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    let at = LENGTHS_BYTES;
    const part = (i: number): Uint8Array => {
      const from = at;
      at += view.getUint32(4 * i, true);
      return key.subarray(from, at);
    };
    return { resource: part(0), scope: part(1), resourceSchemaUrl: part(2), scopeSchemaUrl: part(3) };
  }
}
