import { severityOfWord } from "./line-severity.ts";
import { leadingTime } from "./line-time.ts";
import { traceIdsIn } from "./line-trace-ids.ts";
import type { LogToSend } from "./otlp-client.ts";

/** How far into a line a level is looked for: past it, a word in capitals is part of the message. */
const HEAD_CHARACTERS = 100;

const CAPITALS =
  /(?<![\w/.-])(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|CRIT|ALERT|FATAL|EMERG|PANIC|LOG|VERBOSE|TRC|DBG|INF|WRN|ERR|FTL)(?![\w/-]|\.\w)/;
const LABEL =
  /^[[(<]?(trace|debug|verbose|silly|http|info|notice|warn|warning|error|err|crit|critical|alert|fatal|panic|fail|dbug)(?:[\])>]|\[E\d+\]|:(?=\s|\S*:)| {2,})/i;
const TAG = /[[(<](trace|debug|info|notice|warn|warning|error|crit|critical|alert|fatal|emerg)[\])>:]/i;
const NPM = /^npm (?:(ERR)!|(error|warn|notice|info|verb)\b)/i;
const KLOG = /^([IWEF])\d{4} \d\d:/;
const LEVEL_FIELD = /\b(?:level|severity|lvl)["']?[=:]\s?["']?(\w+)/i;
/** What a program prints when it dies, or a tool when it fails. */
const ERROR_TEXT =
  /^(?:Uncaught |Unhandled |Exception in thread )|^[\w.$]*(?:Error|Exception)(?: \[[^\]]*\])?(?::|$)|^Traceback \(most recent/;
const PANIC_TEXT = /^panic: |^fatal error: |^thread '.*panicked at /;
const SEPARATORS = /^[\s|:\]-]+/;

/**
 * What a line of plain text says: its time and level where they stand in front, trace ids wherever they stand. The
 * body is the line without that time and level; the rest, thread and logger included, stays as it was written.
 */
export function recordOfText(line: string, nowMs: number): LogToSend {
  const time = leadingTime(line, nowMs);
  const rest = time === undefined ? line : line.slice(time.length).replace(SEPARATORS, "");
  const level = levelIn(rest, line);
  const body = level.atStart > 0 ? rest.slice(level.atStart).replace(SEPARATORS, "") : rest;
  return {
    time: time?.time,
    severity: level.severity,
    severityText: level.text,
    body: body === "" ? line : body,
    attributes: {},
    ...traceIdsIn(line),
  };
}

interface FoundLevel {
  readonly severity: number;
  readonly text: string;
  /** Characters at the start of the text that are only the level; 0 when it stands elsewhere. */
  readonly atStart: number;
}

function levelIn(rest: string, line: string): FoundLevel {
  const head = rest.length > HEAD_CHARACTERS ? rest.slice(0, HEAD_CHARACTERS) : rest;
  const label = LABEL.exec(head);
  if (label !== null) {
    // `Error: no cart` reads as one; `error: no cart` is a level and a message.
    return found(label[1]!, /^[A-Z][a-z]/.test(label[0]) ? 0 : label[0].length);
  }
  const capitals = CAPITALS.exec(head);
  if (capitals !== null) {
    // `INFO msg` and `[main] ERROR msg`: only the first can go without loss.
    return found(capitals[1]!, capitals.index === 0 ? capitals[0].length : 0);
  }
  const tag = TAG.exec(head) ?? LEVEL_FIELD.exec(head);
  if (tag !== null && severityOfWord(tag[1]!) > 0) return found(tag[1]!, 0);
  const klog = KLOG.exec(line);
  if (klog !== null) return found(klog[1]!, 0);
  const npm = NPM.exec(head);
  if (npm !== null) return found(npm[1] ?? npm[2]!, 0);
  if (PANIC_TEXT.test(head)) return { severity: 21, text: "", atStart: 0 };
  return { severity: ERROR_TEXT.test(head) ? 17 : 0, text: "", atStart: 0 };
}

function found(word: string, atStart: number): FoundLevel {
  return { severity: severityOfWord(word), text: word, atStart };
}
