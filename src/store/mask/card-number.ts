import { ALNUM, DIGIT, runEnd } from "./byte-classes.ts";

/** How payment cards are printed: digit groups by length. */
const GROUPINGS: readonly (readonly number[])[] = [
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
];
const GROUPS_MAX = 4;

/** Bytes before which a number is part of something else: a decimal, a sum, an order number. */
const NOT_BEFORE = new Set([..."_.-+#"].map((char) => char.charCodeAt(0)));

/**
 * End of the payment card number that starts at `at`, or -1. A card number is a run of 14, 15 or 16 digits, or
 * groups of digits with a space or dash between as cards print them, with an issuer's prefix (ISO/IEC 7812) and
 * a right check digit (Luhn), and stands alone: ids, timestamps, decimals and order numbers do not.
 */
export function cardNumberEnd(bytes: Uint8Array, at: number, start: number, end: number): number {
  if (at > start) {
    const before = bytes[at - 1]!;
    if (ALNUM[before] === 1 || NOT_BEFORE.has(before)) return -1;
  }
  const stop = groupedEnd(bytes, at, end);
  if (stop === -1) return -1;
  let value = 0;
  for (let p = at; p < stop; p++) {
    if (DIGIT[bytes[p]!] === 1) value = value * 10 + (bytes[p]! - 0x30);
  }
  return isCardNumber(value) ? stop : -1;
}

/** End of the digits at `at` when they are grouped as on a card and stand alone, else -1. */
function groupedEnd(bytes: Uint8Array, at: number, end: number): number {
  let p = runEnd(DIGIT, bytes, at, end);
  const length = p - at;
  if (length === 4 && (bytes[p] === 0x20 || bytes[p] === 0x2d)) {
    const separator = bytes[p]!;
    const groups = [4];
    while (groups.length < GROUPS_MAX && p < end && bytes[p] === separator) {
      const next = runEnd(DIGIT, bytes, p + 1, end);
      groups.push(next - p - 1);
      p = next;
    }
    if (!GROUPINGS.some((grouping) => startsWithNumbers(groups, grouping))) return -1;
    const digits = groups[1] === 6 ? groups.slice(0, 3) : groups;
    p = at + digits.reduce((sum, group) => sum + group + 1, -1);
  } else if (length < 14 || length > 16) {
    return -1;
  }
  return standsAloneAt(bytes, p, end) ? p : -1;
}

function standsAloneAt(bytes: Uint8Array, at: number, end: number): boolean {
  if (at >= end) return true;
  const after = bytes[at]!;
  if (ALNUM[after] === 1 || after === 0x5f || after === 0x2d) return false;
  const fraction = after === 0x2e && at + 1 < end && DIGIT[bytes[at + 1]!] === 1;
  return !fraction;
}

function startsWithNumbers(values: readonly number[], wanted: readonly number[]): boolean {
  return wanted.every((value, i) => value === values[i]);
}

/**
 * Whether a whole number below 2^53 is a payment card's: Visa, Mastercard, Discover, JCB and UnionPay with 16
 * digits, American Express with 15, Diners with 14, and a right check digit.
 */
export function isCardNumber(value: number): boolean {
  if (value < 3e13 || value >= 7e15) return false;
  return hasIssuerPrefix(value) && luhnHolds(value);
}

function hasIssuerPrefix(value: number): boolean {
  if (value < 1e14) {
    const prefix = Math.floor(value / 1e11);
    return (prefix >= 300 && prefix <= 305) || between(Math.floor(prefix / 10), 36, 36) || prefix >= 380;
  }
  if (value < 1e15) {
    const prefix = Math.floor(value / 1e13);
    return prefix === 34 || prefix === 37;
  }
  const prefix = Math.floor(value / 1e12);
  return (
    between(prefix, 4000, 4999) ||
    between(prefix, 5100, 5599) ||
    between(prefix, 2221, 2720) ||
    between(prefix, 3528, 3589) ||
    between(prefix, 6200, 6299) ||
    between(prefix, 6440, 6599) ||
    prefix === 6011
  );
}

function between(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

/** The check of ISO/IEC 7812-1, annex B: every second digit from the right is doubled. */
function luhnHolds(value: number): boolean {
  let sum = 0;
  let rest = value;
  for (let i = 0; rest > 0; i++) {
    const digit = rest % 10;
    rest = (rest - digit) / 10;
    const doubled = digit * 2;
    if (i % 2 === 0) sum += digit;
    else sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
