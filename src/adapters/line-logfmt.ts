const PAIR = /([A-Za-z_@][\w.@/-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))(?:\s+|$)/y;

/**
 * The pairs of a logfmt line (`level=info msg="two words" n=7`), or `undefined` when any part of it is not a pair, or
 * there are fewer than two. Numbers and booleans are told apart only where they stand without quotes.
 */
export function parseLogfmt(line: string): { [key: string]: unknown } | undefined {
  const firstEquals = line.indexOf("=");
  if (firstEquals <= 0 || line.indexOf(" ") < firstEquals === line.includes(" ")) return undefined;
  const fields: { [key: string]: unknown } = {};
  let count = 0;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < line.length) {
    const match = PAIR.exec(line);
    if (match === null) {
      PAIR.lastIndex = 0;
      return undefined;
    }
    const [, key, quoted, bare] = match;
    fields[key!] = quoted === undefined ? scalar(bare!) : unquote(quoted);
    count++;
  }
  return count >= 2 ? fields : undefined;
}

function scalar(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  // Longer digits are ids, and would lose precision.
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : text;
}

function unquote(text: string): string {
  return text.includes("\\")
    ? text.replace(/\\(.)/g, (_, char: string) => ({ n: "\n", t: "\t", r: "\r" })[char] ?? char)
    : text;
}
