import { nsToMs } from "../model/time.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { count, formatDuration } from "./render/units.ts";
import type { Row } from "./shapes.ts";
import type { Notes, TraceNote } from "./trace-notes.ts";
import { lengthNs, type Node, type TraceLine } from "./trace-rows.ts";

/** Where a line stands among those that are shown. */
export interface Place {
  /** Spans below it that are not shown. */
  readonly hidden: number;
  /** Levels between it and the nearest line above it that is shown. */
  readonly skipped: number;
  /** Lines above it that are shown and that it belongs to. */
  readonly indent: number;
}

const NAME_CHARS = 160;
const SERVICE_CHARS = 60;

/** One line of a trace as JSON. Times in ms since the trace's first start; fields with nothing to say are absent. */
export interface TraceLineRow extends Row {
  /** Short id of the span, of the slowest one when several are folded. */
  readonly id: string;
  readonly depth: number;
  readonly name: string;
  readonly service: string;
  readonly kind?: string;
  readonly start_ms: number;
  /** Of the slowest when several are folded. */
  readonly duration_ms: number;
  readonly status?: "error" | "ok";
  /** Spans folded into this line, when more than one, and their durations together. */
  readonly count?: number;
  readonly total_ms?: number;
  readonly hidden_spans?: number;
  readonly flags?: readonly string[];
  readonly notes?: readonly NoteRow[];
  readonly notes_hidden?: number;
}

interface NoteRow {
  readonly at_ms: number;
  readonly level: string;
  readonly message: string;
  readonly id?: string;
  readonly count?: number;
}

export function lineRow(line: TraceLine, place: Place, notes: Notes, detail: Detail): TraceLineRow {
  const { span } = line.slowest;
  const shown = (text: string, chars: number): string => (detail.compact ? clean(text, chars) : text);
  const flags = flagsOf(line);
  const folded = line.nodes.length > 1;
  return {
    id: span.id,
    depth: line.depth,
    name: shown(line.name, NAME_CHARS),
    service: shown(span.resource.service, SERVICE_CHARS),
    ...(span.spanKind === "internal" || span.spanKind === "unspecified" ? {} : { kind: span.spanKind }),
    start_ms: toMs(line.nodes[0]!.startNs),
    duration_ms: toMs(lengthNs(line.slowest)),
    ...(line.failed ? { status: "error" as const } : {}),
    ...(folded ? { count: line.nodes.length, total_ms: toMs(line.totalNs) } : {}),
    ...(place.hidden > 0 ? { hidden_spans: place.hidden } : {}),
    ...(flags.length > 0 ? { flags } : {}),
    ...notesPart(notes),
  };
}

/** Logs that name no span, as one row. */
export function notesRow(notes: Notes): Row {
  return { name: "logs without a span", ...notesPart(notes) };
}

function notesPart(notes: Notes): { notes?: NoteRow[]; notes_hidden?: number } {
  return {
    ...(notes.shown.length > 0 ? { notes: notes.shown.map(noteRow) } : {}),
    ...(notes.hidden > 0 ? { notes_hidden: notes.hidden } : {}),
  };
}

function noteRow(note: TraceNote): NoteRow {
  return {
    at_ms: toMs(note.atNs),
    level: note.level,
    message: note.message,
    ...(note.id === undefined ? {} : { id: note.id }),
    ...(note.count > 1 ? { count: note.count } : {}),
  };
}

function toMs(ns: number): number {
  return nsToMs(BigInt(Math.round(ns)));
}

/** `  POST /charge  payment server @12ms 1.25s ERROR s4k2a1 (open) +12 hidden` */
export function lineText(line: TraceLine, place: Place): string {
  const { span } = line.slowest;
  const first = line.nodes[0]!;
  const folded = line.nodes.length > 1;
  const length = formatDuration(lengthNs(line.slowest));
  const duration = folded ? `${formatDuration(line.totalNs)} in all, slowest ${length}` : length;
  const flags = flagsOf(line);
  const parts = [
    `${place.skipped > 0 ? `⋯${count(place.skipped, "level")}⋯ ` : ""}${clean(line.name, NAME_CHARS)}${folded ? ` ×${line.nodes.length}` : ""} `,
    clean(span.resource.service, SERVICE_CHARS),
    span.spanKind,
    `@${formatDuration(first.startNs)}`,
    ...(duration === "0" && first.open ? [] : [duration]),
    ...(line.failed ? ["ERROR"] : span.statusCode === "ok" ? ["ok"] : []),
    span.id,
    ...(flags.length > 0 ? [`(${flags.join(", ")})`] : []),
    ...(place.hidden > 0 ? [`+${count(place.hidden, "span")} hidden`] : []),
  ];
  return margin(place.indent) + parts.join(" ");
}

/** Notes under their line, a line each, and how many more there are. */
export function noteTexts(notes: Notes, indent: number): string[] {
  const texts = notes.shown.map((note) => {
    const times = note.count > 1 ? ` ×${note.count}` : "";
    const mark = note.level === "error" || note.level === "critical" ? "!" : "·";
    return `${margin(indent)}${mark} ${note.level} ${note.message}${times}${note.id === undefined ? "" : ` ${note.id}`}`;
  });
  if (notes.hidden > 0) texts.push(`${margin(indent)}· ${count(notes.hidden, "more note")}`);
  return texts;
}

const INDENT_MAX = 40;

function margin(indent: number): string {
  return "  ".repeat(Math.min(indent, INDENT_MAX));
}

function flagsOf(line: TraceLine): string[] {
  const flags: [string, (node: Node) => boolean][] = [
    ["parent not held", (node) => node.orphan],
    ["open", (node) => node.open],
    ["late", (node) => node.late],
    ["ends before it starts", (node) => node.negative],
    ["cycle cut", (node) => node.cycleBroken],
    ["clock adjusted", (node) => node.skewNs !== 0],
    ["time out of range", (node) => node.clamped],
  ];
  return flags.filter(([, holds]) => line.nodes.some(holds)).map(([flag]) => flag);
}
