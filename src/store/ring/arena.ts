import assert from "node:assert/strict";

/** Slab numbers fit the 16-bit column that addresses a record. */
const SLABS_MAX = 0xffff;

/**
 * The slabs that rings keep record bytes in. All are of one size, made when first needed and kept for reuse;
 * a record larger than a slab gets a buffer of its own that counts as the slabs it displaces.
 *
 * ```
 *  address = (slab number, offset)      slab 0 │ rec rec rec rec ░│   sealed: the next record did not fit
 *                                       slab 1 │ rec rec →        │   being filled
 *                                       own  n │ one large record │
 * ```
 * The pool only counts; which ring may hold how many is decided by `Rings`.
 */
export class SlabPool {
  readonly slabBytes: number;
  readonly slabsMax: number;
  /** Buffers by number; undefined where none was made yet, or a large record's is gone. */
  readonly buffers: (Buffer | undefined)[] = [];
  /** Slabs handed out, large records counted as the slabs they displace. */
  slabsUsed = 0;
  readonly #freeSlabs: number[] = [];
  readonly #freeNumbers: number[] = [];

  constructor(slabBytes: number, slabsMax: number) {
    assert(slabsMax >= 1 && 2 * slabsMax <= SLABS_MAX, `${slabsMax} slabs cannot be addressed`);
    this.slabBytes = slabBytes;
    this.slabsMax = slabsMax;
  }

  /** Slabs that a record of this many bytes takes. */
  slabsFor(bytes: number): number {
    return Math.max(1, Math.ceil(bytes / this.slabBytes));
  }

  get slabsFree(): number {
    return this.slabsMax - this.slabsUsed;
  }

  /** Bytes of all buffers that exist, in use or not. */
  get bytesMade(): number {
    return this.buffers.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0);
  }

  /** Number of a slab, or of a buffer of `bytes` when that is more than a slab. The caller checked `slabsFree`. */
  take(bytes: number): number {
    const slabs = this.slabsFor(bytes);
    assert(slabs <= this.slabsFree, "slabs were taken past the arena's size");
    this.slabsUsed += slabs;
    if (slabs === 1) {
      const free = this.#freeSlabs.pop();
      if (free !== undefined) return free;
    }
    const number = this.#freeNumbers.pop() ?? this.buffers.length;
    this.buffers[number] = Buffer.allocUnsafeSlow(slabs === 1 ? this.slabBytes : bytes);
    return number;
  }

  give(number: number): void {
    const bytes = this.buffers[number]!.byteLength;
    this.slabsUsed -= this.slabsFor(bytes);
    if (bytes === this.slabBytes) {
      this.#freeSlabs.push(number);
    } else {
      this.buffers[number] = undefined;
      this.#freeNumbers.push(number);
    }
    this.#trim();
  }

  /** Slabs made for a quiet time must not add to the large buffers of a busy one: together they fit the arena. */
  #trim(): void {
    while (this.#freeSlabs.length > this.slabsFree) {
      const number = this.#freeSlabs.pop()!;
      this.buffers[number] = undefined;
      this.#freeNumbers.push(number);
    }
  }
}
