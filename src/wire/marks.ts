import { BITS } from "../model/scan-table.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const BROWSER = ascii("browser.");
const TEST = ascii("test.");
const GIT = ascii("gasoline.git");
const GASOLINE_BROWSER = ascii("gasoline.browser");
const EXCEPTION = ascii("exception");
const EXCEPTION_PREFIX = ascii("exception.");
const ERROR_TYPE = ascii("error.type");

/** What an attribute key says of where its record belongs: one of the marks of `BITS`, or 0. */
export function markOfKey(body: Uint8Array, at: number, length: number): number {
  if (length < TEST.length) return 0;
  const first = body[at]!;
  // Small enough to be inlined: one key in ten begins with b, e, g or t.
  if (first !== 0x62 && first !== 0x65 && first !== 0x67 && first !== 0x74) return 0;
  return markOfLikelyKey(body, at, length, first);
}

function markOfLikelyKey(body: Uint8Array, at: number, length: number, first: number): number {
  switch (first) {
    case 0x62: // b
      return startsWith(body, at, length, BROWSER) ? BITS.markBrowser : 0;
    case 0x74: // t
      return startsWith(body, at, length, TEST) ? BITS.markTest : 0;
    case 0x67: // g
      return startsWith(body, at, length, GIT) ? BITS.markGit : 0;
    case 0x65: // e
      if (startsWith(body, at, length, EXCEPTION_PREFIX)) return BITS.markException;
      return length === ERROR_TYPE.length && startsWith(body, at, length, ERROR_TYPE)
        ? BITS.markException
        : 0;
    default:
      return 0;
  }
}

/** What the event name of a log record says of where it belongs: a mark of `BITS`, or 0. */
export function markOfEventName(body: Uint8Array, at: number, length: number): number {
  if (startsWith(body, at, length, BROWSER) || startsWith(body, at, length, GASOLINE_BROWSER)) {
    return BITS.markBrowser;
  }
  if (startsWith(body, at, length, TEST)) return BITS.markTest;
  if (startsWith(body, at, length, GIT)) return BITS.markGit;
  return isException(body, at, length) ? BITS.markException : 0;
}

/** Whether an event's name is `exception` (semantic conventions, exceptions on spans). */
export function isException(body: Uint8Array, at: number, length: number): boolean {
  return length === EXCEPTION.length && startsWith(body, at, length, EXCEPTION);
}

function startsWith(body: Uint8Array, at: number, length: number, prefix: Uint8Array): boolean {
  if (length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) {
    if (body[at + i] !== prefix[i]) return false;
  }
  return true;
}
