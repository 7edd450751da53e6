import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Repository } from "./git-repository.ts";

/** Hooks that git runs when HEAD has moved or history was rewritten; none of them can stop git. */
const HOOKS = ["post-commit", "post-checkout", "post-merge", "post-rewrite"] as const;

const MARK = "# Written by `gasoline git install-hooks`; `gasoline git uninstall-hooks` takes it away.";
/** What was there before keeps running under this name. */
const KEPT = ".before-gasoline";

/**
 * Installs hooks that start `command` in the background and return at once. A hook that is there already is kept
 * beside and runs first, with the arguments and input it had, and its exit code stays the hook's. Returns the hooks'
 * names. Doing it again changes nothing but the command.
 */
export function installHooks({ hooksDir }: Repository, command: readonly string[]): readonly string[] {
  mkdirSync(hooksDir, { recursive: true });
  for (const name of HOOKS) {
    const path = join(hooksDir, name);
    if (existsSync(path) && !isOurs(path)) renameSync(path, `${path}${KEPT}`);
    writeFileSync(path, script(name, command));
    chmodSync(path, 0o755);
  }
  return HOOKS;
}

/** Takes our hooks away and puts back what was there before. Returns the names of those that were ours. */
export function uninstallHooks({ hooksDir }: Repository): readonly string[] {
  return HOOKS.filter((name) => {
    const path = join(hooksDir, name);
    if (!existsSync(path) || !isOurs(path)) return false;
    rmSync(path);
    if (existsSync(`${path}${KEPT}`)) renameSync(`${path}${KEPT}`, path);
    return true;
  });
}

function isOurs(path: string): boolean {
  return readFileSync(path, "utf8").includes(MARK);
}

/** Only sh's own commands in the foreground: git waits for nothing but a fork. */
function script(name: string, command: readonly string[]): string {
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return `#!/bin/sh
${MARK}
if [ -x ${words[0]} ]; then
  ${words.join(" ")} </dev/null >/dev/null 2>&1 &
fi
before="\${0%/*}/${name}${KEPT}"
if [ -x "$before" ]; then exec "$before" "$@"; fi
exit 0
`;
}
