import { spawn } from "node:child_process";
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { GasolineError } from "../model/errors.ts";
import { VERSION } from "../version.ts";
import type { InteractContext, InteractOutcome, InteractQuestion } from "./interact.ts";
import { clean } from "./render/clean.ts";
import { count } from "./render/units.ts";

const GIT_MS_MAX = 20_000;
const COMPLAINT_CHARS_MAX = 600;
const FILES_RECORDED_MAX = 100;
const SEVERITY_INFO = 9;

/** One file of a patch. Lines are -1 of a binary. */
interface Changed {
  readonly path: string;
  readonly added: number;
  readonly deleted: number;
}

/**
 * Applies a patch to the workspace, whole or not at all: `git apply` on what `git apply --check` and our own look at
 * every path have passed. Refused (`not_allowed`) without --allow-edits and for paths that leave the workspace, lie in
 * `.git` or the state folder, or pass through a symbolic link; `bad_parameter` for a patch that does not apply.
 */
export async function applyChanges({ request, context }: InteractQuestion): Promise<InteractOutcome> {
  if (!context.allowEdits) {
    throw new GasolineError(
      "not_allowed",
      "This daemon may not change files.",
      "Make the change yourself, or ask the user to start it with `gasoline serve --allow-edits`.",
    );
  }
  const { patch = "" } = request;
  if (patch.trim() === "") {
    throw new GasolineError(
      "bad_parameter",
      "patch is missing; expected a unified diff.",
      "Its paths begin at the workspace, as `git diff` writes them: --- a/src/pay.ts, +++ b/src/pay.ts.",
    );
  }
  // git wants the last line ended.
  const whole = patch.endsWith("\n") ? patch : `${patch}\n`;
  const workspace = realpathSync((await context.source?.())?.root ?? resolve(context.workspace));
  const stateDir = existsSync(context.stateDir) ? realpathSync(context.stateDir) : resolve(context.stateDir);
  const files = filesOf(await git(workspace, ["apply", "--numstat", "-z", "-"], whole));
  for (const path of new Set([...files.map((file) => file.path), ...headerPaths(whole)])) {
    checkPath(path, workspace, stateDir);
  }
  const mode = /^(?:new file mode|new mode|index \S+) (120000|160000)$/m.exec(whole)?.[1];
  if (mode !== undefined) throw refused(mode === "120000" ? "a symbolic link" : "a submodule", "is no file");
  await git(workspace, ["apply", "--check", "-"], whole);
  await git(workspace, ["apply", "--whitespace=nowarn", "-"], whole);
  const recorded = await recordChange(context, workspace, files);
  return {
    summary: `Changed ${count(files.length, "file")} of the workspace.${recorded}`,
    verdict: "ok",
    items: files.map((file) => ({
      row: { ...file },
      lines: (charsMax) => [clean(`${file.path} +${file.added} -${file.deleted}`, charsMax)],
    })),
    next: ['observe {"what":"git"}'],
  };
}

/** `added TAB deleted TAB path NUL`, and for a renamed file an empty path and both names after it. */
function filesOf(numstat: string): Changed[] {
  const parts = numstat.split("\0");
  const files: Changed[] = [];
  for (let i = 0; i < parts.length - 1; i++) {
    const [added, deleted, path] = parts[i]!.split("\t");
    const lines = { added: linesOf(added), deleted: linesOf(deleted) };
    if (path !== "") files.push({ path: path ?? "", ...lines });
    else {
      files.push({ path: parts[i + 1] ?? "", ...lines }, { path: parts[i + 2] ?? "", ...lines });
      i += 2;
    }
  }
  return files;
}

function linesOf(text: string | undefined): number {
  return text === "-" || text === undefined ? -1 : Number(text);
}

/** Paths as the patch's own headers have them, for what numstat may not say (the old name of a rename). */
function headerPaths(patch: string): string[] {
  return [...patch.matchAll(/^(?:rename|copy) (?:from|to) (.+)$/gm)].map(([, path]) => path!);
}

/** Throws `not_allowed` for a path that is not an ordinary one inside the workspace. */
function checkPath(path: string, workspace: string, stateDir: string): void {
  const parts = path.split(/[/\\]/);
  if (path === "" || path.startsWith("/") || /^[A-Za-z]:/.test(path) || parts.includes(".."))
    throw refused(path, "leaves the workspace");
  if (parts.some((part) => /^\.git$/i.test(part))) throw refused(path, "is git's own");
  const target = join(workspace, path);
  if (target === stateDir || target.startsWith(stateDir + sep)) throw refused(path, "is gasoline's own");
  for (let at = target; at.length > workspace.length; at = dirname(at)) {
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw refused(path, "passes through a symbolic link");
  }
}

function refused(path: string, why: string): GasolineError {
  return new GasolineError(
    "not_allowed",
    `${JSON.stringify(path.slice(0, 200))} ${why}; nothing was changed.`,
    "A patch may change ordinary files inside the workspace only.",
  );
}

/**
 * Runs git in the workspace, which is taken for the root of the paths even inside a larger repository: there git would
 * silently leave out what lies elsewhere. Throws `bad_parameter` with git's own words.
 */
async function git(workspace: string, args: readonly string[], stdin: string): Promise<string> {
  const { PATH, HOME } = process.env;
  const child = spawn("git", args, {
    cwd: workspace,
    env: { PATH, HOME, LC_ALL: "C", GIT_CEILING_DIRECTORIES: dirname(workspace) },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: GIT_MS_MAX,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  // git may have seen enough before it has read all.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const code = await new Promise<number | null>((done, fail) => {
    child.once("error", (error) =>
      fail(new GasolineError("internal", `git cannot be run: ${error.message}.`, "Install git.")),
    );
    child.once("close", done);
  });
  if (code === 0) return stdout;
  throw new GasolineError(
    "bad_parameter",
    `The patch does not apply; nothing was changed. git says: ${clean(stderr.trim(), COMPLAINT_CHARS_MAX)}`,
    "Make it against the files as they are now, with paths from the workspace.",
  );
}

/** Sends the change as a `gasoline.git.change`, so that what got worse later can be laid at its door. */
async function recordChange(
  { clock, sendLogs }: InteractContext,
  workspace: string,
  files: readonly Changed[],
): Promise<string> {
  const timeUnixNano = `${BigInt(Math.round(clock.nowMs())) * 1_000_000n}`;
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const number = (key: string, value: number) => ({ key, value: { intValue: String(value) } });
  const logRecords = files.slice(0, FILES_RECORDED_MAX).map(({ path, added, deleted }) => ({
    timeUnixNano,
    severityNumber: SEVERITY_INFO,
    eventName: "gasoline.git.change",
    body: { stringValue: `applied a change to ${path}` },
    attributes: [
      text("code.file.path", path),
      text("gasoline.git.change.by", "interact"),
      number("gasoline.git.lines_added", Math.max(0, added)),
      number("gasoline.git.lines_deleted", Math.max(0, deleted)),
    ],
  }));
  try {
    await sendLogs({
      resourceLogs: [
        {
          resource: {
            attributes: [
              text("service.name", "gasoline"),
              text("vcs.repository.name", workspace.split(sep).at(-1)!),
            ],
          },
          scopeLogs: [{ scope: { name: "gasoline.git", version: VERSION }, logRecords }],
        },
      ],
    });
    return "";
  } catch (error) {
    // The files are changed all the same, and that is what has to be told.
    return ` The change could not be recorded: ${clean(String(error), 200)}.`;
  }
}
