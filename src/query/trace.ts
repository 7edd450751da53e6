import { GasolineError } from "../model/errors.ts";
import { logTimeNs } from "../model/log.ts";
import type { Lookup, TraceRecords } from "../store/telemetry-store.ts";
import { treeByOneClock } from "./analyses/trees.ts";
import { isSinceCursor, readSinceCursor } from "./cursor.ts";
import type { Detail } from "./normalize.ts";
import type { FilterKey, ObserveFilter } from "./parameters.ts";
import { recordDetails } from "./record-details.ts";
import { clean } from "./render/clean.ts";
import { count, formatDuration } from "./render/units.ts";
import { type Body, callText, type Draft, keepRendered, lineChars, type Question } from "./reply.ts";
import { type ResolvedIds, resolveIds } from "./resolve-ids.ts";
import { shortTraceId } from "./short-id.ts";
import { lineRow, lineText, notesRow, noteTexts, type Place } from "./trace-lines.ts";
import { type Notes, notesOf } from "./trace-notes.ts";
import {
  isFailed,
  type Node,
  rankLines,
  type Selection,
  selectLines,
  type TraceLine,
  type Tree,
  traceLines,
} from "./trace-rows.ts";

/** What this mode uses; any other filter means nothing for one trace. `since` marks what arrived after a cursor. */
const USED: readonly FilterKey[] = ["trace_id", "span_id", "id", "since"];
const ROWS_DEFAULT_MAX = 1_000;
const ORIGINS_SHOWN = 3;
const PATH_SHOWN = 8;

/**
 * One trace as a tree: what failed first, then a line a span, repeated siblings folded, logs and exceptions at
 * their span. With `span_id` or `id`: only the subtree of that span, with all its attributes. The trace is named
 * by `trace_id`, or by the span or record asked for.
 * Throws GasolineError `not_found`, `evicted` or `before_restart` when it is not there.
 */
export async function observeTrace(question: Question): Promise<Draft> {
  const { store, query } = question;
  const ids = await resolveIds(store, query.filter);
  if (ids.found !== "yes") throw missing(ids, query.filter);
  const traceId = ids.traceId ?? (await traceOfSpan(question, ids.spanId));
  const lookup = await store.trace(traceId);
  if (lookup.found !== "yes") throw missing(lookup, query.filter);

  const tree = treeOf(lookup.value, query.filter, store.epoch);
  const focus =
    ids.spanId === undefined ? undefined : tree.nodes.find((node) => node.span.spanId === ids.spanId);
  if (ids.spanId !== undefined && focus === undefined) {
    throw new GasolineError(
      "not_found",
      `Span ${ids.spanId} is not among the ${count(tree.nodes.length, "span")} that are held of this trace.`,
      `Call ${callText("trace", { trace_id: traceId })} for those.`,
    );
  }
  const lines = traceLines(tree, focus);
  const shortId = shortTraceId(tree.traceId, tree.originNs);
  const view: View = {
    tree,
    focus,
    lines,
    summary: summaryOf(tree, shortId, focus, lines),
    ranking: rankLines(lines),
    notes: keepRendered((line, detail) => notesOf(line.nodes, tree.originNs, detail)),
    origins: keepRendered((all, detail) => originLines(all, tree, detail)),
    traceId: shortId,
    ignored: Object.keys(query.filter).filter((key) => !(USED as readonly string[]).includes(key)),
  };
  const asked = query.limitGiven ? query.limit : ROWS_DEFAULT_MAX;
  return {
    rowsMax: Math.min(lines.length, asked),
    build: (rows, detail) => buildView(view, rows, detail),
  };
}

function missing(
  lookup: Exclude<ResolvedIds | Lookup<unknown>, { found: "yes" }>,
  filter: ObserveFilter,
): GasolineError {
  const code = lookup.found === "never_seen" ? "not_found" : lookup.found;
  const remedy =
    lookup.found === "never_seen"
      ? 'Call observe {"what":"traces"} for those that are held; if this one is still on its way, call again with "wait_ms":5000.'
      : 'Call observe {"what":"traces"} for those that are held.';
  const reason = lookup.reason === "" ? `Nothing is held of ${JSON.stringify(filter)}.` : lookup.reason;
  return new GasolineError(code, reason, remedy);
}

