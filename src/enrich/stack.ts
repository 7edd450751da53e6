import { type Attributes, stringAttribute } from "../model/attributes.ts";

/** One call of a stack, as far as its text tells it. */
export interface StackFrame {
  /** `""` when the stack names none. */
  readonly function: string;
  /** A path or URL as the runtime wrote it; for Java the path that the package implies. Untrusted. */
  readonly file: string;
  /** From 1; 0 when not told. */
  readonly line: number;
  /** From 1; 0 when not told. */
  readonly column: number;
  /** Of a runtime, a framework or an installed package: not the code of whoever asks. */
  readonly isLibrary: boolean;
}

type Named = Readonly<Record<string, string | undefined>>;

/** How one runtime writes a frame. No pattern can backtrack more than once over a line. */
interface Dialect {
  readonly pattern: RegExp;
  /** The function stands in the line before. */
  readonly functionBefore?: RegExp;
  /** The innermost call stands last. */
  readonly outermostFirst?: true;
  readonly fileOf?: (named: Named) => string;
}

/** The first that matches a line reads it; so the narrower stand first. */
const DIALECTS: readonly Dialect[] = [
  // Rust:   "   4: shop::place" / "             at ./src/main.rs:12:5"
  {
    pattern: /^\s+at (?<file>[^:]+\.rs):(?<line>\d{1,9}):(?<column>\d{1,9})$/,
    functionBefore: /^\s*\d+: (?:0x[0-9a-f]+ - )?(?<function>\S.*)$/,
  },
  // Rust:   "thread 'main' panicked at src/main.rs:12:5:"
  { pattern: /^thread '.*panicked at (?<file>[^:']+\.rs):(?<line>\d{1,9}):(?<column>\d{1,9}):?$/ },
  // Java:   "	at com.shop.Orders.place(Orders.java:17) ~[app.jar:1.0]"
  {
    pattern:
      /^\s*at (?<function>[^\s(]+)\((?<file>[^\s():]+\.(?:java|kt|scala|groovy|clj)):(?<line>\d{1,9})\)(?: .*)?$/,
    fileOf: (named) => javaPath(named.function!, named.file!),
  },
  // .NET:   "   at Shop.Orders.Place(Int32 id) in /src/Shop/Orders.cs:line 17"
  { pattern: /^\s*at (?<function>[^(]+)\([^)]*\) in (?<file>.+):line (?<line>\d{1,9})$/ },
  // V8:     "    at eval (eval at run (/app/a.js:3:5), <anonymous>:1:1)"
  {
    pattern:
      /^\s*at (?<function>[^()]+) \(eval at [^()]* \((?<file>[^()]+):(?<line>\d{1,9}):(?<column>\d{1,9})\), .*$/,
  },
  // V8:     "    at async Shop.place (file:///app/shop.js:12:5)"
  {
    pattern:
      /^\s*at (?:async )?(?:(?<function>[^()]+) \()?(?<file>\S.*):(?<line>\d{1,9}):(?<column>\d{1,9})\)?(?: \{)?$/,
  },
  // Python: '  File "/app/shop.py", line 12, in place'
  {
    pattern: /^[\s|+]*File "(?<file>[^"]+)", line (?<line>\d{1,9})(?:, in (?<function>.+))?$/,
    outermostFirst: true,
  },
  // Go:     "main.(*Shop).place(0x1, ...)" / "	/app/shop.go:12 +0x1d"
  {
    pattern: /^\s+(?<file>\S.*\.go):(?<line>\d{1,9})(?: \+0x[0-9a-f]+)?$/,
    functionBefore: /^(?:created by )?(?<function>\S+?)(?:\([^()]*\))?(?: in goroutine \d+)?$/,
  },
  // Ruby:   "	from shop.rb:12:in 'Shop#place'"
  {
    pattern:
      /^\s*(?:from )?(?<file>[^\s:]+\.(?:rb|rake|erb|ru)):(?<line>\d{1,9}):in [`'](?<function>[^'`]*)'(?:: .*)?$/,
  },
  // PHP:    "#0 /app/shop.php(12): Shop->place(1)"; the function named is the one called there
  { pattern: /^#\d+ (?<file>[^(]+\.php)\((?<line>\d{1,9})\): .*$/ },
  // PHP:    "PHP Fatal error:  Uncaught Exception: no stock in /app/shop.php:12"
  { pattern: /^.*Uncaught .* in (?<file>\/[^:]*\.php):(?<line>\d{1,9})$/ },
  // Firefox, Safari: "place@http://localhost:3000/app.js:12:5"
  { pattern: /^(?<function>[^@]*)@(?<file>\S+):(?<line>\d{1,9}):(?<column>\d{1,9})$/ },
];

