/** A set of ASCII characters as a table: 1 at each member's code. Bytes of multi-byte characters are no members. */
export type ByteSet = Uint8Array;

const DIGITS = "0123456789";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS = UPPER + UPPER.toLowerCase();

export function byteSet(members: string): ByteSet {
  const set = new Uint8Array(256);
  for (const member of members) set[member.charCodeAt(0)] = 1;
  return set;
}

export const DIGIT = byteSet(DIGITS);
export const ALNUM = byteSet(LETTERS + DIGITS);
export const UPPER_ALNUM = byteSet(UPPER + DIGITS);
/** base64url, and what most issuers make their tokens of. */
export const TOKEN = byteSet(`${LETTERS + DIGITS}_-`);
export const DOTTED_TOKEN = byteSet(`${LETTERS + DIGITS}_-.`);
export const BASE64 = byteSet(`${LETTERS + DIGITS}+/=_-`);
export const PATH = byteSet(`${LETTERS + DIGITS}_-/`);
/** token68 of RFC 9110, section 11.2: what follows `Bearer ` or `Basic `. */
export const TOKEN68 = byteSet(`${LETTERS + DIGITS}-._~+/=`);
/** What a name before `=` or `:` is made of. */
export const NAME = byteSet(`${LETTERS + DIGITS}_-.[]`);
export const QUOTE = byteSet("\"'`");

/** Position after the run of members that starts at `at`. */
export function runEnd(set: ByteSet, bytes: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && set[bytes[p]!] === 1) p++;
  return p;
}

/**
 * Whether a token can start at `at`: not inside a word. The escapes that text is wrapped in end a word too:
 * `%3D` before the token, or `\n`.
 */
export function tokenStartsAt(bytes: Uint8Array, at: number, start: number): boolean {
  if (at <= start) return true;
  const before = bytes[at - 1]!;
  if (ALNUM[before] === 0) return before !== 0x5f;
  if (at - 2 >= start && bytes[at - 2] === 0x5c) return true;
  return at - 3 >= start && bytes[at - 3] === 0x25;
}

/** The index of ASCII `text` in `bytes[at, end)`, or -1. */
export function indexOfText(bytes: Uint8Array, at: number, end: number, text: string): number {
  const first = text.charCodeAt(0);
  for (let p = at; p <= end - text.length; p++) {
    if (bytes[p] === first && textAt(bytes, p, end, text)) return p;
  }
  return -1;
}

/** Whether ASCII `text` stands at `at`. */
export function textAt(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (text.length > end - at) return false;
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** As `textAt`, letters in either case; `text` is in lower case. */
export function foldedTextAt(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (text.length > end - at) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[at + i]!;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (folded !== text.charCodeAt(i)) return false;
  }
  return true;
}
