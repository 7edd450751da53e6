import type { CodeContext } from "../enrich/code-context.ts";
import type { RelatedTest } from "../enrich/related-tests.ts";
import type { LineFacts, SourcePlace, SourceReader } from "../enrich/source-reader.ts";
import { isLibraryFile, type StackFrame } from "../enrich/stack.ts";
import { buildCode } from "./code-rows.ts";
import { CODE, sitesInScope } from "./code-scope.ts";
import type { CodeSite } from "./code-sites.ts";
import { readTestRuns, type TestRuns, testsByTrace } from "./code-tests.ts";
import { emptyDraft } from "./events.ts";
import { type ChangesSinceGreen, changesSinceGreen } from "./git-since-green.ts";
import type { Draft, Question } from "./reply.ts";
import { resolveIds } from "./resolve-ids.ts";
import { whyEmpty, whyNotFound } from "./why-empty.ts";

/** A place in code with all that is known of it. */
export interface CodeAnswer {
  /** `undefined` when the asker named the file and nothing that is held ran there. */
  readonly site: CodeSite | undefined;
  readonly place: SourcePlace;
  /** Where each frame lies, the innermost first, a bounded number. */
  readonly frames: readonly { readonly frame: StackFrame; readonly place: SourcePlace }[];
  readonly context: CodeContext | undefined;
  readonly facts: LineFacts | undefined;
  readonly tests: readonly RelatedTest[];
  /** Whether the file changed since the last green run; `undefined` when that cannot be told. */
  readonly changedSinceGreen: boolean | undefined;
}

const PLACES_DEFAULT = 5;
const PLACES_MAX = 20;
const FRAMES_MAPPED_MAX = 12;
/** Lines on either side that are read; a tight reply shows fewer of them. */
const AROUND = 8;
const TESTS_SHOWN_MAX = 5;

/**
 * The code behind what was received: for each place that errors (else spans) name, the lines around the innermost frame
 * of the asker's own code, who changed it last and when, whether it changed since the last green run of tests, and the
 * tests that concern it. Throws GasolineError `bad_parameter` for a file outside the workspace.
 */
export async function observeCode(question: Question): Promise<Draft> {
  const { store, query, context } = question;
  const reader = await context.source?.();
  if (reader === undefined) return emptyDraft("Source is only read by a running daemon, in its workspace.");
  const ids = await resolveIds(store, query.filter);
  if (ids.found !== "yes") return emptyDraft(whyNotFound(ids));
  const { file, line } = query.filter;
  const asked = file === undefined ? undefined : await reader.placeAsked(file, line ?? 0);
  const { filter, sites, page } = await sitesInScope(question, ids);
  const located = await Promise.all(sites.slice(0, PLACES_MAX * 2).map((site) => locate(reader, site)));
  const matching = located.flatMap((each) => (asked === undefined ? [each] : placedIn(asked, each)));
  if (asked !== undefined && (matching.length === 0 || line !== undefined)) {
    matching.unshift({ site: matching[0]?.site, place: asked, frames: matching[0]?.frames ?? [] });
    matching.length = 1;
  }
  if (matching.length === 0) return emptyDraft(await whyNoCode(question, filter, page));

  const runs = await readTestRuns(store);
  const changes = await changesSinceGreen(store, reader, runs);
  const limit = Math.min(query.limitGiven ? query.limit : PLACES_DEFAULT, PLACES_MAX);
  const answers = await Promise.all(
    matching.slice(0, limit).map((each) => answerFor(question, reader, runs, changes, each)),
  );
  // What changed since the tests passed is the first to look at.
  answers.sort((a, b) => Number(b.changedSinceGreen === true) - Number(a.changedSinceGreen === true));
  return {
    rowsMax: answers.length,
    build: (rows, detail) => buildCode({ answers, total: matching.length, changes, page }, rows, detail),
  };
}

type LocatedSite = Pick<CodeAnswer, "site" | "place" | "frames">;

/** The innermost frame that is no library's once source maps have been asked; failing that the innermost. */
async function locate(reader: SourceReader, site: CodeSite): Promise<LocatedSite> {
  const own = site.frames.filter(({ isLibrary }) => !isLibrary);
  const frames = await Promise.all(
    (own.length > 0 ? own : site.frames)
      .slice(0, FRAMES_MAPPED_MAX)
      .map(async (frame) => ({ frame, place: await reader.placeOf(frame) })),
  );
  const best =
    frames.find(({ place }) => place.path !== undefined && !place.isLibrary) ??
    frames.find(({ place }) => !place.isLibrary) ??
    frames[0]!;
  return { site, place: best.place, frames };
}

/** A site as seen from the file asked for: at the frame that lies in it. */
function placedIn(asked: SourcePlace, { site, frames }: LocatedSite): LocatedSite[] {
  const inside = frames.find(
    ({ place }) =>
      asked.path !== undefined &&
      place.path === asked.path &&
      (asked.line === 0 || place.line === asked.line),
  );
  return inside === undefined ? [] : [{ site, place: inside.place, frames }];
}

async function answerFor(
  { store }: Question,
  reader: SourceReader,
  runs: TestRuns,
  changes: ChangesSinceGreen,
  { site, place, frames }: LocatedSite,
): Promise<CodeAnswer> {
  const { path, line } = place;
  const [context, facts, seen] = await Promise.all([
    reader.contextOf(place, AROUND),
    path === undefined || isLibraryFile(path) ? undefined : reader.factsOf(path, line),
    site === undefined ? [] : testsByTrace(store, runs, site.sample, path),
  ]);
  const covering = (facts?.coverage?.tests ?? []).map(
    (test) => ({ test, method: "coverage", confidence: 0.8 }) as const,
  );
  return {
    ...{ site, place, frames, context, facts },
    tests: [...seen, ...covering, ...(facts?.testsByName ?? [])]
      .sort((a, b) => b.confidence - a.confidence)
      .slice(0, TESTS_SHOWN_MAX),
    changedSinceGreen:
      path === undefined || facts === undefined ? undefined : hasChanged(changes, path, facts.writtenMs),
  };
}

/**
 * A file not written since the run is as it was then, even if it already differed from its commit. One written since has
 * changed if it differs from that commit; where the commit is unknown, the writing itself must do.
 */
function hasChanged(
  { green, files, from }: ChangesSinceGreen,
  path: string,
  writtenMs: number,
): boolean | undefined {
  if (green === undefined) return undefined;
  if (BigInt(Math.floor(writtenMs)) * 1_000_000n <= green.endNs) return false;
  return files === undefined || from === "git events" ? true : files.includes(path);
}

async function whyNoCode(
  question: Question,
  filter: Parameters<typeof whyEmpty>[1],
  page: Parameters<typeof whyEmpty>[3],
): Promise<string> {
  const { total } = await question.store.records({ filter, order: "newest", limit: 1 });
  return total > 0
    ? `None of the ${total.toLocaleString("en-US")} matching records names its code: no exception.stacktrace, no code.file.path. Give filter.file and filter.line to see a place.`
    : whyEmpty(question, filter, CODE, page);
}
