import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type GitWatch, watchRepository } from "../../src/adapters/git.ts";
import { openRepository } from "../../src/adapters/git-repository.ts";
import { createOtlpClient, type OtlpClient } from "../../src/adapters/otlp-client.ts";
import { vcsAttributes } from "../../src/adapters/vcs-attributes.ts";
import { systemClock } from "../../src/model/time.ts";
import type { StoredLog } from "../../src/store/telemetry-store.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";

const WAIT = { timeout: 15_000, interval: 20 };
const IDENTITY = { GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@example.com" };
const ENV = {
  ...{ PATH: process.env.PATH, HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1", ...IDENTITY },
  ...{ GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@example.com" },
};

let daemon: TestDaemon;
let client: OtlpClient;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

/** A new repository on branch `main`, with one commit of `cart.js`. */
let folder: string;
let watch: GitWatch | undefined;
let told: string[];
beforeEach(() => {
  folder = mkdtempSync(join(daemon.folder, "repository-"));
  told = [];
  client = createOtlpClient({
    endpoint: () => Promise.resolve(daemon.gasoline.url),
    apiKey: "",
    clock: systemClock,
  });
  git("init", "-q", "-b", "main");
  write("cart.js", "one\ntwo\nthree\n");
  commit("first");
});
afterEach(async () => {
  await watch?.close();
  watch = undefined;
  await client.close(5_000);
});

function git(...args: readonly string[]): string {
  return gitIn(folder, ...args);
}

function gitIn(cwd: string, ...args: readonly string[]): string {
  const allowed = ["-c", "protocol.file.allow=always", ...args];
  return String(execFileSync("git", allowed, { cwd, env: ENV, stdio: ["ignore", "pipe", "pipe"] }));
}

function write(name: string, text: string, cwd = folder): void {
  writeFileSync(join(cwd, name), text);
}

function commit(message: string): void {
  git("add", "-A");
  git("commit", "-q", "-m", message);
}

async function watched(cwd = folder, hunks = false): Promise<GitWatch> {
  watch = watchRepository({
    ...{ repository: await openRepository(cwd), client, clock: systemClock, from: "end", hunks },
    tell: (message) => told.push(message),
  });
  await watch.poll();
  return watch;
}

/** Events of the work tree so far, each in words. */
async function events(cwd = folder): Promise<string[]> {
  await client.flush(5_000);
  const logs = await daemon.logs(cwd.split("/").at(-1)!);
  return logs.map((log) => `${log.eventName.replace("gasoline.git.", "")} ${wordsOf(log)}`);
}

function wordsOf({ body, attributes }: StoredLog): string {
  const branch = attributes["vcs.ref.head.name"] ?? "detached";
  return `${String(body).replace(/^[0-9a-f]{8} /, "")} @${String(branch)}`;
}

async function lastLog(): Promise<StoredLog> {
  await client.flush(5_000);
  return (await daemon.logs(folder.split("/").at(-1)!)).at(-1)!;
}

describe("a watched work tree", () => {
  it("tells of commits with their files and counts, of branches and of merges", async () => {
    const watching = await watched();
    git("checkout", "-q", "-b", "feature");
    write("cart.js", "one\nthree\n");
    write("new file.js", "x\n");
    commit("change the cart");
    await watching.pollHead();
    const log = await lastLog();
    expect(log.attributes).toMatchObject({
      "vcs.ref.head.revision": git("rev-parse", "HEAD").trim(),
      "vcs.ref.base.revision": git("rev-parse", "HEAD~1").trim(),
      "vcs.ref.head.name": "feature",
      "gasoline.git.files": ["cart.js", "new file.js"],
      "gasoline.git.lines.added": 1,
      "gasoline.git.lines.removed": 1,
    });
    git("checkout", "-q", "main");
    git("merge", "-q", "--no-ff", "-m", "merged", "feature");
    await watching.pollHead();
    expect(await events()).toEqual([
      "checkout checkout: moving from main to feature @feature",
      "commit commit: change the cart @feature",
      "checkout checkout: moving from feature to main @main",
      "merge merge feature: Merge made by the 'ort' strategy. @main",
    ]);
  });

  it("tells of files that change, change again, and are taken back", async () => {
    const watching = await watched(folder, true);
    write("cart.js", "one\ntwo\nthree\nfour\n");
    write("note.txt", "untracked\n");
    await watching.poll();
    const changed = (await events()).sort();
    expect(changed).toEqual(["change added note.txt @main", "change modified cart.js +1 -0 @main"]);
    const { "gasoline.vcs.diff_hash": diffHash } = await vcsAttributes(folder);
    const cart = (await daemon.logs(folder.split("/").at(-1)!)).find(
      ({ attributes }) => attributes["code.file.path"] === "cart.js",
    )!;
    expect(cart.attributes).toMatchObject({
      "vcs.line_change.type": "added",
      "gasoline.git.change.status": "modified",
      "gasoline.git.hunks": expect.stringContaining("+four"),
      "gasoline.vcs.diff_hash": diffHash,
    });
    expect(diffHash).toMatch(/^[0-9a-f]{16}$/);
    await watching.poll();
    expect(await events()).toHaveLength(2);
    git("checkout", "-q", "--", "cart.js");
    await watching.poll();
    expect((await events()).slice(2)).toEqual(["change reverted cart.js +0 -0 @main"]);
    commit("the note");
    await watching.poll();
    expect((await events()).slice(3)).toEqual(["commit commit: the note @main"]);
  });

  it("says what a rebase does, also while it stands in the middle", async () => {
    git("checkout", "-q", "-b", "feature");
    write("cart.js", "ours\n");
    commit("ours");
    git("checkout", "-q", "main");
    write("cart.js", "theirs\n");
    commit("theirs");
    git("checkout", "-q", "feature");
    const watching = await watched();
    expect(() => git("rebase", "main")).toThrow();
    await watching.poll();
    expect(await events()).toEqual([
      expect.stringMatching(/^checkout rebase.*\(start\).* @detached$/),
      expect.stringMatching(/^change conflicted cart.js .*@detached$/),
    ]);
    git("rebase", "--abort");
    await watching.poll();
    expect((await events()).at(-1)).toMatch(/@feature$/);
    expect(told).toEqual([]);
  });

  it("may be a linked one, or a submodule", async () => {
    const linked = `${folder}-linked`;
    git("worktree", "add", "-q", "--detach", linked);
    git("submodule", "add", "-q", folder, "inner");
    for (const place of [linked, join(folder, "inner")]) {
      const watching = await watched(place);
      write("cart.js", "changed\n", place);
      gitIn(place, "commit", "-q", "-a", "-m", `in ${place.split("/").at(-1)}`);
      await watching.poll();
      const name = place.split("/").at(-1)!;
      expect(await events(place)).toEqual([
        expect.stringMatching(new RegExp(`^commit commit: in ${name} @(detached|main)$`)),
      ]);
      await watching.close();
      watch = undefined;
    }
  });

  it("may have no commit yet, and no reflog", async () => {
    const empty = join(daemon.folder, "empty");
    mkdirSync(empty);
    gitIn(empty, "init", "-q", "-b", "main");
    write("a.txt", "a\n", empty);
    const watching = await watched(empty);
    gitIn(empty, "add", "a.txt");
    gitIn(empty, "commit", "-q", "-m", "root");
    await watching.poll();
    expect(await events(empty)).toEqual(["change added a.txt @main", "commit commit (initial): root @main"]);
  });

  it("counts what it does not name when very much changes", async () => {
    for (let i = 0; i < 150; i++) write(`f${i}.txt`, "x\n");
    await watched();
    const all = await events();
    expect(all).toHaveLength(101);
    expect(all.at(-1)).toBe("change 50 more files changed @main");
  });

  it("is refused where there is none", async () => {
    await expect(openRepository("/")).rejects.toThrow("in no git repository");
    const bare = join(daemon.folder, "bare.git");
    gitIn(daemon.folder, "init", "-q", "--bare", bare);
    await expect(openRepository(bare)).rejects.toThrow("bare repository");
  });
});

describe("the command", () => {
  it("watches, and is told of by observe", async () => {
    const child = daemon.start(["git"], ENV, folder);
    await new Promise((resolve) => child.stderr!.once("data", resolve));
    write("cart.js", "by the command\n");
    commit("by the command");
    await expect.poll(() => events(), WAIT).toContain("commit commit: by the command @main");
    const answer = await fetch(
      `${daemon.gasoline.url}/api/observe?what=git&text=by%20the%20command&format=text`,
    );
    expect(await answer.text()).toContain("gasoline.git.commit");
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("close", resolve));
    expect(child.exitCode).toBe(0);
  });

  it("installs hooks that send in the background, keep what was there, and go again", async () => {
    const hook = join(folder, ".git/hooks/post-commit");
    mkdirSync(join(folder, ".git/hooks"), { recursive: true });
    writeFileSync(hook, "#!/bin/sh\necho kept >> kept.txt\nexit 3\n", { mode: 0o755 });
    for (const _twice of [1, 2]) {
      expect((await daemon.run(["git", "install-hooks"], ENV, folder)).code).toBe(0);
    }
    const env = { ...ENV, GASOLINE_ENDPOINT: daemon.gasoline.url };
    write("cart.js", "hooked\n");
    execFileSync("git", ["commit", "-q", "-a", "-m", "hooked"], { cwd: folder, env });
    execFileSync("git", ["checkout", "-q", "-b", "hooked"], { cwd: folder, env });
    await expect.poll(() => events(), WAIT).toContain("commit commit: hooked @main");
    expect(readFileSync(join(folder, "kept.txt"), "utf8")).toBe("kept\n");

    // Ours alone ends well, even with no daemon and no gasoline any more.
    const checkout = join(folder, ".git/hooks/post-checkout");
    writeFileSync(checkout, readFileSync(checkout, "utf8").replaceAll(process.execPath, "/gone/node"));
    expect(spawnSync(checkout, ["a", "b", "1"], { cwd: folder, env: ENV }).status).toBe(0);

    expect((await daemon.run(["git", "uninstall-hooks"], ENV, folder)).code).toBe(0);
    expect(readFileSync(hook, "utf8")).toContain("echo kept");
    expect(existsSync(checkout)).toBe(false);
  });
});
