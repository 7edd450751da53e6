/** A piece of a source around one line. */
export interface CodeContext {
  /** Number of the first of `lines`, from 1. */
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** The function, method or class that the line stands in, as far as indentation tells. */
  readonly block?: CodeBlock;
}

export interface CodeBlock {
  /** The line that opens it, trimmed. */
  readonly head: string;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** Lines that open a block worth naming, in the languages whose stacks are read. */
const HEADS: readonly RegExp[] = [
  // JavaScript and TypeScript
  /^(?:export |default |async |declare )*(?:function\b|class\b)/,
  /^(?:export )?(?:const|let|var) [\w$]+\b.*(?:=>|function\b)/,
  /^(?:[\w$.]+\.)?(?:get|post|put|patch|delete|use|all|on|route|handle)\(.*(?:=>|function\b)/,
  /^(?:(?:public|private|protected|static|readonly|override|async|get|set)[ \t]+)*[#\w$]+\([^;]*\{$/,
  /^["'\w$]+: (?:async )?(?:function\b|\(.*=>|\w+ =>)/,
  // Python, Ruby
  /^(?:async )?def\b|^class\b|^module\b/,
  // Go, Rust, Kotlin, Scala, PHP
  /^(?:pub(?:\([^)]*\))? |async |unsafe |override |suspend |private |public |protected |static |final )*(?:func|fn|fun|def|function|impl|object)\b/,
  // Java, C#
  /^(?:(?:public|private|protected|internal|static|final|abstract|synchronized|async|override|virtual|sealed) )+[^=;]*\(/,
];
/** What looks like a call or method, and is not. */
const NO_HEAD = /^(?:if|for|while|switch|catch|return|else|do|try|with|await|throw)\b/;

const LINES_UP_MAX = 400;
const LINES_DOWN_MAX = 800;
const LINE_CHARS_MAX = 400;

/**
 * `around` lines before and behind `line` (from 1), with the function around it. `undefined` when the source has no such
 * line: then it is not the source that ran. Lines are cut at 400 characters. Linear in the lines looked at.
 */
export function contextAt(text: string, line: number, around: number): CodeContext | undefined {
  const all = text.split(/\r?\n/);
  if (line < 1 || line > all.length) return undefined;
  const first = Math.max(1, line - around);
  const block = blockAround(all, line);
  return {
    firstLine: first,
    lines: all.slice(first - 1, line + around).map((each) => each.slice(0, LINE_CHARS_MAX)),
    ...(block === undefined ? {} : { block }),
  };
}

/** The nearest less indented line above that opens a function or class, down to where the indentation ends. */
function blockAround(all: readonly string[], line: number): CodeBlock | undefined {
  const start = all[line - 1]!;
  const own = start.trim();
  let depth = isHead(own)
    ? indentation(start) + 1
    : own === ""
      ? Number.POSITIVE_INFINITY
      : indentation(start);
  for (let at = line - 1; at >= Math.max(0, line - 1 - LINES_UP_MAX); at--) {
    const text = all[at]!;
    const plain = text.trim();
    if (plain === "" || indentation(text) >= depth) continue;
    depth = indentation(text);
    if (isHead(plain)) {
      return { head: plain.slice(0, LINE_CHARS_MAX), firstLine: at + 1, lastLine: endOf(all, at) };
    }
  }
  return undefined;
}

function isHead(plain: string): boolean {
  return !NO_HEAD.test(plain) && HEADS.some((pattern) => pattern.test(plain));
}

/** The last line of a block that begins at index `head`: before the next line as little indented, closing brackets included. */
function endOf(all: readonly string[], head: number): number {
  const depth = indentation(all[head]!);
  let last = head;
  for (let at = head + 1; at < Math.min(all.length, head + LINES_DOWN_MAX); at++) {
    const text = all[at]!;
    const plain = text.trim();
    if (plain === "") continue;
    if (indentation(text) <= depth) {
      if (/^(?:\)\s*[:{]|\): )/.test(plain)) continue;
      return /^[)}\]]|^end\b/.test(plain) ? at + 1 : last + 1;
    }
    last = at;
  }
  return last + 1;
}

function indentation(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (character === " ") columns += 1;
    else if (character === "\t") columns += 4;
    else break;
  }
  return columns;
}
