import type { HrTime } from "@opentelemetry/api";
import { severityOfNumber } from "./line-severity.ts";
import { leadingTime } from "./line-time.ts";
import { NO_IDS, spanIdOf, type TraceIds, traceIdOf } from "./line-trace-ids.ts";

/** Parameters of structured data by the id of their element. */
export type StructuredData = { readonly [id: string]: { readonly [name: string]: string } };

/** What one syslog message says. Texts are `""` where it says nothing. */
export interface SyslogMessage {
  /** As in RFC 5424, table 1, e.g. `local0`. */
  readonly facility: string;
  /** OTLP severity number; 0 without a priority. */
  readonly severity: number;
  readonly time: HrTime | undefined;
  readonly host: string;
  readonly app: string;
  readonly processId: string;
  readonly messageId: string;
  readonly structured: StructuredData;
  /** Of the element `opentelemetry`. */
  readonly ids: TraceIds;
  readonly message: string;
  /** What is wrong with it; `""` for a message as the standards have it. */
  readonly malformed: string;
}

const FACILITIES: readonly string[] = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"],
  ...["ntp", "audit", "alert", "clock"],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
];

const PRIORITY = /^<(\d{1,3})>/;
const PRIORITY_MAX = 191;
const BOM = "\ufeff";
/** Longest of the fields of a header, in the characters that RFC 5424 grants the longest of them. */
const FIELD_CHARACTERS_MAX = 255;

/**
 * Reads a message of RFC 5424 or RFC 3164, and of the forms in between that senders use (an ISO time in a 3164 header,
 * no host, no time). Takes time in proportion to its length, and never throws; what is malformed is kept whole as the
 * message and says so. `nowMs` completes times without a year.
 *
 * Written here since nsyslog-parser takes quadratic time on unclosed structured data, makes hosts and process ids out
 * of the words of a message without a tag, reads no escapes, and cuts times to milliseconds.
 */
export function parseSyslog(text: string, nowMs: number): SyslogMessage {
  const priority = PRIORITY.exec(text);
  const value = priority === null ? Number.NaN : Number(priority[1]);
  if (!(value <= PRIORITY_MAX)) return { ...NOTHING, message: text, malformed: "no priority" };
  const known = {
    ...NOTHING,
    facility: FACILITIES[value >> 3]!,
    severity: severityOfNumber(value & 7),
  };
  const rest = text.slice(priority![0].length);
  return rest.startsWith("1 ") ? parse5424(rest.slice(2), known, nowMs) : parse3164(rest, known, nowMs);
}

const NOTHING: SyslogMessage = {
  ...{ facility: "", severity: 0, time: undefined, host: "", app: "", processId: "", messageId: "" },
  ...{ structured: {}, ids: NO_IDS, message: "", malformed: "" },
};

/** `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]`, `-` where there is nothing to say. */
function parse5424(text: string, known: SyslogMessage, nowMs: number): SyslogMessage {
  const fields: string[] = [];
  let at = 0;
  while (fields.length < 5) {
    const end = text.indexOf(" ", at);
    if (end < 0 || end - at > FIELD_CHARACTERS_MAX) {
      return { ...known, message: text, malformed: "header cut short" };
    }
    const field = text.slice(at, end);
    fields.push(field === "-" ? "" : field);
    at = end + 1;
  }
  const [time, host, app, processId, messageId] = fields as [string, string, string, string, string];
  const header = { ...known, time: leadingTime(time, nowMs)?.time, host, app, processId, messageId };
  const data = readStructured(text, at);
  if (data === undefined) return { ...header, message: text.slice(at), malformed: "structured data" };
  const rest = text.slice(data.end);
  const message = rest.startsWith(" ") ? rest.slice(1) : rest;
  return {
    ...header,
    structured: data.structured,
    ids: idsOf(data.structured),
    message: message.startsWith(BOM) ? message.slice(1) : message,
    malformed: time !== "" && header.time === undefined ? "timestamp" : "",
  };
}

/** One element's id, or a parameter up to its quote. Never matches more than it needs to look at once. */
const ELEMENT = /\[([^\s=\]"]{1,255})/y;
const PARAMETER = /\s+([^\s=\]"]{1,255})="/y;
const VALUE = /[^"\\]*(?:\\[\s\S][^"\\]*)*/y;

/** Elements from `at` on, `-` for none; `undefined` when they do not end as they should. */
function readStructured(
  text: string,
  at: number,
): { readonly structured: StructuredData; readonly end: number } | undefined {
  if (text[at] === "-") return { structured: {}, end: at + 1 };
  const structured = Object.create(null) as Record<string, Record<string, string>>;
  let end = at;
  while (text[end] === "[") {
    const element = matchAt(ELEMENT, text, end);
    if (element === undefined) return undefined;
    end += element[0].length;
    const parameters = Object.create(null) as Record<string, string>;
    structured[element[1]!] = parameters;
    for (let parameter = matchAt(PARAMETER, text, end); parameter !== undefined; ) {
      end += parameter[0].length;
      const value = matchAt(VALUE, text, end)![0];
      end += value.length;
      if (text[end] !== '"') return undefined;
      end++;
      parameters[parameter[1]!] = value.replace(/\\(["\\\]])/g, "$1");
      parameter = matchAt(PARAMETER, text, end);
    }
    if (text[end] !== "]") return undefined;
    end++;
  }
  return end === at ? undefined : { structured, end };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function idsOf(structured: StructuredData): TraceIds {
  const { trace_id, span_id, trace_flags } = structured.opentelemetry ?? {};
  const traceId = traceIdOf(trace_id);
  if (traceId === "") return NO_IDS;
  return { traceId, spanId: spanIdOf(span_id), flags: Number.parseInt(trace_flags ?? "", 16) || 0 };
}

const HOST = /^([\w.:-]{1,255}) (?=\S)/;
const TAG = /^([\w./@-]{1,64})(?:\[([^\]\s]{1,64})\])?: ?/;

/** `Mmm dd hh:mm:ss HOST TAG[PID]: MSG`; each of the parts may be missing. */
function parse3164(text: string, known: SyslogMessage, nowMs: number): SyslogMessage {
  const time = leadingTime(text, nowMs);
  let rest = time === undefined ? text : text.slice(time.length).trimStart();
  let host = "";
  if (time !== undefined && !TAG.test(rest)) {
    host = HOST.exec(rest)?.[1] ?? "";
    if (host !== "") rest = rest.slice(host.length + 1);
  }
  const tag = TAG.exec(rest);
  return {
    ...known,
    time: time?.time,
    host,
    app: tag?.[1] ?? "",
    processId: tag?.[2] ?? "",
    message: tag === null ? rest : rest.slice(tag[0].length),
    malformed: time === undefined ? "no header" : "",
  };
}
