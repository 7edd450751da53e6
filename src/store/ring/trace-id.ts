/** The four big-endian words of a trace id of 32 lower-case hex digits, or undefined when it is not one. */
export function traceWords(id: string): readonly [number, number, number, number] | undefined {
  if (!/^[0-9a-f]{32}$/i.test(id)) return undefined;
  const word = (i: number): number => Number.parseInt(id.slice(8 * i, 8 * i + 8), 16);
  return [word(0), word(1), word(2), word(3)];
}

/** The two words of a span id of 16 hex digits, or undefined when it is not one. */
export function spanWords(id: string): readonly [number, number] | undefined {
  if (!/^[0-9a-f]{16}$/i.test(id)) return undefined;
  return [Number.parseInt(id.slice(0, 8), 16), Number.parseInt(id.slice(8), 16)];
}

/** Lower-case hex of `count` words from `at`. */
export function hexOfWords(words: Uint32Array, at: number, count: number): string {
  let hex = "";
  for (let i = at; i < at + count; i++) hex += words[i]!.toString(16).padStart(8, "0");
  return hex;
}
