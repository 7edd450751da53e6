import type { HrTime } from "@opentelemetry/api";
import type { TraceIds } from "./line-trace-ids.ts";
import type { SendableAttributes } from "./otlp-client.ts";

/** Lines that belong together, first to last. */
export interface LineBlock {
  readonly lines: string[];
  /** Of the first line. */
  readonly carrier: LineCarrier | undefined;
  /** True when the lines after the first are a stack. */
  stack: boolean;
}

/** What brought a line (a container's log, a syslog message) and says of it; what the line itself says goes first. */
export interface LineCarrier {
  readonly time?: HrTime | undefined;
  readonly severity?: number;
  readonly ids?: TraceIds;
  readonly attributes?: SendableAttributes;
}

/** Joins the lines of a stack to the line that they explain. */
export interface LineJoiner {
  /** A new line; gives out the block before it when that is complete. */
  push(line: string, carrier?: LineCarrier): void;
  /** Gives out what waits. */
  flush(): void;
  /** What waits: nothing, a line that nothing follows, one that a stack may follow, or a stack that may go on. */
  waiting(): "nothing" | "whole" | "line" | "stack";
}

/** A stack longer than this goes on in a block of its own. */
const LINES_MAX = 500;
const CHARACTERS_MAX = 256 * 1024;
const PRELUDE_MAX = 12;

type Mode =
  /** Any line: frames may follow. */
  | "line"
  /** After a frame (JavaScript, Java, .NET, Ruby, PHP). */
  | "frames"
  /** Inside the object that Node prints after a stack (`{ code: … }`). */
  | "braces"
  /** Node's `file:line`, source line and caret, up to the stack. */
  | "node"
  /** Inside a Python traceback, up to the line that names the error. */
  | "python"
  /** After it: "During handling of the above …" and a second traceback may follow. */
  | "python-end"
  | "go"
  /** zap's console format: a function and its place, in turns, without indentation for the function. */
  | "zap"
  | "rust";

const FRAME =
  /^\s+at |^\s*(?:Caused by|Suppressed): |^\s+\.\.\. \d+ (?:more|common frames)|^\s+from \S+:\d+|^#\d+ |^Stack trace:$|^ {2}thrown in |^\s+--- End of /;
const TRACEBACK =
  /^(?:Traceback|Exception Group Traceback) \(most recent call last\):|^\s*\+ Exception Group Traceback/;
const PYTHON_LINK = /^(?:During handling of|The above exception was)/;
const NODE_PLACE = /^(?:file:\/\/\/|node:|\/|[A-Z]:\\|\[eval\])[^\s]*:\d+$/;
const GO_PANIC = /^(?:panic: |fatal error: )/;
const GO_DUMP = /^\s|^$|^goroutine \d+|^created by |^\[signal |^exit status |^[\w./*()-]+\(.*\)$|^main\./;
const GO_FUNCTION = /^[\w./*()-]+\.[\w.*()-]+$/;
const RUST_PANIC = /^thread '.*' (?:\(\d+\) )?panicked at /;
const ERROR_HEADER = /^(?:[\w$]+\.)*[\w$]*(?:Error|Exception|Throwable)(?::|$)/;
/** A line of a log that announces an error which it then prints. */
const ANNOUNCES = /\b(?:ERROR|WARN|WARNING|SEVERE|CRITICAL|FATAL)\b/;
const ERROR_WORD = /error|exception|fail|critical|fatal|panic/i;

export function createLineJoiner(onBlock: (block: LineBlock) => void): LineJoiner {
  let block: LineBlock | undefined;
  let mode: Mode = "line";
  let characters = 0;
  /** Blank lines inside a stack, kept only when it goes on. */
  let blanks = 0;

  function flush(): void {
    const done = block;
    block = undefined;
    blanks = 0;
    if (done !== undefined) onBlock(done);
  }

  function start(line: string, carrier: LineCarrier | undefined): void {
    flush();
    block = { lines: [line], carrier, stack: false };
    characters = line.length;
    mode = startMode(line);
  }

  function join(line: string, next: Mode): void {
    for (; blanks > 0; blanks--) block!.lines.push("");
    block!.lines.push(line);
    characters += line.length;
    block!.stack = true;
    mode = next;
  }

  return {
    push: (line, carrier) => {
      if (line.trim() === "") {
        // A blank line is no record; inside some stacks it is part of them.
        if (block !== undefined && mode !== "line") blanks++;
        return;
      }
      if (block === undefined || block.lines.length >= LINES_MAX || characters >= CHARACTERS_MAX)
        return start(line, carrier);
      const next = nextMode(mode, line, block);
      if (next === undefined) start(line, carrier);
      else join(line, next);
    },
    flush,
    waiting: () => {
      if (block === undefined) return "nothing";
      if (block.stack || mode !== "line") return "stack";
      return block.lines[0]!.startsWith("{") ? "whole" : "line";
    },
  };
}

function startMode(line: string): Mode {
  if (TRACEBACK.test(line)) return "python";
  if (NODE_PLACE.test(line)) return "node";
  if (GO_PANIC.test(line)) return "go";
  return RUST_PANIC.test(line) ? "rust" : "line";
}

/** The mode after `line` when it belongs to the block, `undefined` when it starts its own. */
function nextMode(mode: Mode, line: string, block: LineBlock): Mode | undefined {
  switch (mode) {
    case "line":
    case "frames":
      if (FRAME.test(line)) return line.endsWith("{") ? "braces" : "frames";
      if (mode === "line" && GO_FUNCTION.test(line) && block.lines[0]!.includes("\t")) return "zap";
      if (mode === "line" && ERROR_HEADER.test(line) && ANNOUNCES.test(block.lines[0]!)) return "frames";
      if (mode === "line" && TRACEBACK.test(line) && ERROR_WORD.test(block.lines[0]!)) return "python";
      return mode === "frames" && /^Node\.js v\d/.test(line) ? "frames" : undefined;
    case "braces":
      return line.startsWith("}") ? "frames" : "braces";
    case "node":
      if (FRAME.test(line)) return line.endsWith("{") ? "braces" : "frames";
      return block.lines.length < PRELUDE_MAX ? "node" : undefined;
    case "python":
      if (/^[\s+|]/.test(line)) return "python";
      return TRACEBACK.test(line) ? "python" : "python-end";
    case "python-end":
      return PYTHON_LINK.test(line) ? "python" : undefined;
    case "go":
      return GO_DUMP.test(line) ? "go" : undefined;
    case "zap":
      return line.startsWith("\t") || GO_FUNCTION.test(line) ? "zap" : undefined;
    case "rust":
      if (block.lines.length === 1 || /^\s|^note: |^stack backtrace:/.test(line)) return "rust";
      return undefined;
  }
}
