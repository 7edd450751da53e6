import { accessSync, constants, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface ZeroCodeOptions {
  readonly cwd: string;
  /** False: leave the command alone. True: also instrument Node when the project has no package for it. */
  readonly auto: boolean | undefined;
  /** Path of the OpenTelemetry Java agent. */
  readonly javaAgent: string | undefined;
}

/** A command with instrumentation switched on from outside, and what was done, for people (`""`: nothing). */
export interface ZeroCode {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly note: string;
}

const NODE_PACKAGE = "@opentelemetry/auto-instrumentations-node";
const NODE_RUNNERS = /^(?:node|npm|npx|pnpm|yarn|bun|tsx|ts-node|nodemon|next|vite|nest)(?:\.exe|\.cmd)?$/;
const PYTHON_RUNNERS = /^(?:python[\d.]*|gunicorn|uvicorn|flask|django-admin|celery|fastapi|hypercorn)$/;

/**
 * Switches zero-code instrumentation on where it can: Node through `--import` in NODE_OPTIONS when the project has
 * OpenTelemetry's auto-instrumentations, Python through `opentelemetry-instrument` when that is installed beside the
 * command, Java through the agent when one is given. A command that brings its own is left alone.
 */
export function withZeroCode(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  options: ZeroCodeOptions,
): ZeroCode {
  const none: ZeroCode = { command, env, note: "" };
  if (options.javaAgent !== undefined) {
    const flag = `-javaagent:${resolve(options.cwd, options.javaAgent)}`;
    return {
      command,
      env: { ...env, JAVA_TOOL_OPTIONS: joined(env.JAVA_TOOL_OPTIONS, flag) },
      note: "Java agent on",
    };
  }
  if (options.auto === false || bringsItsOwn(command, env)) return none;
  const program = basename(command[0]!);
  if (NODE_RUNNERS.test(program)) return withNode(none, options);
  return PYTHON_RUNNERS.test(program) ? withPython(none, options) : none;
}

function withNode(plain: ZeroCode, { cwd, auto }: ZeroCodeOptions): ZeroCode {
  const hook = registerHookIn(cwd) ?? (auto === true ? ownRegisterHook() : undefined);
  if (hook === undefined) return plain;
  const NODE_OPTIONS = joined(plain.env.NODE_OPTIONS, `--import=${hook}`);
  return { ...plain, env: { ...plain.env, NODE_OPTIONS }, note: "Node auto-instrumentation on" };
}

function withPython(plain: ZeroCode, { cwd }: ZeroCodeOptions): ZeroCode {
  const program = plain.command[0]!;
  const beside = program.includes("/") ? join(dirname(resolve(cwd, program)), PYTHON_WRAPPER) : undefined;
  const wrapper =
    beside !== undefined && isExecutable(beside) ? beside : onPath(PYTHON_WRAPPER, plain.env.PATH);
  if (wrapper === undefined) return plain;
  return { ...plain, command: [wrapper, ...plain.command], note: "Python auto-instrumentation on" };
}

const PYTHON_WRAPPER = "opentelemetry-instrument";

function bringsItsOwn(command: readonly string[], env: NodeJS.ProcessEnv): boolean {
  const said = `${command.join(" ")} ${env.NODE_OPTIONS ?? ""}`;
  return /opentelemetry|instrumentation|otel/i.test(said);
}

/** URL of the hook in the project that holds `cwd`, or `undefined`. */
function registerHookIn(cwd: string): string | undefined {
  try {
    const path = createRequire(join(cwd, "package.json")).resolve(`${NODE_PACKAGE}/register`);
    return pathToFileURL(path).href;
  } catch {
    // Not installed there.
    return undefined;
  }
}

/** The small hook of this package: HTTP in and out. Built to JavaScript, since the command's Node may be older. */
function ownRegisterHook(): string | undefined {
  const path = fileURLToPath(new URL("./node-register.js", import.meta.url));
  const source = fileURLToPath(new URL("./node-register.ts", import.meta.url));
  if (existsSync(path)) return pathToFileURL(path).href;
  return existsSync(source) ? pathToFileURL(source).href : undefined;
}

function onPath(name: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function joined(existing: string | undefined, flag: string): string {
  return existing ? `${existing} ${flag}` : flag;
}
