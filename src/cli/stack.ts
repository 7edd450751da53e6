import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { projectName } from "../adapters/project-name.ts";
import { GasolineError } from "../model/errors.ts";

/** One command of a dev stack. */
export interface StackCommand {
  /** `service.name` of what it prints and sends. */
  readonly service: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
}

const StackFile = z.strictObject({
  services: z.record(
    z.string().min(1),
    z.strictObject({
      command: z.union([z.string().min(1), z.array(z.string()).min(1)]),
      cwd: z.string().optional(),
      env: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/**
 * The commands of `<state-dir>/stack.json`: `{"services": {"api": {"command": "npm run dev", "cwd": "api"}}}`. A
 * command that is one text runs in a shell; `cwd` counts from the folder that holds the state folder. `undefined`
 * when there is no file. Throws GasolineError `bad_parameter` when it cannot be used.
 */
export function readStack(stateDir: string): readonly StackCommand[] | undefined {
  const path = join(stateDir, "stack.json");
  if (!existsSync(path)) return undefined;
  const project = dirname(resolve(stateDir));
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  const checked = StackFile.safeParse(parsed);
  if (!checked.success) throw unusable(path, z.prettifyError(checked.error).replace(/\n/g, " "));
  return Object.entries(checked.data.services).map(([service, { command, cwd = ".", env = {} }]) => ({
    service,
    command: typeof command === "string" ? ["sh", "-c", command] : command,
    cwd: resolve(project, cwd),
    env,
  }));
}

/** Commands as given after `--`, parted by further `--`. */
export function stackOfArguments(positionals: readonly string[], cwd: string): readonly StackCommand[] {
  const commands: string[][] = [[]];
  for (const word of positionals) {
    if (word === "--") commands.push([]);
    else commands.at(-1)!.push(word);
  }
  const given = commands.filter((command) => command.length > 0);
  return given.map((command) => ({
    service: given.length === 1 ? projectName(cwd) : serviceOfCommand(command),
    command,
    cwd,
    env: {},
  }));
}

/** `npm run api` is `api`, `node services/cart.js` is `cart`, `./server --port 1` is `server`. */
function serviceOfCommand(command: readonly string[]): string {
  const [program, ...rest] = command;
  const words = rest.filter((word) => !word.startsWith("-") && word !== "run" && word !== "exec");
  const subject = /^(?:npm|npx|pnpm|yarn|node|bun|tsx|python[\d.]*|ruby|php|go|cargo|java|sh|bash)$/.test(
    basename(program!),
  )
    ? (words[0] ?? program!)
    : program!;
  return basename(subject).replace(/\.\w+$/, "") || "app";
}

function unusable(path: string, why: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `${path} cannot be used: ${why}`,
    'It should read {"services": {"NAME": {"command": "npm run dev", "cwd": "api"}}}.',
  );
}
