import type { CodeContext } from "../enrich/code-context.ts";
import type { LineChange } from "../enrich/git.ts";
import { placeText } from "../enrich/stack.ts";
import type { RecordPage } from "../store/telemetry-store.ts";
import type { CodeAnswer } from "./code.ts";
import { coverage } from "./events.ts";
import type { ChangesSinceGreen } from "./git-since-green.ts";
import { changesLine, changesRow } from "./git-since-green-row.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import { type Body, callText, lineChars } from "./reply.ts";
import type { Row } from "./shapes.ts";

/** Everything that a reply about code is made of. */
export interface CodeListing {
  readonly answers: readonly CodeAnswer[];
  /** Places found, shown or not. */
  readonly total: number;
  readonly changes: ChangesSinceGreen;
  readonly page: RecordPage;
}

const FRAMES_SHOWN = { roomy: 12, tight: 4 } as const;
/** Lines of source on either side of the frame, by the room there is for one string. */
const AROUND = [
  [2_000, 8],
  [600, 5],
  [240, 3],
  [0, 2],
] as const;

/** One row a place, then what changed since the last green run. */
export function buildCode(
  { answers, total, changes, page }: CodeListing,
  rows: number,
  detail: Detail,
): Body {
  const shown = answers.slice(0, rows);
  const failing = shown.filter(({ site }) => site !== undefined && site.error !== "").length;
  const changed = shown.filter(({ changedSinceGreen }) => changedSinceGreen === true).length;
  const [first] = shown;
  const hidden = total - rows;
  return {
    summary: [
      `${count(rows, "place")} in the code`,
      failing > 0 ? `${failing} where errors began` : "",
      changed > 0 ? `${changed} in files changed since the last green test run` : "",
    ]
      .filter((part) => part !== "")
      .join(", ")
      .concat("."),
    rows: [...shown.map((answer) => codeRow(answer, detail)), changesRow(changes, detail)],
    lines: [...shown.flatMap((answer) => codeLines(answer, detail)), changesLine(changes, detail)],
    metadata: {
      total_count: total,
      shown: rows,
      ...coverage(page),
      ...(hidden > 0 ? { left_out: `${count(hidden, "place")}: narrow the filter or raise limit.` } : {}),
      ...(first?.site === undefined ? {} : { next: [callText("trace", { id: first.site.sample.id })] }),
    },
  };
}

function codeRow(answer: CodeAnswer, detail: Detail): Row {
  const { site, place, context, facts, tests, changedSinceGreen } = answer;
  const shown = (text: string): string => (detail.compact ? clean(text, detail.charsMax) : text);
  return {
    ...(site === undefined
      ? {}
      : { id: site.sample.id, count: site.count, service: shown(site.sample.resource.service) }),
    ...(site === undefined || site.error === "" ? {} : { error: shown(site.error) }),
    place: shown(nameOf(answer)),
    ...(functionOf(answer) === "" ? {} : { function: shown(functionOf(answer)) }),
    ...(place.fit === undefined || place.fit === "exact" ? {} : { fit: place.fit }),
    ...(place.mappedFrom === undefined ? {} : { mapped_from: shown(place.mappedFrom) }),
    ...(place.why === undefined ? {} : { why: shown(place.why) }),
    ...(context?.block === undefined
      ? {}
      : {
          block: {
            head: shown(context.block.head),
            first_line: context.block.firstLine,
            last_line: context.block.lastLine,
          },
        }),
    ...(context === undefined ? {} : { source: sourceLines(context, place.line, detail) }),
    ...(facts?.lastChange === undefined ? {} : { last_change: changeRow(facts.lastChange, detail) }),
    ...(changedSinceGreen === undefined ? {} : { changed_since_green: changedSinceGreen }),
    ...(facts?.coverage === undefined
      ? {}
      : { coverage: { hits: facts.coverage.hits, report: facts.coverage.report } }),
    ...(tests.length === 0 ? {} : { tests: tests.map((test) => ({ ...test, test: shown(test.test) })) }),
    ...(site === undefined || site.frames.length < 2 ? {} : { stack: stackOf(answer, detail) }),
  };
}

/** ```
 * 3× payment TimeoutError: no answer from the bank  s4k2a1
 *   charge at src/payment.js:42, in `async function charge(order) {` (lines 30–61)
 *      41 │   const answer = await bank.ask(order);
 *   >  42 │   throw new TimeoutError("no answer from the bank");
 *   last changed in 1f3a9c02 2026-01-31 by Ann Author: Give up after a second; changed since the last green run
 *   tests: checkout > pays (trace, 1), test/payment.test.js (name, 0.7)
 *   stack: charge src/payment.js:42 ← pay src/server.js:7 ← 3 of libraries
 * ``` */
