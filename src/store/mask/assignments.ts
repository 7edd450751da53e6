import { ALNUM, byteSet, DIGIT, foldedTextAt, NAME, QUOTE, runEnd, textAt } from "./byte-classes.ts";
import type { SecretRange } from "./range.ts";
import { KEY_HEADER, KEY_PLAIN, keyVerdict } from "./secret-keys.ts";

const SPACE = 0x20;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;
const COLON = 0x3a;
const LESS = 0x3c;
const APOSTROPHE = 0x27;
const NAME_MAX = 64;

/** What stands between a separator and its value: spaces, and the rest of `:=`, `==`, `=>`. */
const BETWEEN = byteSet(" \t=>");
/** Ends an unquoted value wherever it stands. Control characters do too. */
const HARD_END = byteSet("\"'`<>|");
/** Ends an unquoted value only where the surrounding text goes on: `a=1&b=2`, `f(a=1)`, `a=1, b=2`. */
const SOFT_END = byteSet("&;,)]}");
/** Follows a name that starts the next pair. */
const AFTER_NAME = byteSet("=:;&,");
const ESCAPES_END = byteSet("nrt\"'`");

/**
 * The value of a secret's name in text: `password=x`, `"token": "x"`, `Cookie: a=b; c=d`, `PGPASSWORD='x'`,
 * `?api_key=x&`, and the same inside JSON strings (`\"token\":\"x\"`). The `=` or `:` is at `at`.
 */
export function matchAssignment(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  const separator = bytes[at]!;
  if (separator === COLON && (bytes[at + 1] === COLON || bytes[at - 1] === COLON)) return false;
  const verdict = keyVerdict(bytes, start, keyEndBefore(bytes, at, start));
  if (verdict === KEY_PLAIN) return false;
  const valueAt = runEnd(BETWEEN, bytes, at + 1, end);
  if (bytes[valueAt] === 0x5b && matchList(bytes, valueAt, end, range)) return true;
  if (matchQuoted(bytes, valueAt, end, range)) return isSecretValue(bytes, range, separator);
  range.from = valueAt;
  if (verdict === KEY_HEADER && separator === COLON) range.to = headerEnd(bytes, valueAt, end);
  else range.to = unquotedEnd(bytes, valueAt, end, false);
  return isSecretValue(bytes, range, separator);
}

/** As `matchAssignment` for text that was percent-encoded whole: `token%3Dx%26`. The `%3D` is at `at`. */
export function matchEncodedAssignment(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  if (!foldedTextAt(bytes, at, end, "%3d")) return false;
  if (keyVerdict(bytes, start, keyEndBefore(bytes, at, start)) === KEY_PLAIN) return false;
  range.from = at + 3;
  range.to = unquotedEnd(bytes, at + 3, end, true);
  return isSecretValue(bytes, range, EQUALS);
}

/** The closing bracket of `user%5Bpassword%5D=x`, seen from its `=`; elsewhere the position itself. */
function keyEndBefore(bytes: Uint8Array, at: number, start: number): number {
  return at - 3 >= start && foldedTextAt(bytes, at - 3, at, "%5d") ? at - 3 : at;
}

/** A quoted value after a secret's name and a space: `PASSWORD 'x'`, `IDENTIFIED BY 'x'`. The quote is at `at`. */
export function matchQuotedAfterWord(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  if (at - 1 <= start || bytes[at - 1] !== SPACE || ALNUM[bytes[at - 2]!] === 0) return false;
  if (keyVerdict(bytes, start, at - 1) === KEY_PLAIN) return false;
  return matchQuoted(bytes, at, end, range) && isSecretValue(bytes, range, SPACE);
}

/** The text of an XML element that a secret's name names: `<password>x</password>`. The `>` is at `at`. */
export function matchElement(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  const floor = Math.max(start, at - NAME_MAX);
  let open = at - 1;
  while (open >= floor && (NAME[bytes[open]!] === 1 || bytes[open] === COLON)) open--;
  if (open < floor || bytes[open] !== LESS || keyVerdict(bytes, open + 1, at) === KEY_PLAIN) return false;
  let to = at + 1;
  while (to < end && bytes[to] !== LESS) to++;
  range.from = at + 1;
  range.to = to;
  return to > at + 1;
}

/** The value of a command-line flag: `--password x`. The second dash is at `at`. */
export function matchFlag(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  if (at === start || bytes[at - 1] !== 0x2d) return false;
  const nameEnd = runEnd(NAME, bytes, at + 1, Math.min(end, at + NAME_MAX));
  if (nameEnd === at + 1 || bytes[nameEnd] !== SPACE || nameEnd + 1 >= end) return false;
  // The next word is a flag too: this one takes no value.
  if (bytes[nameEnd + 1] === 0x2d || keyVerdict(bytes, at + 1, nameEnd) === KEY_PLAIN) return false;
  if (matchQuoted(bytes, nameEnd + 1, end, range)) return isSecretValue(bytes, range, SPACE);
  range.from = nameEnd + 1;
  range.to = unquotedEnd(bytes, nameEnd + 1, end, false);
  return isSecretValue(bytes, range, SPACE);
}

/** Whether `bytes[start, end)` is a flag whose value follows as the next argument. */
export function isSecretFlag(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === 0x2d && end - start > 2 && keyVerdict(bytes, start, end) !== KEY_PLAIN;
}

