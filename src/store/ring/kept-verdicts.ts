import type { Masker } from "../mask.ts";
import type { RecordFilter } from "../telemetry-store.ts";
import type { Rings } from "./rings.ts";

/** What a kept verdict says of a record. */
export const VERDICT = { unknown: 0, no: 1, yes: 2 } as const;

/**
 * What the same exclusions said of each record held, one byte a slot. A record never changes, so a verdict holds until
 * its slot is used again or a masking rule is added. Noise rules are asked with every listing: each record's bytes are
 * read for them once, however often one lists.
 */
export class KeptVerdicts {
  /** By ring number, then by slot; absent until its ring is asked. */
  readonly #slots: (Uint8Array | undefined)[] = [];
  /** By ring number: the sequence from which verdicts are not known yet. */
  readonly #seen: number[] = [];
  readonly #rings: Rings;
  readonly #masker: Masker;
  #maskVersion: number;

  constructor(rings: Rings, masker: Masker) {
    this.#rings = rings;
    this.#masker = masker;
    this.#maskVersion = masker.version;
  }

  /** To be called at the start of each turn: forgets what was known of slots used since, or masked otherwise by now. */
  begin(): void {
    const isMaskedOtherwise = this.#maskVersion !== this.#masker.version;
    this.#maskVersion = this.#masker.version;
    for (const [number, slots] of this.#slots.entries()) {
      if (slots === undefined) continue;
      const { next, columns } = this.#rings.all[number]!;
      const seen = this.#seen[number]!;
      if (isMaskedOtherwise || next - seen > columns.mask) {
        slots.fill(VERDICT.unknown);
      } else {
        for (let sequence = seen; sequence < next; sequence++) {
          slots[sequence & columns.mask] = VERDICT.unknown;
        }
      }
      this.#seen[number] = next;
    }
  }

  /** Verdicts by slot of a ring, to be read and written in this turn. */
  of(ring: number): Uint8Array {
    let slots = this.#slots[ring];
    if (slots === undefined) {
      const { next, columns } = this.#rings.all[ring]!;
      slots = new Uint8Array(columns.mask + 1);
      this.#slots[ring] = slots;
      this.#seen[ring] = next;
    }
    return slots;
  }
}

/** The verdicts of the exclusions asked last: those of a noise file, which seldom changes. */
export class LastExclusions {
  readonly #rings: Rings;
  readonly #masker: Masker;
  #asked = "";
  #verdicts: KeptVerdicts | undefined;

  constructor(rings: Rings, masker: Masker) {
    this.#rings = rings;
    this.#masker = masker;
  }

  /** The verdicts kept of exactly these filters; those of others are forgotten. None of them names a time. */
  verdictsOf(filters: readonly RecordFilter[]): KeptVerdicts {
    const asked = JSON.stringify(filters);
    if (this.#verdicts === undefined || asked !== this.#asked) {
      this.#verdicts = new KeptVerdicts(this.#rings, this.#masker);
      this.#asked = asked;
    }
    return this.#verdicts;
  }
}
