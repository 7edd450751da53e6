import type { HrTime } from "@opentelemetry/api";

/** A time found at the start of a text: when it is, and how many characters it took with its brackets. */
export interface LeadingTime {
  readonly time: HrTime;
  readonly length: number;
}

const DAY_MS = 86_400_000;
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

const DATE_TIME =
  /^[[(<"]?(\d{4})[-/.](\d\d)[-/.](\d\d)[T _]+(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?[\])>"]?/;
const COMMON_LOG = /^\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})\]/;
const SYSLOG =
  /^[[(]?(?:\w{3} )?(\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: (\d{4}))?[\])]?/;
const KLOG = /^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9})/;
const TIME_ONLY = /^[[(]?(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?[\])]?(?=\s|$)/;
const EPOCH = /^[[(]?(\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})[\])]?(?=[\s:])/;

/**
 * The time that `text` starts with. Without a zone it is local time; without a year it is in the year that brings it
 * nearest to `nowMs` from below; without a date it is of the last 24 hours. `undefined` when there is none.
 */
export function leadingTime(text: string, nowMs: number): LeadingTime | undefined {
  const first = text.charCodeAt(0);
  // Most lines of plain text start with neither digit, bracket nor capital letter.
  if (first > 0x5b || first < 0x22) return undefined;
  let match = DATE_TIME.exec(text);
  if (match !== null) {
    const [whole, year, month, day, hour, minute, second, fraction, zone] = match;
    const seconds = zoned([+year!, +month!, +day!, +hour!, +minute!, +second!], zone);
    return found(seconds, fraction, whole.length);
  }
  match = COMMON_LOG.exec(text);
  if (match !== null) {
    const [whole, day, month, year, hour, minute, second, zone] = match;
    return found(zoned([+year!, monthOf(month!), +day!, +hour!, +minute!, +second!], zone), "", whole.length);
  }
  match = EPOCH.exec(text);
  if (match !== null) {
    const time = timeOfNumber(match[1]!);
    return time === undefined ? undefined : { time, length: match[0].length };
  }
  return timeWithoutYear(text, nowMs) ?? timeWithoutDate(text, nowMs);
}

function timeWithoutYear(text: string, nowMs: number): LeadingTime | undefined {
  const syslog = SYSLOG.exec(text);
  const klog = syslog === null ? KLOG.exec(text) : null;
  const parts = syslog ?? klog;
  if (parts === null) return undefined;
  const [whole, first, day, hour, minute, second, fraction, year] = parts;
  const month = syslog === null ? +first! : monthOf(first!);
  if (month < 1) return undefined;
  const inYear = (each: number) => zoned([each, month, +day!, +hour!, +minute!, +second!], undefined);
  if (year !== undefined) return found(inYear(+year), fraction, whole.length);
  const thisYear = new Date(nowMs).getFullYear();
  // A clock may run ahead by a little; a December line read in January may not be eleven months ahead.
  const seconds = inYear(thisYear) * 1000 > nowMs + DAY_MS ? inYear(thisYear - 1) : inYear(thisYear);
  return found(seconds, fraction, whole.length);
}

function timeWithoutDate(text: string, nowMs: number): LeadingTime | undefined {
  const match = TIME_ONLY.exec(text);
  if (match === null) return undefined;
  const [whole, hour, minute, second, fraction] = match;
  const today = new Date(nowMs);
  const midnight = [today.getFullYear(), today.getMonth() + 1, today.getDate()] as const;
  const seconds = zoned([...midnight, +hour!, +minute!, +second!], undefined);
  return found(
    seconds * 1000 > nowMs + DAY_MS / 24 ? seconds - DAY_MS / 1000 : seconds,
    fraction,
    whole.length,
  );
}

/** A time from a field of a structured line: text as above, or a number of s, ms, µs or ns told by its size. */
export function timeOfField(value: unknown, nowMs: number): HrTime | undefined {
  if (typeof value === "number") return timeOfNumber(String(value));
  if (typeof value !== "string") return undefined;
  return leadingTime(value, nowMs)?.time ?? timeOfNumber(value);
}

function timeOfNumber(text: string): HrTime | undefined {
  const match = /^(\d{9,19})(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole, fraction = ""] = match;
  // Digits of the unit beyond seconds: 1.7e9 s, 1.7e12 ms, 1.7e15 µs, 1.7e18 ns.
  const shift = whole!.length <= 11 ? 0 : whole!.length <= 14 ? 3 : whole!.length <= 16 ? 6 : 9;
  const seconds = whole!.slice(0, whole!.length - shift);
  const rest = whole!.slice(whole!.length - shift) + fraction;
  return [Number(seconds), nanoseconds(rest)];
}

type DateParts = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

/** Unix seconds of a wall clock in `zone`, or in local time without one. NaN when the parts are no date. */
function zoned([year, month, day, hour, minute, second]: DateParts, zone: string | undefined): number {
  if (zone === undefined) return new Date(year, month - 1, day, hour, minute, second).getTime() / 1000;
  const utc = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  if (zone === "Z" || zone === "UTC") return utc;
  const offset = Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60;
  return zone.startsWith("-") ? utc + offset : utc - offset;
}

function found(seconds: number, fraction: string | undefined, length: number): LeadingTime | undefined {
  return seconds > 0 ? { time: [seconds, nanoseconds(fraction ?? "")], length } : undefined;
}

function nanoseconds(fraction: string): number {
  return Number(fraction.slice(0, 9).padEnd(9, "0"));
}

function monthOf(name: string): number {
  const at = MONTHS.indexOf(name);
  return at % 3 === 0 ? at / 3 + 1 : 0;
}
