import { createHash } from "node:crypto";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BoundedCache } from "./bounded-cache.ts";
import { fetchLoopback, readTextFile, type VersionedText } from "./read-text.ts";

/** Where generated code was written by a person. */
export interface OriginalPlace {
  /** A path or URL as the map names it, its `sourceRoot` put before it and, if relative, read from the map's place. */
  readonly source: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The name the function or variable had; `""` when the map tells none. */
  readonly name: string;
  /** The whole text of the source, if the map carries it. */
  readonly content: string | undefined;
}

/** Finds originals. Maps are read inline, beside a file, or from a dev server on this machine. */
export interface SourceMaps {
  /**
   * The original of `line` and `column` (from 1; column 0: the line's first mapping) in generated code: an absolute path
   * that may be read, or a URL. `undefined` without a map, or when the map says nothing of this place.
   */
  original(generated: string, line: number, column: number): Promise<OriginalPlace | undefined>;
}

interface ParsedMap {
  readonly map: SourceMap;
  /** Path or URL of the map, which its relative sources start from. */
  readonly base: string;
}

const MAPS_KEPT = 32;
/** A dev server's answer is asked for again after this long: it changes with every edit. */
const FETCHED_FRESH_MS = 3_000;
/** The last comment counts, near the end of the file. */
const MAPPING_URL = /^[ \t]*(?:\/\/|\/\*)[#@][ \t]*sourceMappingURL=([^\s*]+)/gm;
/** A comment begins at most so many characters before `sourceMappingURL=`. */
const COMMENT_CHARS = 16;
const DATA_URL = /^data:application\/json[^,]*?(;base64)?,/;

/** Maps of generated code, read through `mayRead` (a path that lies in the workspace); at most 32 are kept, parsed. */
export function openSourceMaps(mayRead: (file: string) => Promise<boolean>, nowMs: () => number): SourceMaps {
  /** By what the map's text hashes to: a server that serves it anew costs no second parse. */
  const parsed = new BoundedCache<{ readonly map: SourceMap | undefined }>(MAPS_KEPT);
  /** By generated file and its version. */
  const found = new BoundedCache<{ readonly atMs: number; readonly map: Promise<ParsedMap | undefined> }>(
    MAPS_KEPT * 2,
  );

  async function read(place: string): Promise<VersionedText | undefined> {
    if (!isUrl(place)) return (await mayRead(place)) ? readTextFile(place) : undefined;
    const text = await fetchLoopback(place);
    return text === undefined ? undefined : { text, version: "" };
  }

  async function mapOf(generated: string): Promise<ParsedMap | undefined> {
    const code = await read(generated);
    const url = code === undefined ? undefined : mappingUrl(code.text);
    const place = url === undefined ? `${generated}.map` : resolvePlace(generated, url);
    const inline = url === undefined ? undefined : readDataUrl(url);
    const text =
      inline ?? (code === undefined || url?.startsWith("data:") ? undefined : (await read(place))?.text);
    if (text === undefined) return undefined;
    const hash = createHash("sha256").update(text).digest("base64");
    const known = parsed.get(hash) ?? { map: parseMap(text) };
    parsed.set(hash, known);
    return known.map === undefined
      ? undefined
      : { map: known.map, base: inline === undefined ? place : generated };
  }

  return {
    async original(generated, line, column) {
      if (line < 1) return undefined;
      let entry = found.get(generated);
      if (entry === undefined || nowMs() - entry.atMs >= FETCHED_FRESH_MS) {
        entry = { atMs: nowMs(), map: mapOf(generated) };
        found.set(generated, entry);
      }
      const parsedMap = await entry.map;
      return parsedMap === undefined ? undefined : originalIn(parsedMap, line, column);
    },
  };
}

function originalIn({ map, base }: ParsedMap, line: number, column: number): OriginalPlace | undefined {
  // Without a column, any mapping of the line will do: the last one that begins on it.
  const entry = map.findEntry(line - 1, column > 0 ? column - 1 : Number.MAX_SAFE_INTEGER);
  if (!("originalSource" in entry) || entry.generatedLine !== line - 1) return undefined;
  const { originalSource, originalLine, originalColumn } = entry;
  if (typeof originalSource !== "string" || originalLine === undefined) return undefined;
  const { sourceRoot, content } = sourceOf(map.payload, originalSource);
  const rooted = sourceRoot === "" ? originalSource : `${sourceRoot.replace(/\/$/, "")}/${originalSource}`;
  return {
    source: resolvePlace(base, rooted),
    line: originalLine + 1,
    column: originalColumn + 1,
    name: "name" in entry && typeof entry.name === "string" ? entry.name : "",
    content,
  };
}

/** The `sourceRoot` and text of a source, looked up in the section of an index map that names it. */
function sourceOf(
  payload: SourceMapPayload,
  source: string,
): { readonly sourceRoot: string; readonly content: string | undefined } {
  const whole = payload as Partial<SourceMapPayload> & {
    readonly sections?: readonly { readonly map?: Partial<SourceMapPayload> }[];
  };
  const maps = Array.isArray(whole.sections) ? whole.sections.map(({ map }) => map) : [whole];
  for (const map of maps) {
    const at = map?.sources?.indexOf(source) ?? -1;
    if (at < 0) continue;
    const content: unknown = map?.sourcesContent?.[at];
    const root: unknown = map?.sourceRoot;
    return {
      sourceRoot: typeof root === "string" ? root : "",
      content: typeof content === "string" ? content : undefined,
    };
  }
  return { sourceRoot: "", content: undefined };
}

function parseMap(text: string): SourceMap | undefined {
  try {
    // Some servers put a line before the JSON so that it cannot be run (source map specification, "XSSI").
    return new SourceMap(JSON.parse(text.replace(/^\)\]\}'[^\n]*\n/, "")) as SourceMapPayload);
  } catch {
    // Not a map: as good as none.
    return undefined;
  }
}

function mappingUrl(code: string): string | undefined {
  const start = Math.max(0, code.lastIndexOf("sourceMappingURL=") - COMMENT_CHARS);
  return [...code.slice(start).matchAll(MAPPING_URL)].at(-1)?.[1];
}

function readDataUrl(url: string): string | undefined {
  const match = DATA_URL.exec(url);
  if (match === null) return undefined;
  const data = url.slice(match[0].length);
  try {
    return match[1] === undefined ? decodeURIComponent(data) : Buffer.from(data, "base64").toString("utf8");
  } catch {
    return undefined;
  }
}

function isUrl(place: string): boolean {
  return /^https?:\/\//i.test(place);
}

/** `reference` as seen from `base`: URLs from a URL, paths from a file's folder; what is absolute stays as it is. */
function resolvePlace(base: string, reference: string): string {
  if (/^file:\/\//i.test(reference)) {
    try {
      return fileURLToPath(reference);
    } catch {
      return reference;
    }
  }
  if (/^[a-z][a-z-]+:/i.test(reference)) return reference;
  if (isUrl(base)) return URL.canParse(reference, base) ? new URL(reference, base).href : reference;
  return reference.startsWith("/") ? reference : join(dirname(base), reference);
}
