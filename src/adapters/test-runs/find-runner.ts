import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** A test runner inside a command line. */
export interface FoundRunner {
  readonly name: RunnerName;
  /** The runner's own words: program and arguments, of the script where a package manager runs one. */
  readonly words: readonly string[];
  /** The command with arguments added at its end; `undefined` where they would reach something else. */
  readonly append: ((args: readonly string[]) => readonly string[]) | undefined;
}

export type RunnerName = "vitest" | "jest" | "mocha" | "playwright" | "node:test" | "pytest" | "go";

const PACKAGE_MANAGERS = /^(?:npm|pnpm|yarn|bun)$/;
const EXECUTORS = /^(?:npx|pnpx|bunx)$/;
/** Programs that only set the stage for the one after them. */
const WRAPPERS = /^(?:env|cross-env|dotenv|poetry|uv|pipenv|hatch)$/;
const ASSIGNMENT = /^\w+=/;

/** The runner that a command starts, directly, through `npx` or through a script of package.json; else `undefined`. */
export function findRunner(command: readonly string[], cwd: string): FoundRunner | undefined {
  const appended = (args: readonly string[]): readonly string[] => [...command, ...args];
  const direct = runnerIn(command);
  if (direct !== undefined) return { ...direct, append: appended };
  const manager = basename(command[0] ?? "");
  if (!PACKAGE_MANAGERS.test(manager)) return undefined;
  const script = scriptOf(command, cwd);
  if (script === undefined) return undefined;
  const parts = script.split(/&&|\|\||;|\|/).map((part) => part.trim().split(/\s+/));
  const found = parts.map(runnerIn).findLast((runner) => runner !== undefined);
  if (found === undefined) return undefined;
  // Arguments after `--` go to the script's last command.
  const isLast = runnerIn(parts.at(-1)!) !== undefined;
  const divider = manager === "npm" && !command.includes("--") ? ["--"] : [];
  return { ...found, append: isLast ? (args) => [...command, ...divider, ...args] : undefined };
}

function runnerIn(command: readonly string[]): Pick<FoundRunner, "name" | "words"> | undefined {
  let words = command;
  for (let left = 5; left > 0 && words.length > 0; left--) {
    const program = programName(words[0]!);
    if (ASSIGNMENT.test(words[0]!) || EXECUTORS.test(program)) words = withoutFlags(words.slice(1));
    else if (WRAPPERS.test(program)) words = withoutFlags(words.slice(1).filter((word) => word !== "run"));
    else if (PACKAGE_MANAGERS.test(program) && /^(?:exec|x|dlx)$/.test(words[1] ?? "")) {
      words = withoutFlags(words.slice(2));
    } else if (program === "node" && !words.includes("--test")) {
      const script = words.findIndex((word, i) => i > 0 && !word.startsWith("-"));
      if (script < 0) return undefined;
      words = words.slice(script);
    } else break;
  }
  const name = nameOf(words);
  return name === undefined ? undefined : { name, words };
}

function nameOf(words: readonly string[]): RunnerName | undefined {
  const program = programName(words[0] ?? "");
  const [, first] = words;
  switch (program) {
    case "vitest":
    case "jest":
    case "mocha":
      return program;
    case "playwright":
      return first === "test" ? "playwright" : undefined;
    case "node":
      return "node:test";
    case "pytest":
    case "py.test":
      return "pytest";
    case "go":
      return first === "test" ? "go" : undefined;
    default:
      return /^python[\d.]*$/.test(program) && first === "-m" && words[2] === "pytest" ? "pytest" : undefined;
  }
}

function programName(word: string): string {
  return basename(word).replace(/\.(?:exe|cmd|m?js|cjs)$/, "");
}

function withoutFlags(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !word.startsWith("-"));
  return first < 0 ? [] : words.slice(first);
}

/** The text of the script that `npm test` or `npm run NAME` runs. */
function scriptOf(command: readonly string[], cwd: string): string | undefined {
  const words = command.slice(1).filter((word) => !word.startsWith("-"));
  const name = words[0] === "run" || words[0] === "run-script" ? words[1] : words[0];
  try {
    const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as {
      scripts?: Readonly<Record<string, unknown>>;
    };
    const script = manifest.scripts?.[name === "t" ? "test" : (name ?? "")];
    return typeof script === "string" ? script : undefined;
  } catch {
    return undefined;
  }
}
