import {
  matchAssignment,
  matchElement,
  matchEncodedAssignment,
  matchFlag,
  matchQuotedAfterWord,
} from "./assignments.ts";
import { ALNUM } from "./byte-classes.ts";
import { cardNumberEnd } from "./card-number.ts";
import {
  ISSUED_TOKEN_ENDINGS,
  matchCredentials,
  matchIssuedToken,
  matchJsonWebToken,
  matchPrivateKey,
} from "./issued-tokens.ts";
import { overwrite, type SecretRange } from "./range.ts";
import { mayEndKey } from "./secret-keys.ts";
import { matchDataSource, matchUserinfo } from "./url-passwords.ts";

/** What a byte may be part of; most bytes trigger nothing and cost one look into the table. */
const TRIGGER = {
  none: 0,
  assignment: 1,
  colon: 2,
  percent: 3,
  greater: 4,
  quote: 5,
  dashes: 6,
  issued: 7,
  jwt: 8,
  space: 9,
  at: 10,
  cardDigit: 11,
} as const;

/**
 * Triggers by byte pair: `PAIRS[before << 8 | byte]`. The byte before a trigger decides too: `:` is asked after
 * every byte, but `=` only after one that a secret's key can end with, and `_` only in `p_`, `t_` …
 */
const PAIRS = pairTable();

function pairTable(): Uint8Array {
  const table = new Uint8Array(0x10000);
  const set = (chars: string, trigger: number, mayPrecede: (byte: number) => boolean): void => {
    for (let before = 0; before < 256; before++) {
      if (!mayPrecede(before)) continue;
      for (const char of chars) table[(before << 8) | char.charCodeAt(0)] = trigger;
    }
  };
  const oneOf = (chars: string) => (byte: number) => chars.includes(String.fromCharCode(byte));
  const any = () => true;
  for (const ending of ISSUED_TOKEN_ENDINGS) set(ending[1]!, TRIGGER.issued, oneOf(ending[0]!));
  set("-", TRIGGER.dashes, oneOf("-"));
  set("=", TRIGGER.assignment, mayEndKey);
  set(":", TRIGGER.colon, any);
  set("%", TRIGGER.percent, mayEndKey);
  set(">", TRIGGER.greater, mayEndKey);
  set("\"'`", TRIGGER.quote, oneOf(" "));
  set("J", TRIGGER.jwt, oneOf("y"));
  set(" ", TRIGGER.space, oneOf("rRcC"));
  set("@", TRIGGER.at, any);
  // First digits of payment cards.
  set("23456", TRIGGER.cardDigit, (byte) => ALNUM[byte] === 0);
  return table;
}

/** Rounds over a text in which something was masked; a mask can end a word and so show another secret. */
const ROUNDS_MAX = 4;

/**
 * Finds secrets in text by their shape and overwrites them, in one pass over the bytes with no regular
 * expression: a byte that may be part of a secret (`=`, `:`, the `_` of `ghp_` …) asks the matchers that know
 * it, which look around it and answer with a range.
 */
export class ValueShapes {
  readonly #range: SecretRange = { from: 0, to: 0 };

  /** Masks `bytes[start, end)`, UTF-8 text; true when a byte was changed. Masking again changes nothing. */
  mask(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#pass(bytes, start, end)) return false;
    for (let round = 1; round < ROUNDS_MAX && this.#pass(bytes, start, end); round++);
    return true;
  }

  #pass(bytes: Uint8Array, start: number, end: number): boolean {
    const range = this.#range;
    let changed = false;
    let at = nextTrigger(bytes, start, start, end);
    while (at < end) {
      let next = at + 1;
      if (match(triggerAt(bytes, at, start), bytes, at, start, end, range)) {
        changed = overwrite(bytes, range.from, range.to) || changed;
        next = Math.max(next, range.to);
      }
      at = nextTrigger(bytes, next, start, end);
    }
    return changed;
  }
}

/** A text starts as if after a line break. */
const BEFORE_TEXT = 0x0a00;

function triggerAt(bytes: Uint8Array, at: number, start: number): number {
  return PAIRS[at > start ? (bytes[at - 1]! << 8) | bytes[at]! : BEFORE_TEXT | bytes[at]!]!;
}

/** Position of the next byte from `at` on that may be part of a secret, `end` when there is none. */
function nextTrigger(bytes: Uint8Array, at: number, start: number, end: number): number {
  const pairs = PAIRS;
  let before = at > start ? bytes[at - 1]! << 8 : BEFORE_TEXT;
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (pairs[before | byte]! !== TRIGGER.none) return i;
    before = byte << 8;
  }
  return end;
}

function match(
  trigger: number,
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  switch (trigger) {
    case TRIGGER.assignment:
      return matchAssignment(bytes, at, start, end, range);
    case TRIGGER.colon:
      if (bytes[at + 1] === 0x2f && bytes[at + 2] === 0x2f) return matchUserinfo(bytes, at, end, range);
      return matchAssignment(bytes, at, start, end, range);
    case TRIGGER.percent:
      return matchEncodedAssignment(bytes, at, start, end, range);
    case TRIGGER.greater:
      return matchElement(bytes, at, start, end, range);
    case TRIGGER.quote:
      return matchQuotedAfterWord(bytes, at, start, end, range);
    case TRIGGER.dashes:
      if ((bytes[at + 1]! | 0x20) === 0x62 && matchPrivateKey(bytes, at, end, range)) return true;
      return matchFlag(bytes, at, start, end, range);
    case TRIGGER.issued:
      return matchIssuedToken(bytes, at, start, end, range);
    case TRIGGER.jwt:
      return matchJsonWebToken(bytes, at, start, end, range);
    case TRIGGER.space:
      return matchCredentials(bytes, at, start, end, range);
    case TRIGGER.at:
      return matchDataSource(bytes, at, start, end, range);
    default: {
      const stop = cardNumberEnd(bytes, at, start, end);
      range.from = at;
      range.to = stop;
      return stop !== -1;
    }
  }
}
