import { byteSet, textAt } from "./byte-classes.ts";
import type { SecretRange } from "./range.ts";

const COLON = 0x3a;
const AT_SIGN = 0x40;
/** Ends the authority of a URL (RFC 3986, section 3.2), and with it the search for its user. */
const AUTHORITY_END = byteSet("/?#\"'`<>\\ \t\r\n");
const AUTHORITY_MAX = 1024;
/** A user name this long is a token (`https://TOKEN:x-oauth-basic@…`). */
const USER_IS_TOKEN = 20;

/**
 * The password of `scheme://user:password@host`, and its user when that is a token. The `:` before the slashes
 * is at `at`. A user without a password (`ssh://git@host`) stays.
 */
export function matchUserinfo(bytes: Uint8Array, at: number, end: number, range: SecretRange): boolean {
  const from = at + 3;
  const limit = Math.min(end, from + AUTHORITY_MAX);
  let colon = -1;
  let atSign = -1;
  for (let p = from; p < limit && AUTHORITY_END[bytes[p]!] === 0; p++) {
    if (bytes[p] === COLON && colon === -1) colon = p;
    if (bytes[p] === AT_SIGN) atSign = p;
  }
  if (colon === -1 || atSign === -1 || colon > atSign) return false;
  const userIsToken = colon - from >= USER_IS_TOKEN;
  range.from = userIsToken ? from : colon + 1;
  range.to = atSign;
  return range.to > range.from;
}

const PASSWORD_MAX = 256;

/** The password of a data source name without a scheme: `user:password@tcp(host:3306)`. The `@` is at `at`. */
export function matchDataSource(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  if (!textAt(bytes, at + 1, end, "tcp(") && !textAt(bytes, at + 1, end, "unix(")) return false;
  const floor = Math.max(start, at - PASSWORD_MAX);
  let from = -1;
  for (let p = at - 1; p >= floor && bytes[p]! > 0x20; p--) {
    if (bytes[p] === COLON) from = p + 1;
  }
  if (from === -1 || from >= at) return false;
  range.from = from;
  range.to = at;
  return true;
}
