import { parseStack, placeText, topFrame } from "../enrich/stack.ts";
import { type Level, levelOfSeverity, logTimeNs, SEVERITY_WARN } from "../model/log.ts";
import type { StoredLog, StoredSpan } from "../store/telemetry-store.ts";
import { type Detail, exceptionText, messageOf } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { lineChars } from "./reply.ts";

/** Something that was said at a span: a log record, an exception, the message of a failed status. */
export interface TraceNote {
  readonly level: Level;
  /** Cleaned and cut as the detail asks. */
  readonly message: string;
  /** ns since the trace's origin. */
  readonly atNs: number;
  /** Of a log record. */
  readonly id?: string;
  /** Times that it was said by the spans of one line, when more than once. */
  readonly count: number;
}

export interface Notes {
  /** By time. */
  readonly shown: readonly TraceNote[];
  readonly hidden: number;
}

interface Spoken {
  readonly span?: StoredSpan;
  readonly logs: readonly StoredLog[];
}

/** A folded line speaks for thousands of spans: so many of them are read for what they said. */
const NODES_READ_MAX = 500;
const NOTES_MAX = { exact: 100, roomy: 10, tight: 2 } as const;
const ROOMY_CHARS = 600;

/** What the spans of one line said: the worst first when not all fits, told by time. Equal notes are counted. */
export function notesOf(spoken: readonly Spoken[], originNs: bigint, detail: Detail): Notes {
  const notes = new Map<string, { -readonly [key in keyof TraceNote]: TraceNote[key] }>();
  const add = (note: Omit<TraceNote, "count">): void => {
    const key = `${note.level} ${note.message}`;
    const known = notes.get(key);
    if (known === undefined) notes.set(key, { ...note, count: 1 });
    else known.count++;
  };
  for (const { span, logs } of spoken.slice(0, NODES_READ_MAX)) {
    if (span !== undefined) for (const note of spanNotes(span, originNs, detail)) add(note);
    for (const log of logs) add(logNote(log, originNs, detail));
  }
  const all = [...notes.values()];
  const tight = detail.compact && detail.charsMax < ROOMY_CHARS;
  const countMax = !detail.compact ? NOTES_MAX.exact : tight ? NOTES_MAX.tight : NOTES_MAX.roomy;
  const shown = all
    .filter((note) => !tight || severity(note.level) >= SEVERITY_WARN)
    .sort((a, b) => severity(b.level) - severity(a.level) || a.atNs - b.atNs)
    .slice(0, countMax)
    .sort((a, b) => a.atNs - b.atNs);
  return { shown, hidden: all.length - shown.length };
}

function severity(level: Level): number {
  return { debug: 1, info: 9, warn: 13, error: 17, critical: 18 }[level];
}

function spanNotes(span: StoredSpan, originNs: bigint, detail: Detail): Omit<TraceNote, "count">[] {
  const notes: Omit<TraceNote, "count">[] = [];
  const say = (level: Level, text: string, timeNs: bigint): void => {
    notes.push({ level, message: clean(text, lineChars(detail)), atNs: Number(timeNs - originNs) });
  };
  for (const event of span.events) {
    const exception = exceptionText(event.attributes);
    if (exception !== "")
      say("error", withFrame(exception, event.attributes["exception.stacktrace"]), event.timeNs);
    else say("info", event.name, event.timeNs);
  }
  const message = span.statusMessage;
  if (message !== "" && !notes.some((note) => note.message.includes(clean(message, lineChars(detail))))) {
    say(
      span.statusCode === "error" ? "error" : "info",
      message,
      span.endNs === 0n ? span.startNs : span.endNs,
    );
  }
  return notes;
}

function logNote(log: StoredLog, originNs: bigint, detail: Detail): Omit<TraceNote, "count"> {
  return {
    level: levelOfSeverity(log.severity),
    message: clean(messageOf(log), lineChars(detail)),
    atNs: Number(logTimeNs(log) - originNs),
    id: log.id,
  };
}

/** `TimeoutError: no answer (at charge /app/pay.js:12)`: the first frame that is not of a library. */
function withFrame(exception: string, stack: unknown): string {
  const frame = typeof stack === "string" ? topFrame(parseStack(stack.slice(0, STACK_CHARS))) : undefined;
  return frame === undefined
    ? exception
    : `${exception} (at ${[frame.function, placeText(frame)].filter(Boolean).join(" ")})`;
}

const STACK_CHARS = 8_000;
