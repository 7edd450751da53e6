import { stat } from "node:fs/promises";
import { type CodeContext, contextAt } from "./code-context.ts";
import { type LineCoverage, openCoverage } from "./coverage.ts";
import { type LineChange, openGit, repositoryAround } from "./git.ts";
import { readTextFile } from "./read-text.ts";
import { type RelatedTest, testsByName } from "./related-tests.ts";
import { openSourceMaps } from "./source-map.ts";
import { isLibraryFile, type StackFrame } from "./stack.ts";
import { type Located, openWorkspace, type PathFit } from "./workspace.ts";

/** Where a frame lies in the sources that people edit. */
export interface SourcePlace {
  /** From the workspace's root; `undefined` when no file of the workspace fits. */
  readonly path: string | undefined;
  /** What the file is called by the frame, or by the source map that led here. */
  readonly named: string;
  /** From 1; 0 when not told. */
  readonly line: number;
  readonly isLibrary: boolean;
  readonly fit?: PathFit;
  /** The generated file whose source map led here. */
  readonly mappedFrom?: string;
  /** The function's name before it was generated, if the map tells. */
  readonly originalName?: string;
  /** The source's text, where only the map has it. Not masked. */
  readonly carriedText?: string;
  /** Why no file of the workspace is named. */
  readonly why?: string;
}

/** What is known of a line of a file beside its text. */
export interface LineFacts {
  readonly lastChange?: LineChange;
  readonly coverage?: LineCoverage;
  readonly testsByName: readonly RelatedTest[];
  /** When the file was last written, Unix ms. */
  readonly writtenMs: number;
}

/** The sources of one workspace, as questions about telemetry need them. Reads; never writes. */
export interface SourceReader {
  readonly root: string;
  /** Where a frame lies. Never throws on what telemetry says. */
  placeOf(frame: StackFrame): Promise<SourcePlace>;
  /** The same for a path that the asker gave. Throws GasolineError `bad_parameter` when it leaves the workspace. */
  placeAsked(path: string, line: number): Promise<SourcePlace>;
  /** The source around a place, masked; `undefined` when there is none, or it has no such line. */
  contextOf(place: SourcePlace, around: number): Promise<CodeContext | undefined>;
  /** Of a path from the root; `undefined` when the file is gone. */
  factsOf(path: string, line: number): Promise<LineFacts | undefined>;
  /** Files that differ from a revision, uncommitted changes included; `undefined` when git does not know it. */
  changedSince(revision: string): Promise<readonly string[] | undefined>;
}

export interface SourceReaderOptions {
  /** `""`: the repository around the working directory, else that directory. */
  readonly workspace: string;
  /** The store's masker: source leaves by the same rules as telemetry. Keeps the number of UTF-8 bytes. */
  readonly maskText: (text: string) => string;
  readonly nowMs: () => number;
}

/** Opens the workspace. Throws when its folder does not exist. */
export async function openSourceReader(options: SourceReaderOptions): Promise<SourceReader> {
  const { maskText, nowMs } = options;
  const root = options.workspace === "" ? await repositoryAround(process.cwd()) : options.workspace;
  const git = openGit(root, nowMs);
  const workspace = await openWorkspace(root, () => git.files(), nowMs);
  const coverageOf = openCoverage(workspace);
  const mayRead = async (file: string): Promise<boolean> => {
    const located = await workspace.locate(file);
    return located.found === "yes" && located.fit === "exact";
  };
  const maps = openSourceMaps(mayRead, nowMs);

  /** What may carry a map: a URL as it is, a path as the workspace has it. */
  async function generatedPlace(file: string): Promise<string | undefined> {
    if (/^https?:\/\//i.test(file)) return file;
    const located = await workspace.locate(file);
    return located.found === "yes" ? located.file : undefined;
  }

  return {
    root: workspace.root,
    async placeOf(frame) {
      const { file, line, column, isLibrary } = frame;
      const generated = isLibrary ? undefined : await generatedPlace(file);
      const original = generated === undefined ? undefined : await maps.original(generated, line, column);
      if (original === undefined)
        return { ...located(await workspace.locate(file)), named: file, line, isLibrary };
      const { source, name, content } = original;
      return {
        ...located(await workspace.locate(source)),
        named: source,
        line: original.line,
        isLibrary: isLibraryFile(source),
        mappedFrom: file,
        ...(name === "" ? {} : { originalName: name }),
        ...(content === undefined ? {} : { carriedText: content }),
      };
    },
    async placeAsked(path, line) {
      const place = located(await workspace.locateAsked(path));
      return { ...place, named: path, line, isLibrary: false };
    },
    async contextOf({ path, line, carriedText }, around) {
      const found = path === undefined ? undefined : await workspace.locate(path);
      const text = found?.found === "yes" ? (await readTextFile(found.file))?.text : carriedText;
      return text === undefined
        ? undefined
        : contextAt(maskLines(text, maskText), line === 0 ? 1 : line, around);
    },
    async factsOf(path, line) {
      const found = await workspace.locate(path);
      if (found.found !== "yes") return undefined;
      const [lastChange, coverage, files, written] = await Promise.all([
        line > 0 ? git.lastChange(found.file, line) : undefined,
        coverageOf(found.path, line),
        workspace.files(),
        stat(found.file).catch(() => undefined),
      ]);
      if (written === undefined) return undefined;
      return {
        ...(lastChange === undefined ? {} : { lastChange }),
        ...(coverage === undefined ? {} : { coverage }),
        testsByName: testsByName(found.path, files),
        writtenMs: written.mtimeMs,
      };
    },
    changedSince: (revision) => git.changedSince(revision),
  };
}

function located(found: Located): Pick<SourcePlace, "path" | "fit" | "why"> {
  if (found.found === "yes") return { path: found.path, fit: found.fit };
  const why =
    found.found === "ambiguous"
      ? `several files of the workspace fit: ${found.candidates.join(", ")}`
      : "no file of the workspace fits; `gasoline serve --workspace DIR` says where the sources are";
  return { path: undefined, why };
}

/** Masks a text whose secrets may span lines (private keys), and keeps its line breaks. */
function maskLines(text: string, maskText: (text: string) => string): string {
  const masked = maskText(text);
  if (masked === text) return text;
  const bytes = Buffer.from(masked);
  const original = Buffer.from(text);
  for (let at = original.indexOf(10); at >= 0; at = original.indexOf(10, at + 1)) bytes[at] = 10;
  return bytes.toString();
}
