import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { GasolineError } from "../model/errors.ts";

/** How surely a path names a file: as it stands, by its last segments (a container, a URL), or by its name alone. */
export type PathFit = "exact" | "suffix" | "name";

export type Located =
  | {
      readonly found: "yes";
      /** Relative to the root, with `/`. */
      readonly path: string;
      /** Absolute, links resolved. */
      readonly file: string;
      readonly fit: PathFit;
    }
  /** Several files fit equally well. */
  | { readonly found: "ambiguous"; readonly candidates: readonly string[] }
  | { readonly found: "no" };

/** The files that may be shown, and what other machines call them. */
export interface Workspace {
  /** Absolute, links resolved. */
  readonly root: string;
  /** The file that a path or URL of telemetry means. Nothing outside the root is ever found. */
  locate(path: string): Promise<Located>;
  /**
   * The same for a path that a person or agent gives. Throws GasolineError `bad_parameter` when it leaves the workspace
   * or names a file that holds secrets.
   */
  locateAsked(path: string): Promise<Located>;
  /** Every file, relative to the root: what git knows and does not ignore, else what is there. */
  files(): Promise<readonly string[]>;
}

const FILES_MAX = 100_000;
const FILES_FRESH_MS = 5_000;
const CANDIDATES_MAX = 5;
/** Folders that no one edits, for a workspace without git. */
const SKIPPED = new Set(["node_modules", ".git", "dist", "build", "target", ".venv", "__pycache__", ".next"]);
/** Files that are not source but keys and passwords. */
const SECRET =
  /(?:^|\/)(?:\.git\/|\.env(?!\.(?:example|sample|template)$)[^/]*$|\.npmrc$|\.netrc$|id_[a-z0-9]+$|[^/]*\.(?:pem|key|p12|pfx|jks)$)/i;