/** The strings of a JSON list, from the first's content to the last's: `["a=b", "c=d"]`. */
function matchList(bytes: Uint8Array, at: number, end: number, range: SecretRange): boolean {
  let p = runEnd(BETWEEN, bytes, at + 1, end);
  if (!matchQuoted(bytes, p, end, range)) return false;
  const from = range.from;
  for (;;) {
    p = range.to;
    while (p < end && (bytes[p] === BACKSLASH || QUOTE[bytes[p]!] === 1)) p++;
    if (bytes[p] !== 0x2c) break;
    p = runEnd(BETWEEN, bytes, p + 1, end);
    if (!matchQuoted(bytes, p, end, range)) break;
  }
  range.from = from;
  return range.to > from;
}

/**
 * The content of the quoted string at `at`, whose quote may be escaped once or more (`\"`, `\\\"`): the closing
 * quote carries the same escape. To the end of the text when it is cut off. Empty strings match.
 */
function matchQuoted(bytes: Uint8Array, at: number, end: number, range: SecretRange): boolean {
  let p = at;
  while (p < end && bytes[p] === BACKSLASH) p++;
  const quote = bytes[p];
  if (p >= end || quote === undefined || QUOTE[quote] === 0) return false;
  const level = p - at;
  const period = 2 * (level + 1);
  range.from = p + 1;
  let backslashes = 0;
  for (p = p + 1; p < end; p++) {
    const byte = bytes[p];
    if (byte === BACKSLASH) {
      backslashes++;
      continue;
    }
    // A quote inside has more backslashes before it than the ones around: n at level 0 (even closes), 2n + 1 …
    if (byte === quote && backslashes % period === level) {
      const doubled = quote === APOSTROPHE && p + 1 < end && bytes[p + 1] === APOSTROPHE && p > range.from;
      if (!doubled) {
        range.to = p - level;
        return true;
      }
      p++;
    }
    backslashes = 0;
  }
  range.to = end;
  return true;
}

/** Position after an unquoted value; a value that is an authentication scheme goes on with the next word. */
function unquotedEnd(bytes: Uint8Array, at: number, end: number, encoded: boolean): number {
  const wordEnd = unquotedWordEnd(bytes, at, end, encoded);
  if (bytes[wordEnd] !== SPACE || wordEnd >= end || !isScheme(bytes, at, wordEnd)) return wordEnd;
  return unquotedWordEnd(bytes, wordEnd + 1, end, encoded);
}

function unquotedWordEnd(bytes: Uint8Array, at: number, end: number, encoded: boolean): number {
  let p = at;
  for (; p < end; p++) {
    const byte = bytes[p]!;
    if (byte <= SPACE || byte === 0x7f || HARD_END[byte] === 1) return p;
    if (byte === BACKSLASH && p + 1 < end && ESCAPES_END[bytes[p + 1]!] === 1) return p;
    if (encoded && byte === 0x25 && (textAt(bytes, p, end, "%26") || textAt(bytes, p, end, "%22"))) return p;
    if (SOFT_END[byte] === 1 && endsValue(bytes, p, end)) return p;
  }
  return p;
}

/** Whether the soft end at `p` ends the value: the text stops there, or goes on with another name. */
function endsValue(bytes: Uint8Array, p: number, end: number): boolean {
  const after = runEnd(SOFT_END, bytes, p, Math.min(end, p + NAME_MAX));
  if (after >= end) return true;
  const byte = bytes[after]!;
  if (byte <= SPACE || HARD_END[byte] === 1 || byte === BACKSLASH) return true;
  const nameEnd = runEnd(NAME, bytes, after, Math.min(end, after + NAME_MAX));
  return nameEnd > after && nameEnd < end && AFTER_NAME[bytes[nameEnd]!] === 1;
}

/** Position after a header's value in text: the end of its line, or the quote around the whole header. */
function headerEnd(bytes: Uint8Array, at: number, end: number): number {
  for (let p = at; p < end; p++) {
    const byte = bytes[p]!;
    if (byte < SPACE && byte !== 0x09) return p;
    if (byte === BACKSLASH && p + 1 < end && ESCAPES_END[bytes[p + 1]!] === 1) return p;
    if (QUOTE[byte] === 1 && endsHeader(bytes, p + 1, end)) return p;
  }
  return end;
}

/** Whether a quote before `p` closes the header; before a `;` it closes a cookie's value. */
function endsHeader(bytes: Uint8Array, p: number, end: number): boolean {
  if (p >= end) return true;
  const next = bytes[p]!;
  return next <= SPACE || (SOFT_END[next] === 1 && next !== 0x3b);
}

const SCHEMES: readonly string[] = ["bearer", "basic", "token", "digest", "apikey", "negotiate"];

function isScheme(bytes: Uint8Array, from: number, to: number): boolean {
  return SCHEMES.some((scheme) => to - from === scheme.length && foldedTextAt(bytes, from, to, scheme));
}

const NOTHING: readonly string[] = ["null", "undefined", "none", "nil", "true", "false", "?", "%s"];

/** Whether the range holds something to hide: not empty, not a word for nothing, not a statement's placeholder. */
function isSecretValue(bytes: Uint8Array, range: SecretRange, separator: number): boolean {
  const { from, to } = range;
  if (to <= from) return false;
  if (NOTHING.some((word) => to - from === word.length && foldedTextAt(bytes, from, to, word))) return false;
  const first = bytes[from];
  if (first === 0x24) return !(to - from > 1 && runEnd(DIGIT, bytes, from + 1, to) === to);
  // Named parameters of a statement: `password = :password`, `password = @p0`.
  const named = first === COLON || (first === 0x40 && to - from > 1 && (bytes[from + 1]! | 0x20) === 0x70);
  return !(
    named &&
    separator === EQUALS &&
    to - from <= NAME_MAX &&
    runEnd(NAME, bytes, from + 1, to) === to
  );
}
