import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { FoundRunner, RunnerName } from "./find-runner.ts";
import { VITEST_CONFIG_VARIABLE } from "./vitest-config.ts";

/** How a test command is started so that it reports. */
export interface RunnerPlan {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** What was done, for people. */
  readonly note: string;
  /** True when the command prints `go test -json`, which has to be turned back into what `go test` prints. */
  readonly goJson: boolean;
}

interface Planning {
  readonly command: readonly string[];
  readonly runner: FoundRunner;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Adds gasoline's reporter to a command; the user's own reporters and set-up files stay. */
export function planRunner(planning: Planning): RunnerPlan {
  return PLANS[planning.runner.name](planning);
}

const PLANS: Readonly<Record<RunnerName, (planning: Planning) => RunnerPlan>> = {
  vitest: planVitest,
  jest: planJest,
  mocha: planMocha,
  playwright: (planning) => ({
    ...unchanged(planning),
    env: { ...planning.env, PW_TEST_REPORTER: ownFile("playwright-reporter") },
    note: "playwright: reporter added; for traces that reach into pages, take `test` from gasoline360/playwright",
  }),
  "node:test": planNode,
  pytest: (planning) => ({
    ...unchanged(planning),
    env: {
      ...planning.env,
      PYTHONPATH: joined(dirname(ownFile("gasoline_pytest", ".py")), planning.env.PYTHONPATH, delimiter),
      PYTEST_PLUGINS: joined("gasoline_pytest", planning.env.PYTEST_PLUGINS, ","),
    },
    note: "pytest: plugin added",
  }),
  go: planGo,
};

function planVitest(planning: Planning): RunnerPlan {
  const { runner, cwd } = planning;
  if (runner.append === undefined) return cannotAdd(planning, 'reporters: ["default", "gasoline360/vitest"]');
  const given = optionIn(runner.words, "--config", "-c");
  if (given !== undefined && !planning.command.includes(given.words[0]!)) {
    return cannotAdd(planning, 'reporters: ["default", "gasoline360/vitest"]');
  }
  const root = resolve(cwd, optionIn(runner.words, "--root", "-r")?.value ?? ".");
  const config = given === undefined ? configIn(root, VITEST_CONFIGS) : resolve(root, given.value);
  const without = planning.command.filter((word) => given === undefined || !given.words.includes(word));
  const append = (args: readonly string[]): readonly string[] =>
    given === undefined ? runner.append!(args) : [...without, ...args];
  return {
    ...unchanged(planning),
    command: append([`--config=${ownFile("vitest-config")}`]),
    env: { ...planning.env, [VITEST_CONFIG_VARIABLE]: config ?? "" },
    note: "vitest: reporter and set-up file added to your configuration",
  };
}

function planJest(planning: Planning): RunnerPlan {
  const { runner, cwd } = planning;
  const settings = [
    ...runner.words,
    ...[...JEST_CONFIGS, "package.json"].map((name) => textOf(join(cwd, name))),
  ].join("\n");
  if (runner.append === undefined || /\breporters\b/.test(settings)) {
    return cannotAdd(planning, 'reporters: ["default", "gasoline360/jest"]');
  }
  const ownSetup = /\bsetupFilesAfterEnv\b/.test(settings);
  return {
    ...unchanged(planning),
    command: runner.append([
      "--reporters=default",
      `--reporters=${ownFile("jest-reporter")}`,
      ...(ownSetup ? [] : [`--setupFilesAfterEnv=${ownFile("jest-setup", ".cts", ".cjs")}`]),
    ]),
    note: ownSetup
      ? "jest: reporter added; add gasoline360/jest-setup to setupFilesAfterEnv to hand TRACEPARENT to tests"
      : "jest: reporter and set-up file added",
  };
}

function planMocha(planning: Planning): RunnerPlan {
  const { runner, env } = planning;
  const flag = `--require=${ownFile("mocha-hook")}`;
  return {
    ...unchanged(planning),
    ...(runner.append === undefined
      ? { env: { ...env, MOCHA_OPTIONS: joined(flag, env.MOCHA_OPTIONS, " ") } }
      : { command: runner.append([flag]) }),
    note: "mocha: hook added",
  };
}

function planNode(planning: Planning): RunnerPlan {
  const { runner, env } = planning;
  const own = optionsOf(runner.words, "--test-reporter");
  const destinations = optionsOf(runner.words, "--test-reporter-destination");
  const reporters = [
    ...(own === 0
      ? [`--test-reporter=${defaultReporter(runner.words[0]!, env)}`, "--test-reporter-destination=stdout"]
      : []),
    `--test-reporter=${ownFile("node-test-reporter")}`,
    // It prints nothing; and node:test cannot close /dev/null, which refuses fsync.
    "--test-reporter-destination=stdout",
    // One reporter needs no destination, several do: it was standard output.
    ...(own === 1 && destinations === 0 ? ["--test-reporter-destination=stdout"] : []),
  ];
  const flags = [...reporters, `--import=${ownFile("node-test-setup")}`].join(" ");
  return {
    ...unchanged(planning),
    env: { ...env, NODE_OPTIONS: joined(env.NODE_OPTIONS ?? "", flags, " ") },
    note: "node:test: reporter added",
  };
}

/** What Node takes when no reporter is named: `spec`, but `tap` before Node 23 where output is no terminal. */
function defaultReporter(program: string, env: NodeJS.ProcessEnv): string {
  if (process.stdout.isTTY) return "spec";
  try {
    const version = execFileSync(program, ["--version"], { encoding: "utf8", env });
    return Number(/^v(\d+)/.exec(version)?.[1]) < 20 ? "tap" : "spec";
  } catch {
    return "spec";
  }
}

function planGo(planning: Planning): RunnerPlan {
  const { command, runner } = planning;
  const at = command.lastIndexOf("test");
  const isJson = runner.words.includes("-json") || runner.words.includes("--json");
  if (at < 0 || runner.append === undefined) return cannotAdd(planning, "go test -json");
  return {
    ...unchanged(planning),
    command: isJson ? command : [...command.slice(0, at + 1), "-json", ...command.slice(at + 1)],
    note: "go test: read as -json, printed as ever",
    goJson: true,
  };
}

function cannotAdd(planning: Planning, remedy: string): RunnerPlan {
  const { name } = planning.runner;
  return {
    ...unchanged(planning),
    note: `${name}: its own settings name reporters or a configuration that cannot be extended from outside; add \`${remedy}\` there`,
  };
}

function unchanged({ command, env }: Planning): RunnerPlan {
  return { command, env, note: "", goJson: false };
}

const EXTENSIONS = ["ts", "mts", "cts", "js", "mjs", "cjs"];
const VITEST_CONFIGS = ["vitest", "vite"].flatMap((name) =>
  EXTENSIONS.map((each) => `${name}.config.${each}`),
);
const JEST_CONFIGS = [...EXTENSIONS, "json"].map((each) => `jest.config.${each}`);

function configIn(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** `--name=value`, `--name value` or the short form of it. */
function optionIn(
  words: readonly string[],
  ...names: readonly string[]
): { readonly value: string; readonly words: readonly string[] } | undefined {
  for (const [i, word] of words.entries()) {
    const equals = names.find((name) => word.startsWith(`${name}=`));
    if (equals !== undefined) return { value: word.slice(equals.length + 1), words: [word] };
    const value = words[i + 1];
    if (names.includes(word) && value !== undefined) return { value, words: [word, value] };
  }
  return undefined;
}

function optionsOf(words: readonly string[], name: string): number {
  return words.filter((word) => word === name || word.startsWith(`${name}=`)).length;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A file of this folder: as it stands in a checkout, or as it was built. */
function ownFile(name: string, source = ".ts", built = source === ".ts" ? ".js" : source): string {
  const isSource = import.meta.url.endsWith(".ts");
  return fileURLToPath(new URL(`./${name}${isSource ? source : built}`, import.meta.url));
}

function joined(first: string, second: string | undefined, divider: string): string {
  return [first, second ?? ""].filter((part) => part !== "").join(divider);
}
