import { lstatSync } from "node:fs";
import { join } from "node:path";
import { GitError, runGit } from "./git-command.ts";
import type { Head, Repository } from "./git-repository.ts";

export type ChangeStatus = "added" | "modified" | "deleted" | "renamed" | "conflicted" | "reverted";

/** Lines of one file; absent counts are of a binary file, or of one that git does not track yet. */
export interface FileChange {
  readonly path: string;
  readonly status: ChangeStatus;
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const ZEROS = /^0+$/;

/** Lines added and removed by path, between two revisions, or from one to the work tree. */
async function lineCounts(root: string, revisions: readonly string[]): Promise<Map<string, LineCounts>> {
  const args = ["diff", "--numstat", "-z", "-M", "--no-ext-diff", ...revisions, "--"];
  const counts = new Map<string, LineCounts>();
  const fields = (await runGit(root, args)).split("\0");
  for (let at = 0; at < fields.length; at++) {
    const match = /^(\d+|-)\t(\d+|-)\t([\s\S]*)$/.exec(fields[at]!);
    if (match === null) continue;
    // A rename has no path here, and its two paths in the fields after.
    const renamed = match[3] === "";
    if (renamed) at += 2;
    const path = renamed ? fields[at]! : match[3]!;
    counts.set(path, { added: numberOf(match[1]!), removed: numberOf(match[2]!) });
  }
  return counts;
}

interface LineCounts {
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

function numberOf(text: string): number | undefined {
  return text === "-" ? undefined : Number(text);
}

/** Files that differ between two commits, all zeros standing for none; empty when git takes too long. */
export async function changedBetween(root: string, from: string, to: string): Promise<FileChange[]> {
  if (ZEROS.test(to) || from === to) return [];
  const counts = await lineCounts(root, [ZEROS.test(from) ? EMPTY_TREE : from, to]).catch(emptyOnGitError);
  return [...counts].map(([path, lines]) => ({ path, status: "modified", ...lines }));
}

function emptyOnGitError(error: unknown): Map<string, LineCounts> {
  if (error instanceof GitError) return new Map();
  throw error;
}

/** Past this many files their times are not read: a file that changes again without changing its counts is missed. */
const STAMPED_MAX = 2_000;

/** A change, and what tells it from a later one of the same file. */
export type WorkTree = ReadonlyMap<string, { readonly change: FileChange; readonly stamp: string }>;

/** Everything in the work tree that differs from HEAD, by path. Throws GitError when git takes too long. */
export async function readWorkTree({ root }: Repository, head: Head): Promise<WorkTree> {
  const status = await runGit(root, ["status", "--porcelain=v2", "-z", "--untracked-files=normal"]);
  const changed = parseStatus(status);
  if (changed.size === 0) return new Map();
  const counts = await lineCounts(root, [head.revision === "" ? EMPTY_TREE : head.revision]);
  return new Map(
    [...changed].map(([path, kind]) => {
      const change = {
        path,
        status: kind,
        ...(counts.get(path) ?? { added: undefined, removed: undefined }),
      };
      const stamp = changed.size > STAMPED_MAX ? "" : stampOf(join(root, path));
      return [path, { change, stamp: `${kind} ${change.added} ${change.removed} ${stamp}` }];
    }),
  );
}

/** `git status --porcelain=v2 -z`: entries of `1 XY …8 fields path`, `2 XY …9 path\0old path`, `u …10 path`, `? path`. */
function parseStatus(text: string): Map<string, ChangeStatus> {
  const found = new Map<string, ChangeStatus>();
  const entries = text.split("\0");
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at]!;
    const kind = entry[0];
    if (kind === "?") found.set(entry.slice(2), "added");
    else if (kind === "u") found.set(pathAfter(entry, 10), "conflicted");
    else if (kind === "1") found.set(pathAfter(entry, 8), statusOf(entry.slice(2, 4)));
    else if (kind === "2") {
      found.set(pathAfter(entry, 9), "renamed");
      at++;
    }
  }
  return found;
}

function pathAfter(entry: string, fields: number): string {
  let at = 0;
  for (let field = 0; field < fields; field++) at = entry.indexOf(" ", at) + 1;
  return entry.slice(at);
}

function statusOf(letters: string): ChangeStatus {
  if (letters.includes("D")) return "deleted";
  return letters.includes("A") ? "added" : "modified";
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size } = lstatSync(path);
    return `${mtimeMs} ${size}`;
  } catch {
    return "gone";
  }
}

const HUNK_CHARACTERS_MAX = 8 * 1024;

/** The hunks in which a file differs from HEAD, cut at 8 KiB; `""` for one that git does not track, or in time. */
export async function readHunks(root: string, path: string): Promise<string> {
  const diff = await runGit(root, ["diff", "--no-ext-diff", "--no-color", "-U2", "HEAD", "--", path]).catch(
    () => "",
  );
  const start = diff.indexOf("\n@@");
  const hunks = start < 0 ? "" : diff.slice(start + 1);
  return hunks.length > HUNK_CHARACTERS_MAX ? `${hunks.slice(0, HUNK_CHARACTERS_MAX)}\n…` : hunks;
}
