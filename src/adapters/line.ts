import { recordOfFields } from "./line-fields.ts";
import { parseLogfmt } from "./line-logfmt.ts";
import { recordOfText } from "./line-plain.ts";
import type { LogToSend } from "./otlp-client.ts";

/**
 * What one line of output says, as a log record: JSON of any known dialect, logfmt, or plain text. Never throws, and
 * loses nothing: the line as it came is in `log.record.original` wherever the body differs from it. Severity is 0
 * and ids are `""` when the line tells none. Colour codes are no part of the record.
 *
 * `nowMs` completes times without a date or year.
 */
export function understandLine(line: string, nowMs: number): LogToSend {
  const text = stripAnsi(line);
  const record = structured(text, nowMs) ?? recordOfText(text, nowMs);
  if (record.body === text) return record;
  return { ...record, attributes: { ...record.attributes, "log.record.original": text } };
}

function structured(text: string, nowMs: number): LogToSend | undefined {
  const first = text.charCodeAt(0);
  if (first === BRACE) {
    const fields = parseObject(text);
    return fields === undefined ? undefined : recordOfFields(fields, nowMs);
  }
  if (!text.includes("=")) return undefined;
  const fields = parseLogfmt(text);
  return fields === undefined ? undefined : recordOfFields(fields, nowMs);
}

function parseObject(text: string): { readonly [key: string]: unknown } | undefined {
  if (!text.trimEnd().endsWith("}")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as { [key: string]: unknown }) : undefined;
  } catch {
    // Cut short or not JSON after all: then it is text.
    return undefined;
  }
}

const BRACE = 0x7b;
const ESCAPE = "\u001b";
/** CSI sequences (colours, cursor), OSC sequences (titles, links) and two-character escapes (ECMA-48). */
const ANSI = new RegExp(
  `${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\u0007${ESCAPE}]*(?:\\u0007|${ESCAPE}\\\\)?|[@-Z\\\\-_])`,
  "g",
);

/** The text without terminal control sequences. */
export function stripAnsi(text: string): string {
  return text.includes(ESCAPE) ? text.replace(ANSI, "") : text;
}
