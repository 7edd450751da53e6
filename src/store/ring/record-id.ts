import type { RecordKind } from "./columns.ts";

const LETTERS = { span: "s", log: "l", metric: "m" } as const satisfies Record<RecordKind, string>;
const KINDS: ReadonlyMap<string, RecordKind> = new Map(
  (Object.keys(LETTERS) as RecordKind[]).map((kind) => [LETTERS[kind], kind]),
);
const EPOCH_CHARACTERS = 3;
/** Rings that a record number tells apart. */
const RINGS_MAX = 16;

/** What a record id says: `s7k2a1c` is a span of the store's run `7k2`, record number `a1c` in base 36. */
export interface RecordId {
  readonly kind: RecordKind;
  readonly epoch: string;
  readonly ring: number;
  readonly sequence: number;
}

/** A run's name: three characters, so that ids of another run are known as such (but for 1 in 46,656). */
export function newEpoch(random: () => number): string {
  return Math.floor(random() * 36 ** EPOCH_CHARACTERS)
    .toString(36)
    .padStart(EPOCH_CHARACTERS, "0");
}

export function formatRecordId(kind: RecordKind, epoch: string, ring: number, sequence: number): string {
  return LETTERS[kind] + epoch + (sequence * RINGS_MAX + ring).toString(36);
}

/** The parts of an id, or undefined when the text is not one. */
export function parseRecordId(text: string): RecordId | undefined {
  const match = /^([slm])([0-9a-z]{3})(0|[1-9a-z][0-9a-z]{0,9})$/.exec(text);
  if (match === null) return undefined;
  const number = Number.parseInt(match[3]!, 36);
  return {
    kind: KINDS.get(match[1]!)!,
    epoch: match[2]!,
    ring: number % RINGS_MAX,
    sequence: Math.floor(number / RINGS_MAX),
  };
}
