import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { SendableAttributes } from "./otlp-client.ts";

const runFile = promisify(execFile);
const GIT_TIMEOUT_MS = 2_000;
const DIFF_BYTES_MAX = 64 * 1024 ** 2;
const UNTRACKED_MAX = 1_000;

/**
 * What is checked out in `cwd` (semantic conventions, vcs.*), and in `gasoline.vcs.diff_hash` a hash of all that differs
 * from it, untracked files included; absent when nothing does. Two runs with the same revision and hash tested the
 * same files. Nothing where there is no repository or no git.
 */
export async function vcsAttributes(cwd: string): Promise<SendableAttributes> {
  const git = async (args: readonly string[]): Promise<string | undefined> => {
    const options = { cwd, timeout: GIT_TIMEOUT_MS, maxBuffer: DIFF_BYTES_MAX };
    // `--no-optional-locks`: a run must not disturb a git command that runs beside it.
    const ran = runFile("git", ["--no-optional-locks", ...args], options);
    return ran.then(
      ({ stdout }) => stdout,
      () => undefined,
    );
  };
  // All at once: a test may begin to write files as soon as it runs.
  const [head, top, branch, url, diff, untracked] = await Promise.all([
    git(["rev-parse", "HEAD"]),
    git(["rev-parse", "--show-toplevel"]),
    git(["symbolic-ref", "--quiet", "--short", "HEAD"]),
    git(["remote", "get-url", "origin"]),
    git(["diff", "HEAD", "--binary", "--no-ext-diff", "--no-color"]),
    git(["ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/"]),
  ]);
  if (head === undefined) return {};
  const revision = head.trim();
  const root = top?.trim() ?? cwd;
  const added = (untracked ?? "").split("\0").filter((name) => name !== "");
  const hash = diffHash(diff ?? "", added.slice(0, UNTRACKED_MAX), root);
  return {
    "vcs.ref.head.revision": revision,
    ...(branch === undefined ? {} : { "vcs.ref.head.name": branch.trim(), "vcs.ref.head.type": "branch" }),
    ...(url === undefined ? {} : { "vcs.repository.url.full": withoutCredentials(url.trim()) }),
    ...(hash === "" ? {} : { "gasoline.vcs.diff_hash": hash }),
  };
}

function diffHash(diff: string, untracked: readonly string[], root: string): string {
  if (diff === "" && untracked.length === 0) return "";
  const hash = createHash("sha256").update(diff);
  for (const name of untracked) {
    hash.update(`\0${name}\0`);
    try {
      hash.update(readFileSync(join(root, name)));
    } catch {
      // Gone meanwhile, or a folder of another repository: its name has to do.
    }
  }
  return hash.digest("hex").slice(0, 16);
}

function withoutCredentials(url: string): string {
  return url.replace(/^(\w+:\/\/)[^@/]*@/, "$1");
}
