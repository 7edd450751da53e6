import type { ParseArgsConfig, ParseArgsOptionsConfig } from "node:util";
import { parseArgs } from "node:util";
import { GasolineError } from "../model/errors.ts";

/** What a command may touch of the world around it. */
export interface Terminal {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: { readonly [name: string]: string | undefined };
  /** Ends when the user wants to stop (Ctrl-C, SIGTERM). */
  readonly stop: AbortSignal;
}

/** One command of the CLI. Its file holds nothing else. */
export interface Command {
  readonly name: string;
  /** One line. The overview leaves out what follows a colon or stands in parentheses. */
  readonly summary: string;
  /** Arguments as shown in the usage line, e.g. `TRACE`. */
  readonly usage: string;
  readonly options: ParseArgsOptionsConfig;
  /** Options of type string that may stand without a value, which then is `""`. */
  readonly optionalValues?: readonly string[];
  /** Returns the exit code: 0 done, 1 answered with a finding that should fail a script, 2 could not run. */
  readonly run: (args: Arguments, terminal: Terminal) => Promise<number>;
}

/** Parsed options by name, and what was left over. */
export interface Arguments {
  readonly values: { readonly [name: string]: string | boolean | readonly (string | boolean)[] | undefined };
  readonly positionals: readonly string[];
  /** Options and positionals in the order given, for a command where that order means something. */
  readonly tokens: readonly (
    | { readonly kind: "option"; readonly name: string }
    | { readonly kind: "positional"; readonly value: string }
  )[];
}

/** Parses `argv` for `command`. Throws GasolineError `bad_parameter` naming the wrong option and the right ones. */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const bare = new Set(command.optionalValues?.map((name) => `--${name}`));
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const config: ParseArgsConfig = {
    args: argv.map((arg, i) => (i < end && bare.has(arg) ? `${arg}=` : arg)),
    options: command.options,
    allowPositionals: true,
    allowNegative: true,
  };
  try {
    const { values, positionals, tokens = [] } = parseArgs({ ...config, tokens: true });
    return { values, positionals, tokens: tokens.filter((token) => token.kind !== "option-terminator") };
  } catch (error) {
    const options = Object.keys(command.options).map((name) => valueName(command, name));
    throw new GasolineError(
      "bad_parameter",
      firstSentence(error),
      `Usage: ${usageLine(command)}; options: ${options.length === 0 ? "none" : options.join(", ")}.`,
    );
  }
}

/** What to type: the command, its arguments, and that there are options. */
export function usageLine(command: Command): string {
  const words = [
    "gasoline",
    command.name,
    command.usage,
    Object.keys(command.options).length > 0 ? "[OPTIONS]" : "",
  ];
  return words.filter((word) => word !== "").join(" ");
}

/** An option as it is typed, e.g. `--limit LIMIT`, `--no-aliases`, `--syslog[=SYSLOG]`. */
export function valueName(command: Command, name: string): string {
  const option = command.options[name]!;
  if (option.type === "boolean") return option.default === true ? `--no-${name}` : `--${name}`;
  const value = name.split("-").at(-1)!.toUpperCase();
  return command.optionalValues?.includes(name) ? `--${name}[=${value}]` : `--${name} ${value}`;
}

export function textOption(args: Arguments, name: string): string | undefined {
  const value = args.values[name];
  return typeof value === "string" ? value : undefined;
}

export function flagOption(args: Arguments, name: string): boolean | undefined {
  const value = args.values[name];
  return typeof value === "boolean" ? value : undefined;
}

export function listOption(args: Arguments, name: string): readonly string[] | undefined {
  const value = args.values[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
}

/** Resolves when the user wants to stop. */
export async function untilStopped(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
}

function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `${message.split(/[.\n]/, 1)[0]}.`;
}
