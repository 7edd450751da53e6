import { realpathSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openGit, repositoryAround } from "../../src/enrich/git.ts";
import { makeRepository, type Repository } from "../support/repository.ts";

let repository: Repository;
let nowMs: number;
beforeEach(() => {
  repository = makeRepository();
  nowMs = 0;
});
afterEach(() => repository.remove());

const git = (root = repository.root) => openGit(root, () => nowMs);
const at = (path: string): string => join(repository.root, path);

test("a line has the commit, author, time and subject that changed it last", async () => {
  repository.write("a.js", "one\ntwo\n");
  const first = repository.commit("Begin", "Ann Author", "2026-01-02T03:04:05Z");
  repository.write("a.js", "one\nTWO\n");
  const second = repository.commit("Shout: two", "Ben Other", "2026-01-03T00:00:00Z");
  expect(await git().lastChange(at("a.js"), 1)).toEqual({
    commit: first,
    author: "Ann Author",
    timeMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    subject: "Begin",
  });
  expect(await git().lastChange(at("a.js"), 2)).toMatchObject({
    commit: second,
    author: "Ben Other",
    subject: "Shout: two",
  });
  expect(await git().lastChange(at("a.js"), 99)).toBeUndefined();
  expect(await git().lastChange(at("removed.js"), 1)).toBeUndefined();
});

test("an edit that is not committed says so, and a commit is seen after a second", async () => {
  repository.write("a.js", "one\n");
  repository.commit("Begin");
  repository.write("a.js", "one\nnew\n");
  const asked = git();
  expect(await asked.lastChange(at("a.js"), 2)).toMatchObject({ commit: "" });
  const commit = repository.commit("Add");
  nowMs = 1_000;
  expect(await asked.lastChange(at("a.js"), 2)).toMatchObject({ commit });
});

test("names that look like options, patterns or paths of git are only names", async () => {
  for (const name of ["-L1,1.js", "--output=x.js", ":(glob)*.js", "a b'\"$(id).js", "ünï.js"]) {
    repository.write(`odd/${name}`, "one\n");
  }
  const commit = repository.commit("Odd names");
  const asked = git();
  for (const name of ["-L1,1.js", "--output=x.js", ":(glob)*.js", "a b'\"$(id).js", "ünï.js"]) {
    expect(await asked.lastChange(at(`odd/${name}`), 1), name).toMatchObject({ commit });
  }
  expect(await asked.files()).toContain("odd/ünï.js");
});

test("changes since a revision are those committed and those that are not", async () => {
  repository.write("a.js", "one\n");
  repository.write("b.js", "one\n");
  repository.write("c.js", "one\n");
  const revision = repository.commit("Begin");
  repository.write("a.js", "two\n");
  repository.commit("Change a");
  repository.write("b.js", "two\n");
  expect(await git().changedSince(revision)).toEqual(["a.js", "b.js"]);
  for (const hostile of ["--output=/tmp/x", "HEAD", "main", "0".repeat(40), ""]) {
    expect(await git().changedSince(hostile), hostile).toBeUndefined();
  }
});

test("new files are listed, ignored ones are not", async () => {
  repository.write(".gitignore", "dist/\n");
  repository.write("a.js", "");
  repository.commit("Begin");
  repository.write("new.js", "");
  repository.write("dist/a.js", "");
  expect([...(await git().files())!].sort()).toEqual([".gitignore", "a.js", "new.js"]);
});

test("a repository without a commit, and a folder without a repository, answer nothing", async () => {
  repository.write("a.js", "one\n");
  expect(await git().lastChange(at("a.js"), 1)).toBeUndefined();
  repository.git("update-ref", "-d", "HEAD");
  expect(await git("/").changedSince("0123456789")).toBeUndefined();
});

test("a detached head and a rebase that stopped answer as any other state", async () => {
  repository.write("a.js", "one\n");
  const first = repository.commit("Begin");
  repository.git("checkout", "--quiet", "-b", "side");
  repository.write("a.js", "side\n");
  repository.commit("Side");
  repository.git("checkout", "--quiet", "main");
  repository.write("a.js", "main\n");
  const main = repository.commit("Main");
  repository.git("checkout", "--quiet", "--detach", main);
  expect(await git().lastChange(at("a.js"), 1)).toMatchObject({ commit: main });
  repository.git("checkout", "--quiet", "side");
  expect(() => repository.git("rebase", "main")).toThrow();
  // The file holds the markers of a conflict: its lines are not committed, and nothing fails.
  expect(await git().lastChange(at("a.js"), 1)).toMatchObject({ commit: "" });
  expect(await git().changedSince(first)).toEqual(["a.js"]);
});

test("a worktree and a submodule answer for themselves", async () => {
  repository.write("a.js", "one\n");
  const commit = repository.commit("Begin");
  const inner = makeRepository();
  try {
    inner.write("lib.js", "x\n");
    const innerCommit = inner.commit("Library");
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.root, "lib");
    repository.commit("Add the library");
    expect(await git().lastChange(at("lib/lib.js"), 1)).toMatchObject({ commit: innerCommit });
    repository.git("worktree", "add", "--quiet", at("tree"), commit);
    expect(await git(at("tree")).lastChange(at("tree/a.js"), 1)).toMatchObject({ commit });
    expect(await repositoryAround(at("tree"))).toBe(realpathSync(at("tree")));
  } finally {
    inner.remove();
  }
});

test("programs that a repository's configuration names are not started", async () => {
  repository.write("a.js", "one\n");
  repository.write(".gitattributes", "*.js diff=own\n");
  const revision = repository.commit("Begin");
  repository.write("a.js", "two\n");
  const ran = at("ran");
  const program = `touch '${ran}'; cat`;
  for (const key of ["core.fsmonitor", "diff.external", "diff.own.textconv", "diff.own.command"]) {
    repository.git("config", key, program);
  }
  const asked = git();
  await asked.lastChange(at("a.js"), 1);
  await asked.changedSince(revision);
  await asked.files();
  expect(await asked.files()).not.toContain("ran");
});

test("the repository around a folder is its top; without one, the folder", async () => {
  repository.write("deep/er/a.js", "");
  expect(await repositoryAround(at("deep/er"))).toBe(repository.root);
  expect(await repositoryAround("/")).toBe("/");
});
