import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A git repository of its own for one test. */
export interface Repository {
  readonly root: string;
  write(path: string, text: string): void;
  git(...args: string[]): string;
  /** Commits everything; returns the commit's id. */
  commit(subject: string, author?: string, date?: string): string;
  remove(): void;
}

/** Makes an empty repository in a temporary folder; nobody's git configuration applies to it. */
export function makeRepository(): Repository {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "gasoline-repository-")));
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", root, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    });
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Test Author");
  git("config", "user.email", "author@example.com");
  return {
    root,
    git,
    write(path, text) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    commit(subject, author = "Test Author", date = "2026-01-01T00:00:00Z") {
      git("add", "--all");
      git(
        "commit",
        "--quiet",
        "--message",
        subject,
        `--author=${author} <author@example.com>`,
        `--date=${date}`,
      );
      return git("rev-parse", "HEAD").trim();
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
