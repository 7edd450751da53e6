import {
  buildReversedTrie,
  endsWord,
  type ReversedTrie,
  type TrieWord,
  verdictBefore,
} from "./reversed-trie.ts";

/** What a key's ending says of its value. `denied` endings only look like a secret's name. */
export const KEY_PLAIN = 0;
export const KEY_SECRET = 1;
/** A header whose value runs to the end of its line (`Cookie: a=b; c=d`). */
export const KEY_HEADER = 2;
const KEY_DENIED = 3;

/**
 * Endings of keys whose values are masked, in lower case without separators. The words of a compound key are
 * in its ending already (`client_secret`, `x-auth-token`, `sessionToken`). Forgery tokens (`x-csrf-token`) are
 * masked: they are credentials, and their value tells a reader nothing.
 */
const SECRET_ENDINGS: readonly string[] = [
  "password",
  "passwords",
  "passwordhash",
  "passwordconfirm",
  "passwordconfirmation",
  "passwd",
  "passphrase",
  "passcode",
  "dbpass",
  "userpass",
  "requirepass",
  "secret",
  "secrets",
  "token",
  "apikey",
  "apikeys",
  "accesskey",
  "accountkey",
  "authkey",
  "encryptionkey",
  "masterkey",
  "privatekey",
  "secretkey",
  "sessionkey",
  "sharedkey",
  "signingkey",
  "subscriptionkey",
  "credential",
  "credentials",
  "clientassertion",
  "samlresponse",
  "jsessionid",
  "phpsessid",
  "connectsid",
  // SQL: `IDENTIFIED BY 'x'`
  "identifiedby",
];

/** Endings too short to be looked for inside another word. */
const SECRET_WORDS: readonly string[] = ["pwd", "jwt", "cvv", "cvc"];

const HEADER_ENDINGS: readonly string[] = ["authorization", "cookie", "cookies"];

/**
 * Endings that hold a secret's name and are none: program and parser tokens, page marks, counts per token, and
 * flags that say whether there is a secret.
 */
const DENIED_ENDINGS: readonly string[] = [
  "cancellationtoken",
  "completiontoken",
  "continuationtoken",
  "firsttoken",
  "inputtoken",
  "maxtoken",
  "nexttoken",
  "outputtoken",
  "pagetoken",
  "pertoken",
  "prompttoken",
  "unexpectedtoken",
  "hascookie",
  "hascredentials",
  "haspassword",
  "hassecret",
  "hastoken",
  "issecret",
];

function word(text: string, verdict: number): TrieWord {
  return { word: text, verdict };
}

const KEYS: ReversedTrie = buildReversedTrie(
  [
    ...SECRET_ENDINGS.map((text) => word(text, KEY_SECRET)),
    ...SECRET_WORDS.map((text) => ({ word: text, verdict: KEY_SECRET, wholeWord: true })),
    ...HEADER_ENDINGS.map((text) => word(text, KEY_HEADER)),
    ...DENIED_ENDINGS.map((text) => word(text, KEY_DENIED)),
  ],
  // Digits and brackets, so that `header.authorization[0]` and `user[password]` end in their name.
  { foldCase: true, separators: "-_. []()\"'`\\0123456789" },
);

/**
 * What the ending of a key says of its value: `KEY_PLAIN`, `KEY_SECRET` or `KEY_HEADER`. The key is
 * `bytes[start, end)`; letters match in either case, separators and indexes do not count.
 */
export function keyVerdict(bytes: Uint8Array, start: number, end: number): number {
  const verdict = verdictBefore(KEYS, bytes, start, end);
  return verdict === KEY_DENIED ? KEY_PLAIN : verdict;
}

/** Whether a secret's key can end with this byte: a quick look before `keyVerdict`. */
export function mayEndKey(byte: number): boolean {
  return endsWord(KEYS, byte);
}
