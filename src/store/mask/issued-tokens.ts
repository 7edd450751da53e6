import {
  ALNUM,
  BASE64,
  type ByteSet,
  DIGIT,
  DOTTED_TOKEN,
  foldedTextAt,
  indexOfText,
  PATH,
  runEnd,
  TOKEN,
  TOKEN68,
  tokenStartsAt,
  UPPER_ALNUM,
} from "./byte-classes.ts";
import type { SecretRange } from "./range.ts";
import { buildReversedTrie, verdictBefore } from "./reversed-trie.ts";

/**
 * A token that its issuer marks with a prefix: the prefix, then at least `min` bytes of `chars`. A prefix may end
 * before or after the issuer's own: its last two bytes are looked for in all text, so rare pairs cost less.
 */
interface IssuedToken {
  readonly prefix: string;
  readonly chars: ByteSet;
  readonly min: number;
  /** At most this many bytes; a longer run is something else. */
  readonly max?: number;
  /** A run without a digit is a word, not a token (`sk-` also begins names in style sheets). */
  readonly digit?: true;
}

const ISSUED_TOKENS: readonly IssuedToken[] = [
  // AWS access key ids: long-lived and of a session
  { prefix: "AKIA", chars: UPPER_ALNUM, min: 16, max: 16 },
  { prefix: "ASIA", chars: UPPER_ALNUM, min: 16, max: 16 },
  // GitHub, GitLab
  { prefix: "ghp_", chars: ALNUM, min: 20 },
  { prefix: "gho_", chars: ALNUM, min: 20 },
  { prefix: "ghu_", chars: ALNUM, min: 20 },
  { prefix: "ghs_", chars: DOTTED_TOKEN, min: 20 },
  { prefix: "ghr_", chars: ALNUM, min: 20 },
  { prefix: "github_pat_", chars: TOKEN, min: 20 },
  { prefix: "glpat-", chars: DOTTED_TOKEN, min: 16 },
  { prefix: "gldt-", chars: TOKEN, min: 16 },
  { prefix: "glrt-", chars: DOTTED_TOKEN, min: 16 },
  { prefix: "glcbt-", chars: TOKEN, min: 16 },
  { prefix: "glptt-", chars: TOKEN, min: 16 },
  { prefix: "gloas-", chars: TOKEN, min: 16 },
  // Slack, Discord
  { prefix: "xoxa-", chars: TOKEN, min: 10 },
  { prefix: "xoxb-", chars: TOKEN, min: 10 },
  { prefix: "xoxe-", chars: TOKEN, min: 10 },
  { prefix: "xoxe.", chars: DOTTED_TOKEN, min: 10 },
  { prefix: "xoxo-", chars: TOKEN, min: 10 },
  { prefix: "xoxp-", chars: TOKEN, min: 10 },
  { prefix: "xoxr-", chars: TOKEN, min: 10 },
  { prefix: "xoxs-", chars: TOKEN, min: 10 },
  { prefix: "xapp-", chars: TOKEN, min: 10, digit: true },
  { prefix: "hooks.slack.com/services/T", chars: PATH, min: 20 },
  { prefix: "discord.com/api/w", chars: PATH, min: 30 },
  // Stripe
  { prefix: "sk_live_", chars: ALNUM, min: 10 },
  { prefix: "sk_test_", chars: ALNUM, min: 10 },
  { prefix: "rk_live_", chars: ALNUM, min: 10 },
  { prefix: "rk_test_", chars: ALNUM, min: 10 },
  { prefix: "whsec_", chars: BASE64, min: 16 },
  // Google: API key, OAuth access token, client secret, refresh token
  { prefix: "AIz", chars: TOKEN, min: 30 },
  { prefix: "ya29.", chars: TOKEN, min: 20 },
  { prefix: "GOCSPX-", chars: TOKEN, min: 20 },
  { prefix: "1//0", chars: TOKEN, min: 20 },
  // OpenAI, Anthropic and those who follow them
  { prefix: "sk-", chars: TOKEN, min: 20, digit: true },
  { prefix: "hf_", chars: ALNUM, min: 30 },
  { prefix: "gsk_", chars: ALNUM, min: 30 },
  { prefix: "xai-", chars: ALNUM, min: 30 },
  // package registries
  { prefix: "npm_", chars: ALNUM, min: 30 },
  { prefix: "pypi-", chars: TOKEN, min: 30 },
  { prefix: "dckr_pat_", chars: TOKEN, min: 20 },
  // others
  { prefix: "SG.", chars: DOTTED_TOKEN, min: 40 },
  { prefix: "dop_v1_", chars: ALNUM, min: 40 },
  { prefix: "shpat_", chars: ALNUM, min: 30 },
  { prefix: "shpss_", chars: ALNUM, min: 30 },
  { prefix: "hvs.", chars: TOKEN, min: 20 },
  { prefix: "lin_api_", chars: ALNUM, min: 30 },
  { prefix: "AGE-SECRET-KEY-", chars: UPPER_ALNUM, min: 40 },
];

const PREFIXES = buildReversedTrie(
  ISSUED_TOKENS.map(({ prefix }, i) => ({ word: prefix, verdict: i + 1 })),
  { foldCase: false, separators: "" },
);