/** The trace of a span that was asked for by its id alone. */
async function traceOfSpan({ store }: Question, spanId: string | undefined): Promise<string> {
  if (spanId === undefined) {
    throw new GasolineError(
      "bad_parameter",
      "what=trace needs filter.trace_id, filter.span_id or filter.id.",
      'Call observe {"what":"traces"} and take a trace_id from it.',
    );
  }
  const page = await store.records({ filter: { kinds: ["span"], spanId }, order: "newest", limit: 1 });
  const record = page.records[0];
  if (record?.kind === "span") return record.traceId;
  throw missing({ found: "never_seen", reason: `No span ${spanId} is held.` }, {});
}

function treeOf(records: TraceRecords, filter: ObserveFilter, epoch: string): Tree {
  const mark =
    filter.since !== undefined && isSinceCursor(filter.since)
      ? readSinceCursor(filter.since, epoch)
      : undefined;
  return treeByOneClock(records.spans, records.logs, {
    lost: records.lost,
    ...(mark === undefined ? {} : { isLate: (span) => span.arrival > mark }),
  });
}

interface View {
  readonly tree: Tree;
  readonly focus: Node | undefined;
  readonly lines: readonly TraceLine[];
  readonly summary: string;
  readonly ranking: readonly number[];
  readonly notes: (line: TraceLine, detail: Detail) => Notes;
  readonly origins: (lines: readonly TraceLine[], detail: Detail) => readonly string[];
  readonly traceId: string;
  readonly ignored: readonly string[];
}

function buildView(view: View, rowsMax: number, detail: Detail): Body {
  const { tree, lines, focus } = view;
  const selection = selectLines(lines, view.ranking, rowsMax);
  const complete = selection.shown.length === lines.length;
  const rows: Record<string, unknown>[] = [];
  const text: string[] = [...view.origins(lines, detail), ...pathLine(view)];
  for (const index of selection.shown) {
    const line = lines[index]!;
    const notes = view.notes(line, detail);
    const place: Place = {
      hidden: selection.hiddenSpans[index]!,
      skipped: selection.levelsSkipped[index]!,
      indent: selection.indent[index]!,
    };
    const row = lineRow(line, place, notes, detail);
    text.push(lineText(line, place));
    if (focus !== undefined && line.nodes[0] === focus) {
      const details = recordDetails(focus.span, detail);
      text.push(...details.lines);
      rows.push({ ...row, attributes: details.attributes, resource: details.resource });
    } else rows.push(row);
    text.push(...noteTexts(notes, place.indent + 1));
  }
  const loose = focus === undefined ? looseLogs(tree, detail) : undefined;
  if (loose !== undefined && complete) {
    rows.push(notesRow(loose));
    text.push("logs that name no span that is held:", ...noteTexts(loose, 1));
  }
  return {
    summary: view.summary,
    rows,
    lines: text,
    metadata: {
      total_count: tree.nodes.length,
      shown: rows.length,
      order: "tree",
      horizon: null,
      ...(tree.lost > 0 ? { lost: tree.lost } : {}),
      ...leftOut(view, selection),
      ...(view.ignored.length > 0 ? { ignored: view.ignored } : {}),
      ...nextCalls(view, selection, complete && loose !== undefined ? loose.hidden : tree.logs.length),
    },
  };
}

function looseLogs(tree: Tree, detail: Detail): Notes | undefined {
  if (tree.logs.length === 0) return undefined;
  // Without spans the trace has no origin: its first log is taken for it.
  const originNs = tree.nodes.length > 0 ? tree.originNs : logTimeNs(tree.logs[0]!);
  return notesOf([{ logs: tree.logs }], originNs, detail);
}

/** Counts and flags; no text of telemetry. */
function summaryOf(
  tree: Tree,
  traceId: string,
  focus: Node | undefined,
  lines: readonly TraceLine[],
): string {
  const nodes = focus === undefined ? tree.nodes : lines.flatMap((line) => line.nodes);
  const failed = nodes.filter(isFailed).length;
  const services = new Set(nodes.map((node) => node.span.resource.service)).size;
  const logs = nodes.reduce(
    (sum, node) => sum + node.logs.length,
    focus === undefined ? tree.logs.length : 0,
  );
  const startNs = nodes.reduce((least, node) => Math.min(least, node.startNs), Number.POSITIVE_INFINITY);
  const endNs = nodes.reduce((most, node) => Math.max(most, node.endNs), Number.NEGATIVE_INFINITY);
  const length = nodes.length === 0 ? "" : ` in ${formatDuration(endNs - startNs)}`;
  const what =
    focus === undefined
      ? `Trace ${traceId}`
      : `Span ${focus.span.id} of trace ${traceId} and what is below it`;
  const outcome = failed === 0 ? "nothing failed" : `${failed} of them failed`;
  const flags = flagTexts(tree);
  return `${what}: ${count(nodes.length, "span")} of ${count(services, "service")} and ${count(logs, "log")}${length}; ${outcome}.${flags.length > 0 ? ` Note: ${flags.join("; ")}.` : ""}`;
}

