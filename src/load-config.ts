import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { type AdapterConfig, type Config, DEFAULT_SYSLOG_PORT, DEFAULTS, scaleLimits } from "./config.ts";
import { GasolineError } from "./model/errors.ts";

/** What the command line may set. `undefined` leaves a setting to the environment, the file, or the default. */
export interface ConfigFlags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly aliases?: boolean | undefined;
  readonly allowHosts?: readonly string[] | undefined;
  readonly memory?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly tail?: readonly string[] | undefined;
  /** Names; `""` for a flag without one. */
  readonly docker?: readonly string[] | undefined;
  /** A port; `""` for the usual one. */
  readonly syslog?: string | undefined;
  readonly git?: boolean | undefined;
  readonly workspace?: string | undefined;
  /** By the command line alone: no file in a repository may allow it. */
  readonly allowEdits?: boolean | undefined;
}

type Environment = { readonly [name: string]: string | undefined };

/**
 * One frozen Config: flags win over environment over `<state-dir>/config.json` over defaults.
 * Throws GasolineError `bad_parameter` on a value that cannot be used, naming where it came from.
 */
export function loadConfig(flags: ConfigFlags, env: Environment): Config {
  const stateDir = flags.stateDir ?? nonEmpty(env.GASOLINE_STATE_DIR) ?? DEFAULTS.stateDir;
  const file = readConfigFile(join(stateDir, "config.json"));
  const host = flags.host ?? nonEmpty(env.GASOLINE_HOST) ?? file.host ?? DEFAULTS.host;
  const port = flags.port ?? nonEmpty(env.GASOLINE_PORT) ?? file.port;
  const memory = flags.memory ?? file.memory;
  const apiKey = env.GASOLINE_API_KEY ?? "";
  const aliases = flags.aliases ?? file.aliases ?? true;
  const portNumber = port === undefined ? DEFAULTS.port : parsePort(port);

  if (apiKey === "" && !isLoopback(host)) {
    throw new GasolineError(
      "bad_parameter",
      `--host ${host} is reachable from other machines, and no key is set.`,
      "Set GASOLINE_API_KEY (clients then send it as `x-api-key` or `Authorization: Bearer`), or bind 127.0.0.1.",
    );
  }
  return Object.freeze({
    ...DEFAULTS,
    host,
    port: portNumber,
    // Aliases are for the well-known set-up only: a second daemon on a port of its own must not take them.
    aliases: aliases && portNumber === DEFAULTS.port ? DEFAULTS.aliases : [],
    allowHosts: flags.allowHosts ?? file.allowHosts ?? DEFAULTS.allowHosts,
    apiKey,
    stateDir,
    adapters: adaptersOf(flags, file),
    workspace: workspaceFolder(
      flags.workspace ?? nonEmpty(env.GASOLINE_WORKSPACE) ?? file.workspace ?? DEFAULTS.workspace,
    ),
    allowEdits: flags.allowEdits === true,
    store: memory === undefined ? DEFAULTS.store : scaleLimits(DEFAULTS.store, parseBytes(memory)),
  });
}

function adaptersOf(flags: ConfigFlags, file: ConfigFile): AdapterConfig {
  const docker = flags.docker ?? (file.docker === true ? [] : file.docker || undefined);
  const syslog = flags.syslog ?? (file.syslog === true ? "" : file.syslog || undefined);
  return {
    tail: flags.tail ?? file.tail ?? [],
    docker: docker?.filter((name) => name !== ""),
    syslog:
      syslog === undefined ? undefined : syslog === "" ? DEFAULT_SYSLOG_PORT : parsePort(String(syslog)),
    git: flags.git ?? file.git ?? false,
  };
}

/** True for the addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

interface ConfigFile {
  readonly host?: string;
  readonly port?: string;
  readonly memory?: string;
  readonly workspace?: string;
  readonly aliases?: boolean;
  readonly allowHosts?: readonly string[];
  readonly tail?: readonly string[];
  readonly docker?: boolean | readonly string[];
  readonly syslog?: boolean | number;
  readonly git?: boolean;
}

const FILE_KEYS: Readonly<Record<keyof ConfigFile, (value: unknown) => boolean>> = {
  host: isText,
  port: isTextOrNumber,
  memory: isTextOrNumber,
  workspace: isText,
  aliases: (value) => typeof value === "boolean",
  allowHosts: isTexts,
  tail: isTexts,
  docker: (value) => typeof value === "boolean" || isTexts(value),
  syslog: (value) => typeof value === "boolean" || typeof value === "number",
  git: (value) => typeof value === "boolean",
};

function readConfigFile(path: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw unusable(path, "it must hold one JSON object");
  }
  for (const [key, value] of Object.entries(parsed)) {
    const check = Object.hasOwn(FILE_KEYS, key) ? FILE_KEYS[key as keyof ConfigFile] : undefined;
    if (check === undefined)
      throw unusable(path, `"${key}" is not one of ${Object.keys(FILE_KEYS).join(", ")}`);
    if (!check(value)) throw unusable(path, `"${key}" cannot be ${JSON.stringify(value)}`);
  }
  const { port, memory, ...rest } = parsed as { port?: string | number; memory?: string | number };
  return {
    ...rest,
    ...(port === undefined ? {} : { port: String(port) }),
    ...(memory === undefined ? {} : { memory: String(memory) }),
  };
}

function workspaceFolder(path: string): string {
  if (path === "" || statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new GasolineError(
    "bad_parameter",
    `The workspace "${path}" is not a folder.`,
    "Give the folder that holds your sources with --workspace, GASOLINE_WORKSPACE, or `workspace` in config.json.",
  );
}

/** Throws GasolineError `bad_parameter` on anything but a whole number from 0 to 65535. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new GasolineError(
      "bad_parameter",
      `Port "${text}" is not a number from 0 to 65535.`,
      "Use 0 for any free port.",
    );
  }
  return port;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };
const MEMORY_MIN = 16 * 1024 ** 2;

function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?$/i.exec(text.trim());
  const bytes = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!.toUpperCase()]!;
  if (!(bytes >= MEMORY_MIN && bytes <= 16 * 1024 ** 3)) {
    throw new GasolineError(
      "bad_parameter",
      `--memory "${text}" is not a size from 16M to 16G.`,
      "Write it as 64M or 1G.",
    );
  }
  return Math.floor(bytes);
}

function unusable(path: string, why: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `${path} cannot be used: ${why}.`,
    "Correct the file or remove it.",
  );
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isTextOrNumber(value: unknown): boolean {
  return isText(value) || typeof value === "number";
}