function codeLines(answer: CodeAnswer, detail: Detail): string[] {
  const { site, place, context, facts, tests, changedSinceGreen } = answer;
  const chars = lineChars(detail);
  const short = (text: string, charsMax = chars): string => clean(text, charsMax);
  const block = context?.block;
  const name = functionOf(answer);
  const lines = [
    site === undefined
      ? ""
      : `${site.count}× ${short(site.sample.resource.service, 60)} ${short(site.error === "" ? (site.sample.kind === "span" ? site.sample.name : "") : site.error)}  ${site.sample.id}`,
    [
      `  ${name === "" ? "" : `${short(name, 120)} at `}${short(nameOf(answer))}`,
      place.fit === "name" ? "by its name alone" : "",
      place.mappedFrom === undefined ? "" : `mapped from ${short(place.mappedFrom)}`,
      block === undefined ? "" : `in ${short(block.head, 120)} (lines ${block.firstLine}–${block.lastLine})`,
      place.why === undefined ? "" : short(place.why),
    ]
      .filter((part) => part !== "")
      .join(", "),
    ...(context === undefined ? [] : sourceLines(context, place.line, detail).map((line) => `  ${line}`)),
    factsLine(facts?.lastChange, changedSinceGreen, detail),
    facts?.coverage === undefined
      ? ""
      : `  ran ${facts.coverage.hits}× in the last coverage run (${short(facts.coverage.report)})`,
    tests.length === 0
      ? ""
      : `  tests: ${tests.map(({ test, method, confidence }) => `${short(test, 200)} (${method}, ${confidence})`).join(", ")}`,
    site === undefined || site.frames.length < 2 ? "" : `  stack: ${stackOf(answer, detail).join(" ← ")}`,
  ];
  return lines.filter((line) => line !== "");
}

function factsLine(change: LineChange | undefined, changed: boolean | undefined, detail: Detail): string {
  const short = (text: string): string => clean(text, Math.min(lineChars(detail), 160));
  const parts = [
    change === undefined
      ? ""
      : change.commit === ""
        ? "the line is not committed yet"
        : `last changed in ${change.commit.slice(0, 8)} ${dateOf(change)} by ${short(change.author)}: ${short(change.subject)}`,
    changed === undefined
      ? ""
      : changed
        ? "file changed since the last green run"
        : "file unchanged since the last green run",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `  ${parts.join("; ")}`;
}

function changeRow({ commit, author, timeMs, subject }: LineChange, detail: Detail): Row {
  const short = (text: string): string => (detail.compact ? clean(text, detail.charsMax) : text);
  if (commit === "") return { committed: false };
  return {
    commit: detail.compact ? commit.slice(0, 8) : commit,
    author: short(author),
    date: isoTime(BigInt(timeMs) * 1_000_000n),
    subject: short(subject),
  };
}

function dateOf({ timeMs }: LineChange): string {
  return isoTime(BigInt(timeMs) * 1_000_000n).slice(0, 10);
}

/** `src/payment.js:42`: the workspace's path, else what the frame or its map calls it. */
function nameOf({ place }: CodeAnswer): string {
  return placeText({ file: place.path ?? place.named, line: place.line });
}

function functionOf({ place, frames }: CodeAnswer): string {
  return frames.find((each) => each.place === place)?.frame.function ?? "";
}

/** Numbered lines, the one in question marked: ` 41 │ code`, `>42 │ code`. */
function sourceLines({ firstLine, lines }: CodeContext, line: number, detail: Detail): string[] {
  const charsMax = detail.compact ? detail.charsMax : Number.POSITIVE_INFINITY;
  const around = AROUND.find(([chars]) => charsMax >= chars)![1];
  const width = String(firstLine + lines.length).length;
  const asked = line === 0 ? 1 : line;
  return lines.flatMap((text, i) => {
    const number = firstLine + i;
    if (Math.abs(number - asked) > around) return [];
    const shown = clean(text.replaceAll("\t", "  "), Math.min(charsMax, lineChars(detail)));
    return [`${number === line ? ">" : " "}${String(number).padStart(width)} │ ${shown}`.trimEnd()];
  });
}

/** Own frames by name and place; runs of library frames only counted. */
function stackOf({ site, frames }: CodeAnswer, detail: Detail): string[] {
  const framesMax = detail.compact && detail.charsMax < 600 ? FRAMES_SHOWN.tight : FRAMES_SHOWN.roomy;
  const placeOf = new Map(frames.map(({ frame, place }) => [frame, place]));
  const parts: (string | number)[] = [];
  for (const frame of site?.frames ?? []) {
    const place = placeOf.get(frame);
    if (frame.isLibrary || place?.isLibrary === true) {
      if (typeof parts.at(-1) === "number") parts.push((parts.pop() as number) + 1);
      else parts.push(1);
      continue;
    }
    const where = placeText({
      file: place?.path ?? place?.named ?? frame.file,
      line: place?.line ?? frame.line,
    });
    parts.push(clean(`${frame.function} ${where}`.trim(), 160));
  }
  const told = parts.map((part) => (typeof part === "number" ? `${part} of libraries` : part));
  return told.length > framesMax ? [...told.slice(0, framesMax), `${told.length - framesMax} more`] : told;
}