function flagTexts(tree: Tree): string[] {
  const flags: string[] = [];
  if (tree.lost > 0) flags.push(`partial: ${count(tree.lost, "record")} evicted`);
  if (tree.orphans.length > 0) {
    flags.push(
      `${count(tree.orphans.length, "span")} whose parent is not held, ${count(tree.missingParents.length, "parent")} missing`,
    );
  }
  if (tree.roots.length > 1) flags.push(`${tree.roots.length} roots`);
  if (tree.open) flags.push("spans still open");
  if (tree.late) flags.push("spans that arrived late");
  if (tree.cycleBroken) flags.push("a cycle of parents was cut");
  if (tree.duplicates > 0) flags.push(`${count(tree.duplicates, "duplicate")} folded`);
  if (tree.skewAdjusted) flags.push("clocks adjusted");
  return flags;
}

/** What failed first, before the tree: the conclusion of a failed trace. */
function originLines(lines: readonly TraceLine[], tree: Tree, detail: Detail): string[] {
  const origins = lines.filter((line) => line.origin);
  const texts = origins.slice(0, ORIGINS_SHOWN).map((line) => {
    const notes = notesOf(line.nodes.slice(0, 1), tree.originNs, detail).shown;
    const note = notes.find(({ level }) => level === "error" || level === "critical");
    const said = note === undefined ? "" : `: ${clean(note.message, Math.min(lineChars(detail), 240))}`;
    return `failed at: ${clean(line.nodes[0]!.span.resource.service, 60)} ${clean(line.name, 120)} ${line.nodes[0]!.span.id}${line.nodes.length > 1 ? ` ×${line.nodes.length}` : ""}${said}`;
  });
  if (origins.length > ORIGINS_SHOWN)
    texts.push(`… and ${origins.length - ORIGINS_SHOWN} more places that failed`);
  return texts;
}

/** The way from the root to the span that was asked for. */
function pathLine({ focus, tree }: View): string[] {
  if (focus === undefined || focus.parent < 0) return [];
  const names: string[] = [];
  let at = focus.parent;
  for (; at >= 0 && names.length < PATH_SHOWN; at = tree.nodes[at]!.parent) {
    const { span } = tree.nodes[at]!;
    names.push(`${clean(span.resource.service, 40)} ${clean(span.name, 60)} ${span.id}`);
  }
  return [`called by: ${names.join(" < ")}${at >= 0 ? " < …" : ""}`];
}

function leftOut({ lines }: View, selection: Selection): { left_out?: string } {
  const hidden = selection.hiddenSpans.reduce((sum, spans) => sum + spans, 0) + selection.hiddenAtTop;
  if (hidden === 0) return {};
  const top =
    selection.hiddenAtTop > 0
      ? ` (${count(selection.hiddenAtTop, "span")} of them beside the first root)`
      : "";
  return {
    left_out: `${count(hidden, "span")} in ${count(lines.length - selection.shown.length, "line")}, the short and uneventful ones; a line says how many it hides${top}.`,
  };
}

function nextCalls(view: View, selection: Selection, logsHidden: number): { next?: string[] } {
  const calls: string[] = [];
  let most = -1;
  for (const index of selection.shown) {
    const hidden = selection.hiddenSpans[index]!;
    if (hidden > 0 && index > 0 && hidden > (most < 0 ? 0 : selection.hiddenSpans[most]!)) most = index;
  }
  const origin = view.lines.find((line) => line.origin && line.nodes[0] !== view.focus);
  if (origin !== undefined) calls.push(callText("trace", { span_id: origin.nodes[0]!.span.id }));
  if (most >= 0) calls.push(callText("trace", { span_id: view.lines[most]!.slowest.span.id }));
  if (logsHidden > 0) calls.push(callText("logs", { trace_id: view.traceId }));
  return calls.length > 0 ? { next: calls } : {};
}
