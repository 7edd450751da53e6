import { GasolineError } from "../model/errors.ts";

/** `level=error service=payment` as an object. Throws `bad_parameter` for a word without `=`. */
export function keyValues(words: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const word of words) {
    const split = word.indexOf("=");
    if (split <= 0) {
      throw new GasolineError(
        "bad_parameter",
        `"${word}" is not KEY=VALUE.`,
        "Write filters as level=error or service=payment.",
      );
    }
    values[word.slice(0, split)] = word.slice(split + 1);
  }
  return values;
}
