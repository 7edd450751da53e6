import { execFile } from "node:child_process";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";
import { BoundedCache } from "./bounded-cache.ts";

const run = promisify(execFile);

/** The commit that a line was last changed in. */
export interface LineChange {
  /** Full id; `""` when the change has not been committed yet. */
  readonly commit: string;
  readonly author: string;
  /** When the author wrote it, Unix ms. */
  readonly timeMs: number;
  readonly subject: string;
}

/** Questions to git about files of one workspace. Everything git cannot answer (no repository, no git) is `undefined`. */
export interface Git {
  /** Who changed a line last; of the file as it is on disk. `line` from 1. */
  lastChange(file: string, line: number): Promise<LineChange | undefined>;
  /** Files that differ from `revision` in the working tree of `root`, new ones included, relative to it, with `/`. */
  changedSince(revision: string): Promise<readonly string[] | undefined>;
  /** Tracked files and new ones that are not ignored, relative to `root`, with `/`. */
  files(): Promise<readonly string[] | undefined>;
}

const TIMEOUT_MS = 3_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const HEAD_FRESH_MS = 1_000;
const CHANGES_KEPT = 2_000;
const REVISION = /^[0-9a-f]{7,64}$/;
/** What blame names a change that is not committed. */
const NOT_COMMITTED = /^0+$/;

/** Asking must not set off monitors, hooks or converters that a repository configures (filters alone are git's to run), and nothing may wait for a person or take a lock. */
const SAFE = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks"] as const;
const ENVIRONMENT = { GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" } as const;

/**
 * git of the files under `root`, called as a program with its arguments one by one (no shell), each call at most three
 * seconds. Each file is asked for in its own folder, so that submodules and nested repositories answer for themselves.
 */
export function openGit(root: string, nowMs: () => number): Git {
  const changes = new BoundedCache<LineChange>(CHANGES_KEPT);
  const heads = new BoundedCache<{ readonly atMs: number; readonly head: string }>(64);

  async function headOf(folder: string): Promise<string> {
    const known = heads.get(folder);
    if (known !== undefined && nowMs() - known.atMs < HEAD_FRESH_MS) return known.head;
    const head = (await ask(folder, ["rev-parse", "--verify", "HEAD"]))?.trim() ?? "";
    heads.set(folder, { atMs: nowMs(), head });
    return head;
  }

  return {
    async lastChange(file, line) {
      const folder = dirname(file);
      const head = await headOf(folder);
      // A file that has just been removed has no line to ask about.
      const written = await stat(file).catch(() => undefined);
      if (head === "" || written === undefined) return undefined;
      const key = `${head} ${written.mtimeMs} ${written.size} ${line} ${file}`;
      const known = changes.get(key);
      if (known !== undefined) return known;
      const range = `${line},${line}`;
      const told = await ask(folder, [
        "blame",
        "--porcelain",
        "--no-textconv",
        "-L",
        range,
        "--",
        basename(file),
      ]);
      const change = told === undefined ? undefined : readBlame(told);
      if (change !== undefined) changes.set(key, change);
      return change;
    },
    async changedSince(revision) {
      if (!REVISION.test(revision)) return undefined;
      const options = ["--name-only", "--relative", "--no-ext-diff", "--no-textconv", "--no-renames", "-z"];
      const [told, added] = await Promise.all([
        ask(root, ["diff", ...options, revision, "--"]),
        ask(root, ["ls-files", "-z", "--others", "--exclude-standard"]),
      ]);
      return told === undefined
        ? undefined
        : `${told}${added ?? ""}`.split("\0").filter((path) => path !== "");
    },
    async files() {
      const told = await ask(root, ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
      return told?.split("\0").filter((path) => path !== "");
    },
  };
}

/** The top folder of the repository around `folder`, else `folder` itself; both real paths. */
export async function repositoryAround(folder: string): Promise<string> {
  const top = (await ask(folder, ["rev-parse", "--show-toplevel"]))?.replace(/\n$/, "");
  return realpath(top === undefined || top === "" ? folder : top);
}

/** What git prints; `undefined` when it fails, is not there, or takes too long: none of that is an error here. */
async function ask(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run("git", ["-C", folder, ...SAFE, "--literal-pathspecs", ...args], {
      env: { ...process.env, ...ENVIRONMENT },
      timeout: TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
      encoding: "utf8",
    });
    return stdout;
  } catch {
    return undefined;
  }
}

/** One entry of `git blame --porcelain`: a line of the commit's id, then `name value` lines. */
function readBlame(text: string): LineChange | undefined {
  const [first = "", ...rest] = text.split("\n");
  const commit = first.split(" ", 1)[0]!;
  const fieldOf = (name: string): string =>
    rest.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? "";
  const seconds = Number(fieldOf("author-time"));
  if (!/^[0-9a-f]{40,64}$/.test(commit) || !Number.isFinite(seconds)) return undefined;
  return {
    commit: NOT_COMMITTED.test(commit) ? "" : commit,
    author: fieldOf("author"),
    timeMs: seconds * 1000,
    subject: fieldOf("summary"),
  };
}