/** Lines at which another error's frames begin: those of the cause go first, others behind. */
const SECTIONS: readonly { readonly pattern: RegExp; readonly isCause: boolean }[] = [
  { pattern: /^\s*Caused by: /, isCause: true },
  { pattern: /^\s*\[cause\]: /, isCause: true },
  { pattern: /^\s*Suppressed: /, isCause: false },
  { pattern: /^[\s|+]*(?:Exception Group )?Traceback \(most recent call last\):/, isCause: false },
  { pattern: /^goroutine \d+ \[/, isCause: false },
];

const LIBRARY_FILES: readonly RegExp[] = [
  /(?:^|[\\/])node_modules[\\/]/,
  /^(?:node:|internal\/|native |<|chrome-extension:|moz-extension:|wasm:)/,
  /[\\/](?:site|dist)-packages[\\/]|[\\/]lib(?:64)?[\\/]python\d/,
  /[\\/]go[\\/](?:src|pkg[\\/]mod)[\\/]|\/libexec\/src\//,
  /[\\/]rustc[\\/]|[\\/]\.cargo[\\/]registry[\\/]|[\\/]rustlib[\\/]/,
  /[\\/]gems[\\/]|[\\/]lib[\\/]ruby[\\/]|<internal:/,
  /(?:^|[\\/])vendor[\\/]/,
  /\/@(?:vite|react-refresh|id)\/|\/\.vite\/deps\//,
];

const LIBRARY_FUNCTIONS =
  /^(?:[\w.-]+@?[\w.-]*\/+)?(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|clojure|org\.springframework|org\.apache|org\.junit|org\.eclipse\.jetty|io\.netty|reactor|System|Microsoft)\./;

const TEXT_CHARS_MAX = 64 * 1024;
const LINE_CHARS_MAX = 1_000;
const FRAMES_MAX = 256;

/**
 * The frames of a stack's text, the innermost call first, and those of the deepest cause before those of the errors it
 * led to. Reads V8, Firefox and Safari, Python, Java and Kotlin, Go, .NET, Ruby, PHP and Rust; other lines are passed
 * over. Empty when the text holds no frame. At most 256 frames; of a text beyond 64 KiB its beginning and end. Linear.
 */
export function parseStack(text: string): readonly StackFrame[] {
  const frames: StackFrame[] = [];
  let section: StackFrame[] = [];
  let sectionFirst = false;
  const close = (): void => {
    if (sectionFirst) frames.unshift(...section);
    else frames.push(...section);
    section = [];
  };
  let before = "";
  let read = 0;
  for (const line of linesOf(text)) {
    const begins = SECTIONS.find(({ pattern }) => pattern.test(line));
    if (begins !== undefined) {
      close();
      sectionFirst = begins.isCause;
    } else {
      const found = readFrame(line, before);
      if (found?.outermostFirst) section.unshift(found.frame);
      else if (found !== undefined) section.push(found.frame);
      if (found !== undefined) read += 1;
      if (read === FRAMES_MAX) break;
    }
    before = line;
  }
  close();
  return withoutRepeatedHeader(frames);
}

/** The innermost frame that is not of a library, else the innermost; `undefined` when there is none. */
export function topFrame(frames: readonly StackFrame[]): StackFrame | undefined {
  return frames.find(({ isLibrary }) => !isLibrary) ?? frames[0];
}

/**
 * The frame that `code.*` attributes name (semantic conventions 1.45 and what they replaced); `undefined` without a
 * file.
 */
export function frameOfAttributes(attributes: Attributes): StackFrame | undefined {
  const text = (...keys: readonly string[]): string =>
    keys.map((key) => stringAttribute(attributes, key)).find((value) => value !== undefined) ?? "";
  const number = (...keys: readonly string[]): number =>
    keys
      .map((key) => Number(attributes[key] ?? 0))
      .find((value) => Number.isSafeInteger(value) && value > 0) ?? 0;
  const file = text("code.file.path", "code.filepath");
  if (file === "") return undefined;
  const namespace = text("code.namespace");
  const name = text("code.function.name", "code.function");
  return frameOf({
    file,
    function: namespace === "" || name === "" ? name : `${namespace}.${name}`,
    line: number("code.line.number", "code.lineno"),
    column: number("code.column.number", "code.column"),
  });
}

/** Whether a path or URL is that of a runtime, a framework or an installed package. */
export function isLibraryFile(file: string): boolean {
  return LIBRARY_FILES.some((pattern) => pattern.test(file));
}

/** `src/pay.js:42`, or the file alone. */
export function placeText({ file, line }: { readonly file: string; readonly line: number }): string {
  return line > 0 ? `${file}:${line}` : file;
}

function linesOf(text: string): readonly string[] {
  const half = TEXT_CHARS_MAX / 2;
  const kept = text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, half)}\n${text.slice(-half)}`;
  return kept.split("\n").map((line) => line.slice(0, LINE_CHARS_MAX).trimEnd());
}

function readFrame(
  line: string,
  before: string,
): { readonly frame: StackFrame; readonly outermostFirst: boolean } | undefined {
  for (const { pattern, functionBefore, outermostFirst, fileOf } of DIALECTS) {
    const named: Named | undefined = pattern.exec(line)?.groups;
    if (named === undefined) continue;
    const name =
      functionBefore === undefined ? named.function : functionBefore.exec(before)?.groups?.function;
    const frame = frameOf({
      file: fileOf?.(named) ?? named.file!,
      function: name ?? "",
      line: Number(named.line),
      column: Number(named.column ?? 0),
    });
    return { frame, outermostFirst: outermostFirst === true };
  }
  return undefined;
}

function frameOf(told: Omit<StackFrame, "isLibrary">): StackFrame {
  return { ...told, isLibrary: isLibraryFile(told.file) || LIBRARY_FUNCTIONS.test(told.function) };
}

/** `com.shop.Orders$Line.place` in `Orders.java` lies at `com/shop/Orders.java`; a module or loader's name is no package. */
function javaPath(method: string, file: string): string {
  const packages = method
    .slice(method.lastIndexOf("/") + 1)
    .split(".")
    .slice(0, -2);
  return [...packages, file].join("/");
}

/** A header that only repeats the place of a frame with a name (Rust's panic message) is left out. */
function withoutRepeatedHeader(frames: readonly StackFrame[]): readonly StackFrame[] {
  const [header, ...rest] = frames;
  if (header === undefined || header.function !== "") return frames;
  const plain = ({ file, line }: StackFrame): string => `${file.replace(/^\.\//, "")}:${line}`;
  return rest.some((frame) => frame.function !== "" && plain(frame) === plain(header)) ? rest : frames;
}
