import { frameOfAttributes, parseStack, placeText, type StackFrame, topFrame } from "../enrich/stack.ts";
import { type Attributes, stringAttribute } from "../model/attributes.ts";
import type { StoredLog, StoredRecord, StoredSpan } from "../store/telemetry-store.ts";
import { toText } from "./json-value.ts";
import { exceptionText, levelOf, messageOf, timeOf } from "./normalize.ts";

/** A place in code that records name: an error's innermost own frame, or what `code.*` says of a span. */
export interface CodeSite {
  /** The newest record that names it. */
  readonly sample: StoredSpan | StoredLog;
  /** `Type: message` of the sample, or `""` when it did not fail. */
  readonly error: string;
  /** The innermost first. */
  readonly frames: readonly StackFrame[];
  /** Records that name it. */
  readonly count: number;
}

/** The places that records name, by service and innermost own frame; in the order of their first record. */
export function sitesOf(records: readonly StoredRecord[]): CodeSite[] {
  const sites = new Map<string, { -readonly [key in keyof CodeSite]: CodeSite[key] }>();
  for (const record of records) {
    if (record.kind === "metric") continue;
    const frames = framesOf(record);
    const top = topFrame(frames);
    if (top === undefined) continue;
    const key = `${record.resource.service}\n${placeText(top)}`;
    const known = sites.get(key);
    if (known === undefined) sites.set(key, { sample: record, error: errorOf(record), frames, count: 1 });
    else {
      known.count += 1;
      if (timeOf(record) > timeOf(known.sample))
        Object.assign(known, { sample: record, error: errorOf(record), frames });
    }
  }
  return [...sites.values()];
}

/** The stack that a record carries, else the one place its `code.*` attributes name; empty when it tells neither. */
export function framesOf(record: StoredSpan | StoredLog): readonly StackFrame[] {
  for (const text of stackTexts(record)) {
    const frames = parseStack(text);
    if (frames.length > 0) return frames;
  }
  const frame = frameOfAttributes(record.attributes);
  return frame === undefined ? [] : [frame];
}

/** `src/payment.js:42` of a record's innermost own frame, as it was sent; `undefined` when it names none. */
export function codePlaceOf(record: StoredSpan | StoredLog): string | undefined {
  const top = topFrame(framesOf(record));
  return top === undefined || top.isLibrary ? undefined : placeText(top);
}

/** The last exception first: it is what ended the span. */
function* stackTexts(record: StoredSpan | StoredLog): Generator<string> {
  const carriers: readonly Attributes[] =
    record.kind === "span"
      ? [...record.events.map(({ attributes }) => attributes).toReversed(), record.attributes]
      : [record.attributes];
  for (const attributes of carriers) {
    const stack =
      stringAttribute(attributes, "exception.stacktrace") ?? stringAttribute(attributes, "code.stacktrace");
    if (stack !== undefined) yield stack;
  }
  if (record.kind === "log") {
    const body = toText(record.body);
    if (body.includes("\n")) yield body;
  }
}

function errorOf(record: StoredSpan | StoredLog): string {
  const level = levelOf(record);
  if (level !== "error" && level !== "critical") return "";
  const carriers =
    record.kind === "span"
      ? record.events.map(({ attributes }) => attributes).toReversed()
      : [record.attributes];
  for (const attributes of carriers) {
    const exception = exceptionText(attributes);
    if (exception !== "") return exception;
  }
  return messageOf(record);
}
