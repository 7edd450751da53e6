/**
 * A set of words that is matched from a word's end towards its start, so that "does this text end in one of
 * these words" costs a step or two for text that does not.
 *
 * ```
 *  words: token, secret        text:  … a c c e s s _ t o k e n
 *                                                     ◄─────── walk, longest word wins
 * ```
 * `next[node * width + class]` is the following node, 0 when there is none; node 1 is the root.
 */
export interface ReversedTrie {
  /** Column of each byte in `next`: 0 stands for bytes in no word, `SEPARATOR` for bytes that are passed over. */
  readonly classOf: Uint8Array;
  readonly width: number;
  readonly next: Uint16Array;
  /** Verdict of the word that ends the walk at a node, 0 when none does. */
  readonly verdict: Uint8Array;
  /** Verdict that holds only when the word starts where a word can start (`wordStartsAt`). */
  readonly verdictAtStart: Uint8Array;
}

/** A word and what finding it means (1 … 255). `wholeWord` refuses it as the tail of a longer word. */
export interface TrieWord {
  readonly word: string;
  readonly verdict: number;
  readonly wholeWord?: boolean;
}

const SEPARATOR = 255;
const ROOT = 1;
/** Separators passed over in one walk; keeps a text of nothing but quotes linear. */
const SEPARATORS_MAX = 24;

/**
 * Builds the trie. Words are ASCII. With `foldCase`, letters match in either case; bytes of `separators` are
 * passed over wherever they stand, so `api_key`, `api-key` and `api.key` all end in `apikey`.
 */
export function buildReversedTrie(
  words: readonly TrieWord[],
  options: { readonly foldCase: boolean; readonly separators: string },
): ReversedTrie {
  const classOf = new Uint8Array(256);
  let classes = 0;
  for (const { word } of words) {
    for (const char of word) {
      const code = char.charCodeAt(0);
      if (classOf[code] !== 0) continue;
      classes++;
      classOf[code] = classes;
      if (options.foldCase) classOf[char.toUpperCase().charCodeAt(0)] = classes;
    }
  }
  for (const char of options.separators) classOf[char.charCodeAt(0)] = SEPARATOR;

  const nodesMax = 2 + words.reduce((sum, { word }) => sum + word.length, 0);
  const width = classes + 1;
  const trie: ReversedTrie = {
    classOf,
    width,
    next: new Uint16Array(nodesMax * width),
    verdict: new Uint8Array(nodesMax),
    verdictAtStart: new Uint8Array(nodesMax),
  };
  let nodes = ROOT;
  for (const { word, verdict, wholeWord } of words) {
    let node = ROOT;
    for (let i = word.length - 1; i >= 0; i--) {
      const edge = node * width + classOf[word.charCodeAt(i)]!;
      if (trie.next[edge] === 0) {
        nodes++;
        trie.next[edge] = nodes;
      }
      node = trie.next[edge]!;
    }
    (wholeWord === true ? trie.verdictAtStart : trie.verdict)[node] = verdict;
  }
  return trie;
}

/** Verdict of the longest word that `bytes[start, end)` ends in, 0 when it ends in none. */
export function verdictBefore(trie: ReversedTrie, bytes: Uint8Array, start: number, end: number): number {
  const { classOf, width, next, verdict, verdictAtStart } = trie;
  let node = ROOT;
  let found = 0;
  let separators = 0;
  for (let i = end - 1; i >= start; i--) {
    const column = classOf[bytes[i]!]!;
    if (column === SEPARATOR) {
      separators++;
      if (separators > SEPARATORS_MAX) return found;
      continue;
    }
    node = next[node * width + column]!;
    if (node === 0) return found;
    if (verdict[node] !== 0) found = verdict[node]!;
    else if (verdictAtStart[node] !== 0 && wordStartsAt(bytes, i, start)) found = verdictAtStart[node]!;
  }
  return found;
}

/** Whether a walk that begins at `byte` goes on: the last byte of a word, or a separator. */
export function endsWord(trie: ReversedTrie, byte: number): boolean {
  const column = trie.classOf[byte]!;
  return column === SEPARATOR || trie.next[ROOT * trie.width + column] !== 0;
}

/** Whether a word can start at `i`: after no letter, or as a capital after a small letter (`dbPwd`). */
function wordStartsAt(bytes: Uint8Array, i: number, start: number): boolean {
  if (i === start) return true;
  const before = bytes[i - 1]!;
  const folded = before | 0x20;
  if (folded < 0x61 || folded > 0x7a) return true;
  return before === folded && (bytes[i]! & 0x20) === 0;
}
