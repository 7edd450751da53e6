import type { Attributes } from "../model/attributes.ts";
import type { StoredRecord } from "../store/telemetry-store.ts";
import { attributesToJson, toText } from "./json-value.ts";
import { type Detail, exceptionText } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { clockTime } from "./render/units.ts";
import { lineChars } from "./reply.ts";

const ATTRIBUTES_MAX = 64;

/** All that a record says beside its message, for a reply about this one record. */
export interface RecordDetails {
  /** Attributes of the record, then of its resource, cleaned and cut unless everything is shown. */
  readonly attributes: { readonly [key: string]: unknown };
  readonly resource: { readonly [key: string]: unknown };
  /** `  key = value` lines of the record's attributes, its events, links and resource. */
  readonly lines: readonly string[];
}

export function recordDetails(record: StoredRecord, detail: Detail): RecordDetails {
  const chars = lineChars(detail);
  return {
    attributes: shownAttributes(record.attributes, detail),
    resource: shownAttributes(record.resource.attributes, detail),
    lines: [
      ...attributeLines(record.attributes, "  ", chars),
      ...(record.kind === "span" ? spanPartLines(record, chars) : []),
      ...attributeLines(record.resource.attributes, "  resource ", chars),
    ],
  };
}

function spanPartLines(span: Extract<StoredRecord, { kind: "span" }>, chars: number): string[] {
  const events = span.events.flatMap((event) => [
    `  event ${clockTime(event.timeNs)} ${clean(event.name, chars)} ${clean(exceptionText(event.attributes), chars)}`.trimEnd(),
    ...attributeLines(event.attributes, "    ", chars).filter(
      (line) => !/^ {4}exception\.(?:type|message) /.test(line),
    ),
  ]);
  const links = span.links.map((link) => `  link to span ${link.spanId} of trace ${link.traceId}`);
  return [...events, ...links];
}

function attributeLines(attributes: Attributes, indent: string, chars: number): string[] {
  const keys = Object.keys(attributes);
  const lines = keys
    .slice(0, ATTRIBUTES_MAX)
    .map((key) => `${indent}${clean(key, 100)} = ${clean(toText(attributes[key]), chars)}`);
  if (keys.length > ATTRIBUTES_MAX) lines.push(`${indent}… ${keys.length - ATTRIBUTES_MAX} more attributes`);
  return lines;
}

function shownAttributes(attributes: Attributes, detail: Detail): { [key: string]: unknown } {
  if (!detail.compact) return attributesToJson(attributes);
  const shown: { [key: string]: unknown } = Object.create(null);
  for (const key of Object.keys(attributes).slice(0, ATTRIBUTES_MAX)) {
    const value = attributes[key];
    const plain = typeof value === "number" || typeof value === "boolean";
    shown[clean(key, 100)] = plain ? value : clean(toText(value), detail.charsMax);
  }
  return shown;
}