/** The last two bytes of each prefix: where a scan must ask `matchIssuedToken`. */
export const ISSUED_TOKEN_ENDINGS: readonly string[] = [
  ...new Set(ISSUED_TOKENS.map(({ prefix }) => prefix.slice(-2))),
];

/** A token whose prefix ends with the byte at `at`. */
export function matchIssuedToken(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  const verdict = verdictBefore(PREFIXES, bytes, start, at + 1);
  if (verdict === 0) return false;
  const { prefix, chars, min, max, digit } = ISSUED_TOKENS[verdict - 1]!;
  const from = at + 1 - prefix.length;
  if (!tokenStartsAt(bytes, from, start)) return false;
  if (runEnd(chars, bytes, at + 1, Math.min(end, at + 1 + min)) < at + 1 + min) return false;
  if (digit === true && !hasDigit(bytes, at + 1, Math.min(end, at + DIGIT_WITHIN))) return false;
  const to = runEnd(chars, bytes, at + 1, end);
  if (max !== undefined && to - (at + 1) > max) return false;
  range.from = from;
  range.to = to;
  return true;
}

/** Bytes of a token among which a digit must be; bounds the work on a text of nothing but prefixes. */
const DIGIT_WITHIN = 64;
const JWT_PART_MIN = 8;
/** Header bytes of a JWT that are read; bounds the work on a text of nothing but `eyJ`. */
const JWT_HEADER_MAX = 1024;

/**
 * A JSON Web Token whose `eyJ` (base64 of `{"`) ends at `at`: RFC 7515's three or RFC 7516's five parts, or the
 * first two when the text is cut off there. base64 of JSON without a dot is no token.
 */
export function matchJsonWebToken(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  const from = at - 2;
  if (from < start || bytes[from] !== 0x65 || bytes[from + 1] !== 0x79) return false;
  if (!tokenStartsAt(bytes, from, start)) return false;
  const firstEnd = runEnd(TOKEN, bytes, from, Math.min(end, from + JWT_HEADER_MAX));
  if (firstEnd - from < JWT_PART_MIN || bytes[firstEnd] !== 0x2e || firstEnd + 1 >= end) return false;
  const to = runEnd(DOTTED_TOKEN, bytes, firstEnd + 1, end);
  const nested = bytes[firstEnd + 1] === 0x65 && bytes[firstEnd + 2] === 0x79;
  const dots = countByte(bytes, firstEnd, to, 0x2e);
  if (to - firstEnd <= JWT_PART_MIN || (!nested && dots < 2)) return false;
  range.from = from;
  range.to = to;
  return true;
}

const CREDENTIALS_MIN = 8;
const CREDENTIALS_LONG = 24;

/** Credentials after `Bearer ` or `Basic ` (RFC 6750, RFC 7617), whose space is at `at`. */
export function matchCredentials(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  range: SecretRange,
): boolean {
  const bearer = at - 6 >= start && foldedTextAt(bytes, at - 6, end, "bearer");
  const basic = !bearer && at - 5 >= start && foldedTextAt(bytes, at - 5, end, "basic");
  if (!bearer && !basic) return false;
  if (!tokenStartsAt(bytes, at - (bearer ? 6 : 5), start)) return false;
  const to = runEnd(TOKEN68, bytes, at + 1, end);
  if (to - at - 1 < CREDENTIALS_MIN || !looksIssued(bytes, at + 1, to)) return false;
  // A challenge (`Bearer realm_uri="…"`) names parameters, and holds no credentials.
  if (bytes[to - 1] === 0x3d && to < end && bytes[to] === 0x22) return false;
  range.from = at + 1;
  range.to = to;
  return true;
}

/** Whether text is made by a machine rather than a word of a sentence: long, or not of letters in one case. */
function looksIssued(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from >= CREDENTIALS_LONG) return true;
  for (let p = from; p < to; p++) {
    const byte = bytes[p]!;
    const lower = byte >= 0x61 && byte <= 0x7a;
    const leadingCapital = p === from && byte >= 0x41 && byte <= 0x5a;
    const fullStop = p === to - 1 && byte === 0x2e;
    if (!lower && !leadingCapital && !fullStop) return true;
  }
  return false;
}

const PEM_LABEL_MAX = 64;

/**
 * The body of a PEM private key (RFC 7468) whose opening dashes end at `at`; to the end of the text when the
 * closing line is cut off.
 */
export function matchPrivateKey(bytes: Uint8Array, at: number, end: number, range: SecretRange): boolean {
  const labelAt = at + 1;
  if (!foldedTextAt(bytes, labelAt, end, "begin ")) return false;
  const labelEnd = indexOfText(bytes, labelAt, Math.min(end, labelAt + PEM_LABEL_MAX), "-----");
  if (labelEnd === -1 || indexOfText(bytes, labelAt, labelEnd, "PRIVATE KEY") === -1) return false;
  const close = indexOfText(bytes, labelEnd + 5, end, "-----END");
  range.from = labelEnd + 5;
  range.to = close === -1 ? end : close;
  return true;
}

function hasDigit(bytes: Uint8Array, from: number, to: number): boolean {
  for (let p = from; p < to; p++) {
    if (DIGIT[bytes[p]!] === 1) return true;
  }
  return false;
}

function countByte(bytes: Uint8Array, from: number, to: number, byte: number): number {
  let count = 0;
  for (let p = from; p < to; p++) {
    if (bytes[p] === byte) count++;
  }
  return count;
}
