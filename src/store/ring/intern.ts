/** The entry that stands for whatever found no room. Its bytes are empty. */
export const OVERFLOW = 0;

/** Bounds of a `ByteTable`. */
export interface ByteTableLimits {
  readonly entriesMax: number;
  /** One entry, and all together. */
  readonly entryBytesMax: number;
  readonly bytesMax: number;
}

/**
 * Byte strings kept once each, by number, while something refers to them. Bounded: what finds no room shares
 * entry OVERFLOW and is counted, and whoever needs it exactly reads it from the record.
 *
 * Open addressing at most half full with backward-shift delete, like `TraceIndex`. Bytes pass through a
 * secret odd multiplier, 16 bits at a time: what they change lands above bit 15 in a way that cannot be foreseen,
 * so that later bytes cannot be chosen to undo it.
 */
export class ByteTable {
  /** Entries in use, OVERFLOW not counted. */
  count = 0;
  bytes = 0;
  /** Times that an entry was freed: a number noted before may since mean something else. */
  freed = 0;
  /** Times that something found no room. */
  overflowed = 0;
  /** Entry numbers lie below this. */
  numbersUsed = 1;
  readonly hash: Uint32Array;
  readonly references: Uint32Array;
  readonly #limits: ByteTableLimits;
  readonly #entries: (Uint8Array | undefined)[] = [new Uint8Array(0)];
  readonly #free: number[] = [];
  readonly #table: Uint32Array;
  readonly #multiplier: number;
  readonly #seed: number;

  constructor(limits: ByteTableLimits, random: () => number) {
    this.#limits = limits;
    this.hash = new Uint32Array(limits.entriesMax + 1);
    this.references = new Uint32Array(limits.entriesMax + 1);
    this.#table = new Uint32Array(2 ** Math.max(4, Math.ceil(Math.log2(2 * limits.entriesMax))));
    this.#multiplier = Math.floor(random() * 2 ** 32) | 1;
    this.#seed = Math.floor(random() * 2 ** 32);
  }

  /** Number of these bytes, with one reference more; OVERFLOW when there is no room for them. */
  acquire(bytes: Uint8Array, offset: number, length: number): number {
    if (length > this.#limits.entryBytesMax) return this.#overflow();
    const hash = this.#hashOf(bytes, offset, length);
    const table = this.#table;
    const mask = table.length - 1;
    let at = hash & mask;
    for (; table[at] !== 0; at = (at + 1) & mask) {
      const entry = table[at]!;
      if (this.hash[entry] === hash && isSame(this.#entries[entry]!, bytes, offset, length)) {
        this.references[entry] = this.references[entry]! + 1;
        return entry;
      }
    }
    if (this.count === this.#limits.entriesMax || this.bytes + length > this.#limits.bytesMax) {
      return this.#overflow();
    }
    const entry = this.#free.pop() ?? this.numbersUsed++;
    table[at] = entry;
    // A copy: `slice` of a Buffer, which request bodies are, would be a view that keeps the body.
    this.#entries[entry] = new Uint8Array(bytes.subarray(offset, offset + length));
    this.hash[entry] = hash;
    this.references[entry] = 1;
    this.count++;
    this.bytes += length;
    return entry;
  }

  /** One reference more to an entry that is held. */
  retain(entry: number): void {
    if (entry !== OVERFLOW) this.references[entry] = this.references[entry]! + 1;
  }

  /** One reference less; true when the entry was freed by it. */
  release(entry: number): boolean {
    if (entry === OVERFLOW) return false;
    const references = this.references[entry]! - 1;
    this.references[entry] = references;
    if (references > 0) return false;
    this.#delete(entry);
    return true;
  }

  /** The entry's bytes: shared, not to be changed or handed out of the store. */
  bytesOf(entry: number): Uint8Array {
    return this.#entries[entry]!;
  }

  isHeld(entry: number): boolean {
    return entry !== OVERFLOW && entry < this.numbersUsed && this.references[entry]! > 0;
  }

  #overflow(): number {
    this.overflowed++;
    return OVERFLOW;
  }

  #hashOf(bytes: Uint8Array, offset: number, length: number): number {
    const multiplier = this.#multiplier;
    const end = offset + length;
    let hash = this.#seed ^ length;
    let i = offset;
    // Two bytes a step: the chain of multiplications is what it costs.
    for (; i + 1 < end; i += 2) {
      hash = Math.imul(hash ^ (bytes[i]! | (bytes[i + 1]! << 8)), multiplier);
      hash ^= hash >>> 15;
    }
    if (i < end) {
      hash = Math.imul(hash ^ bytes[i]!, multiplier);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #delete(entry: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let hole = this.hash[entry]! & mask;
    while (table[hole] !== entry) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
      const home = this.hash[table[at]!]! & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        table[hole] = table[at]!;
        hole = at;
      }
    }
    table[hole] = 0;
    this.bytes -= this.#entries[entry]!.length;
    this.#entries[entry] = undefined;
    this.#free.push(entry);
    this.count--;
    this.freed++;
  }
}

function isSame(entry: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (entry.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (entry[i] !== bytes[offset + i]) return false;
  }
  return true;
}