/** What bundlers and servers put before a path, and what stands there instead. Applied in order. */
const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^(?:webpack-internal|webpack|turbopack|rollup|ng|app|vite|parcel|rsc):\/\/[^/]*\//i, ""],
  [/^https?:\/\/[^/]*\//i, ""],
  [/^(?:\.\/)?\([\w-]+\)\/(?=\.\/)/, ""],
  [/^\[project\]\//, ""],
  [/^(?:_next\/)?@fs\//, "/"],
  [/^[A-Za-z]:[\\/]/, "/"],
];

/** The workspace at `root`. `listFiles` is what git knows of it. Throws when the folder does not exist. */
export async function openWorkspace(
  root: string,
  listFiles: () => Promise<readonly string[] | undefined>,
  nowMs: () => number,
): Promise<Workspace> {
  const realRoot = await realpath(root);
  let listed: { readonly atMs: number; readonly index: Promise<FileIndex> } | undefined;

  function index(): Promise<FileIndex> {
    if (listed === undefined || nowMs() - listed.atMs >= FILES_FRESH_MS) {
      listed = {
        atMs: nowMs(),
        index: listFiles().then(async (files) => indexFiles(files ?? (await walk(realRoot)))),
      };
    }
    return listed.index;
  }

  /** The file at a path under the root, if links do not lead out of it. */
  async function inside(path: string, fit: PathFit): Promise<Located> {
    try {
      const file = await realpath(join(realRoot, path));
      const own = relative(realRoot, file).split(sep).join("/");
      if (leaves(own) || SECRET.test(own) || SECRET.test(path) || !(await stat(file)).isFile())
        return { found: "no" };
      return { found: "yes", path: own, file, fit };
    } catch {
      return { found: "no" };
    }
  }

  async function locate(path: string): Promise<Located> {
    const plain = plainPath(path);
    if (plain === undefined) return { found: "no" };
    const fromRoot = isAbsolute(plain) ? relative(realRoot, plain).split(sep).join("/") : plain;
    if (!leaves(fromRoot)) {
      const exact = await inside(fromRoot, "exact");
      if (exact.found === "yes") return exact;
    }
    const best = longestSuffix(await index(), plain);
    if (best === undefined) return { found: "no" };
    if (best.paths.length > 1) return { found: "ambiguous", candidates: best.paths.slice(0, CANDIDATES_MAX) };
    return inside(best.paths[0]!, best.fit);
  }

  return {
    root: realRoot,
    locate,
    async locateAsked(path) {
      const plain = plainPath(path);
      if (plain !== undefined && SECRET.test(plain)) throw refused(path, "may hold secrets");
      if (plain === undefined || (!isAbsolute(plain) && leaves(plain)))
        throw refused(path, "leaves the workspace");
      const located = await locate(path);
      if (located.found !== "no") return located;
      const isOutside = isAbsolute(plain) && leaves(relative(realRoot, plain).split(sep).join("/"));
      if (isOutside || (await linksOut(join(realRoot, plain), realRoot)))
        throw refused(path, "leaves the workspace");
      return located;
    },
    files: async () => (await index()).all,
  };
}

function refused(path: string, why: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `filter.file is ${JSON.stringify(path.slice(0, 200))}, which ${why}.`,
    "Give a path inside the workspace, from its root; `gasoline serve --workspace DIR` chooses another.",
  );
}

/** Whether a path exists and its links lead out of the root. */
async function linksOut(path: string, root: string): Promise<boolean> {
  try {
    return leaves(
      relative(root, await realpath(path))
        .split(sep)
        .join("/"),
    );
  } catch {
    // It is not there at all.
    return false;
  }
}

function leaves(path: string): boolean {
  return path === "" || path === ".." || path.startsWith("../") || isAbsolute(path);
}

/**
 * A path without scheme, host and query, with `/`, its `.` and `..` resolved: absolute, or relative to nobody knows
 * what. `undefined` for what is no path of a file.
 */
function plainPath(path: string): string | undefined {
  if (path === "" || path.includes("\0") || path.startsWith("<")) return undefined;
  let plain = path;
  if (/^file:\/\//i.test(path)) {
    try {
      plain = fileURLToPath(path);
    } catch {
      // A host, or an escape that is none: as good as any other URL.
      plain = path.replace(/^file:\/\/[^/]*/i, "");
    }
  }
  if (/^[a-z][a-z-]+:\/\//i.test(plain)) plain = decoded(plain.replace(/[?#].*$/, ""));
  for (const [pattern, instead] of PREFIXES) plain = plain.replace(pattern, instead);
  const normal = posix.normalize(plain.replaceAll("\\", "/").replace(/\?.*$/, ""));
  return normal === "." || normal.endsWith("/") ? undefined : normal;
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

interface FileIndex {
  readonly all: readonly string[];
  readonly byName: ReadonlyMap<string, readonly string[]>;
}

function indexFiles(files: readonly string[]): FileIndex {
  const byName = new Map<string, string[]>();
  for (const file of files) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [file]);
    else same.push(file);
  }
  return { all: files, byName };
}

/** The files that share the most segments with the end of `path`; several when they share equally many. */
function longestSuffix(
  { byName }: FileIndex,
  path: string,
): { readonly paths: readonly string[]; readonly fit: PathFit } | undefined {
  const asked = path.split("/").filter((segment) => segment !== "" && segment !== "..");
  let paths: string[] = [];
  let longest = 0;
  for (const candidate of byName.get(asked.at(-1) ?? "") ?? []) {
    const segments = candidate.split("/");
    let equal = 0;
    while (
      equal < asked.length &&
      equal < segments.length &&
      asked.at(-1 - equal) === segments.at(-1 - equal)
    )
      equal++;
    if (equal > longest) paths = [];
    if (equal >= longest) paths.push(candidate);
    longest = Math.max(longest, equal);
  }
  if (paths.length === 0) return undefined;
  return { paths, fit: longest > 1 || asked.length === 1 ? "suffix" : "name" };
}

/** Files under `root`, a bounded number, without those that no one edits. Links are not followed. */
async function walk(root: string): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [""];
  for (
    let folder = folders.shift();
    folder !== undefined && files.length < FILES_MAX;
    folder = folders.shift()
  ) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) folders.push(path);
      else if (entry.isFile()) files.push(path);
    }
  }
  return files;
}
