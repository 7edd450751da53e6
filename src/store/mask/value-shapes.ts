import {
  matchAssignment,
  matchElement,
  matchEncodedAssignment,
  matchFlag,
  matchQuotedAfterWord,
} from "./assignments.ts";
import { cardNumberEnd } from "./card-number.ts";
import {
  ISSUED_TOKEN_TRIGGERS,
  matchCredentials,
  matchIssuedToken,
  matchJsonWebToken,
  matchPrivateKey,
} from "./issued-tokens.ts";
import { overwrite, type SecretRange } from "./range.ts";
import { matchDataSource, matchUserinfo } from "./url-passwords.ts";

/** What a byte may be part of; most bytes trigger nothing and cost one look into the table. */
const TRIGGER = {
  none: 0,
  equals: 1,
  colon: 2,
  percent: 3,
  greater: 4,
  quote: 5,
  dash: 6,
  issued: 7,
  jwt: 8,
  space: 9,
  at: 10,
  cardDigit: 11,
} as const;

const TRIGGERS = triggerTable();

function triggerTable(): Uint8Array {
  const table = new Uint8Array(256);
  const set = (chars: string, trigger: number): void => {
    for (const char of chars) table[char.charCodeAt(0)] = trigger;
  };
  set(ISSUED_TOKEN_TRIGGERS, TRIGGER.issued);
  set("=", TRIGGER.equals);
  set(":", TRIGGER.colon);
  set("%", TRIGGER.percent);
  set(">", TRIGGER.greater);
  set("\"'`", TRIGGER.quote);
  set("-", TRIGGER.dash);
  set("J", TRIGGER.jwt);
  set(" ", TRIGGER.space);
  set("@", TRIGGER.at);
  // First digits of payment cards.
  set("23456", TRIGGER.cardDigit);
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
    for (let i = start; i < end; i++) {
      const trigger = TRIGGERS[bytes[i]!]!;
      if (trigger === TRIGGER.none || !match(trigger, bytes, i, start, end, range)) continue;
      changed = overwrite(bytes, range.from, range.to) || changed;
      i = Math.max(i, range.to - 1);
    }
    return changed;
  }
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
    case TRIGGER.equals:
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
    case TRIGGER.dash:
      if (at > start && bytes[at - 1] === 0x2d) {
        if ((bytes[at + 1]! | 0x20) === 0x62 && matchPrivateKey(bytes, at, end, range)) return true;
        return matchFlag(bytes, at, start, end, range);
      }
      return matchIssuedToken(bytes, at, start, end, range);
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
