import { execFile } from "node:child_process";
import { GasolineError } from "../model/errors.ts";

/** Why a git command gave no answer: it failed, took too long, or said more than can be held. */
export class GitError extends Error {}

export interface GitLimits {
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
}

const TIMEOUT_MS = 10_000;
const BYTES_MAX = 32 * 1024 ** 2;

/**
 * What `git ARGS` prints, run in `cwd` so that it disturbs no other git (no optional locks), asks nobody anything and
 * speaks English. Rejects with GitError; with GasolineError where there is no git at all.
 */
export function runGit(cwd: string, args: readonly string[], limits: GitLimits = {}): Promise<string> {
  const options = {
    cwd,
    env: { ...process.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" },
    timeout: limits.timeoutMs ?? TIMEOUT_MS,
    maxBuffer: limits.bytesMax ?? BYTES_MAX,
  };
  return new Promise((resolve, reject) => {
    execFile("git", [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === "ENOENT") {
        reject(
          new GasolineError("not_found", "git could not be started.", "Install git; it must be on PATH."),
        );
      } else {
        const why = error.killed === true ? `took longer than ${options.timeout} ms` : stderr.trim();
        reject(new GitError(`git ${args[0]}: ${why || error.message}`));
      }
    });
  });
}
