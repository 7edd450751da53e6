import { basename, join } from "node:path";
import { GasolineError } from "../model/errors.ts";
import { GitError, runGit } from "./git-command.ts";
import type { SendableAttributes } from "./otlp-client.ts";

/** A work tree: the main one of a repository, a linked one, or a submodule's. */
export interface Repository {
  /** Root of the work tree. */
  readonly root: string;
  /** Where HEAD, its reflog and the index of this work tree are. */
  readonly gitDir: string;
  /** Where hooks are run from. */
  readonly hooksDir: string;
  readonly name: string;
  /** Of the remote `origin`, without credentials; `undefined` without one. */
  readonly url: string | undefined;
}

/** Throws GasolineError where there is no work tree: outside of a repository, or in a bare one. */
export async function openRepository(cwd: string): Promise<Repository> {
  const asked = ["--is-bare-repository", "--is-inside-work-tree", "--absolute-git-dir"];
  const facts = await runGit(cwd, ["rev-parse", ...asked]).catch((error: unknown) => {
    if (!(error instanceof GitError)) throw error;
    throw new GasolineError(
      "not_found",
      `${cwd} is in no git repository (${error.message}).`,
      "Run `gasoline git` in the work tree to be watched.",
    );
  });
  const [isBare, isInside, gitDir] = facts.trimEnd().split("\n") as [string, string, string];
  if (isBare === "true" || isInside !== "true") {
    throw new GasolineError(
      "bad_parameter",
      `${gitDir} ${isBare === "true" ? "is a bare repository" : "is no work tree"}: there are no files to watch.`,
      "Run `gasoline git` in a clone, or in a work tree made with `git worktree add`.",
    );
  }
  const root = (await runGit(cwd, ["rev-parse", "--show-toplevel"])).trimEnd();
  const hooks = (await runGit(root, ["rev-parse", "--git-path", "hooks"])).trimEnd();
  const url = await runGit(root, ["remote", "get-url", "origin"]).catch(() => undefined);
  return {
    ...{ root, gitDir, name: basename(root) },
    hooksDir: hooks.startsWith("/") ? hooks : join(root, hooks),
    url: url?.trim().replace(/^(\w+:\/\/)[^@/]*@/, "$1"),
  };
}

export function repositoryAttributes({ name, url }: Repository): SendableAttributes {
  return {
    "service.name": name,
    "vcs.repository.name": name,
    ...(url === undefined ? {} : { "vcs.repository.url.full": url }),
  };
}

/** What HEAD stands for now. */
export interface Head {
  /** `""` before the first commit. */
  readonly revision: string;
  /** Branch; `undefined` when HEAD is detached. */
  readonly branch: string | undefined;
}

export async function readHead({ root }: Repository): Promise<Head> {
  const [revision, branch] = await Promise.all([
    runGit(root, ["rev-parse", "--verify", "--quiet", "HEAD"]).catch(() => ""),
    runGit(root, ["symbolic-ref", "--quiet", "--short", "HEAD"]).catch(() => undefined),
  ]);
  return { revision: revision.trim(), branch: branch?.trim() };
}

export function headAttributes({ revision, branch }: Head): SendableAttributes {
  return {
    ...(revision === "" ? {} : { "vcs.ref.head.revision": revision }),
    ...(branch === undefined ? {} : { "vcs.ref.head.name": branch, "vcs.ref.head.type": "branch" }),
  };
}
