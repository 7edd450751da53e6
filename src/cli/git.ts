import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FilePosition } from "../adapters/file-tail.ts";
import { type GitWatch, watchRepository } from "../adapters/git.ts";
import { installHooks, uninstallHooks } from "../adapters/git-hooks.ts";
import { openRepository, type Repository } from "../adapters/git-repository.ts";
import type { OtlpClient } from "../adapters/otlp-client.ts";
import { GasolineError } from "../model/errors.ts";
import { systemClock } from "../model/time.ts";
import { adapterClient, CLIENT_OPTIONS, closeClient } from "./adapter-client.ts";
import { type Command, flagOption, type Terminal, untilStopped } from "./command.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));

/** `gasoline git`: commits, checkouts, merges and changed files of a work tree. */
export const git: Command = {
  name: "git",
  summary:
    "send commits, checkouts, merges and changed files while it runs; hooks send moves of HEAD without it",
  usage: "[install-hooks | uninstall-hooks]",
  options: { hunks: { type: "boolean" }, once: { type: "boolean" }, ...CLIENT_OPTIONS },
  run: async (args, terminal) => {
    const repository = await openRepository(process.cwd());
    const [what] = args.positionals;
    const act = what === undefined ? undefined : ACTIONS[what];
    if (act !== undefined) return act(repository, terminal);
    if (what !== undefined) {
      throw new GasolineError(
        "bad_parameter",
        `"${what}" is not something that \`gasoline git\` does.`,
        `It takes ${Object.keys(ACTIONS).join(" or ")}, or nothing to watch.`,
      );
    }
    const { client } = await adapterClient(args, terminal);
    if (flagOption(args, "once") === true) await sendOnce(repository, client, terminal);
    else {
      const watch = await startGit(repository, client, terminal, flagOption(args, "hunks") === true);
      await untilStopped(terminal.stop);
      await watch.close();
    }
    await closeClient(client, terminal);
    return 0;
  },
};

const ACTIONS: Readonly<Record<string, (repository: Repository, terminal: Terminal) => Promise<number>>> = {
  "install-hooks": async (repository, terminal) => {
    keepPosition(repository, endOfReflog(repository));
    const names = installHooks(repository, [process.execPath, LAUNCHER, "git", "--once"]);
    terminal.stdout.write(`${names.join(", ")} in ${repository.hooksDir} tell gasoline from now on.\n`);
    return 0;
  },
  "uninstall-hooks": async (repository, terminal) => {
    const names = uninstallHooks(repository);
    const done = names.length === 0 ? "No hook" : names.join(", ");
    terminal.stdout.write(
      `${done} in ${repository.hooksDir} ${names.length === 1 ? "was" : "were"} gasoline's.\n`,
    );
    return 0;
  },
};

/** Watches until closed; hooks of the same work tree stand back meanwhile. */
export async function startGit(
  repository: Repository,
  client: OtlpClient,
  terminal: Terminal,
  hunks: boolean,
): Promise<GitWatch> {
  const free = lock(repository);
  const watch = watchRepository({
    ...{ repository, client, clock: systemClock, hunks, from: "end" },
    tell: (message) => terminal.stderr.write(`gasoline git: ${message}\n`),
  });
  await watch.poll();
  terminal.stderr.write(`gasoline git: watching ${repository.root}\n`);
  return {
    ...watch,
    close: async () => {
      await watch.close();
      keepPosition(repository, watch.position());
      free?.();
    },
  };
}

/** What a hook calls: sends the moves of HEAD since the last time, and ends. */
async function sendOnce(repository: Repository, client: OtlpClient, terminal: Terminal): Promise<void> {
  const free = lock(repository);
  if (free === undefined) return;
  const watch = watchRepository({
    ...{ repository, client, clock: systemClock, hunks: false, from: keptPosition(repository) },
    tell: (message) => terminal.stderr.write(`gasoline git: ${message}\n`),
  });
  await watch.pollHead();
  await watch.close();
  keepPosition(repository, watch.position());
  free();
}

/** One process at a time reads a reflog. Returns how to let go; `undefined` while another that lives has it. */
function lock({ gitDir }: Repository): (() => void) | undefined {
  const path = join(gitDir, "gasoline", "lock");
  mkdirSync(join(path, ".."), { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch {
      if (isAlive(Number(readFileSync(path, "utf8")))) return undefined;
      rmSync(path, { force: true });
    }
  }
  return undefined;
}

function isAlive(processId: number): boolean {
  try {
    return processId > 0 && process.kill(processId, 0);
  } catch (error) {
    // It lives, and is another user's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** So that the first hook tells of what made git run it, and of nothing older. */
function endOfReflog({ gitDir }: Repository): FilePosition {
  const found = statSync(join(gitDir, "logs", "HEAD"), { throwIfNoEntry: false });
  return { device: found?.dev ?? 0, inode: found?.ino ?? 0, offset: found?.size ?? 0 };
}

/** Where a hook goes on: what came before the first one is not told. */
function keptPosition({ gitDir }: Repository): FilePosition | "end" {
  try {
    return JSON.parse(readFileSync(join(gitDir, "gasoline", "position.json"), "utf8")) as FilePosition;
  } catch {
    return "end";
  }
}

function keepPosition({ gitDir }: Repository, position: FilePosition | undefined): void {
  if (position === undefined) return;
  mkdirSync(join(gitDir, "gasoline"), { recursive: true });
  writeFileSync(join(gitDir, "gasoline", "position.json"), JSON.stringify(position));
}
