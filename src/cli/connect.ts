import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { GasolineError } from "../model/errors.ts";
import { nearest } from "../query/did-you-mean.ts";
import { withJsonServer, withTomlServer } from "./client-config.ts";
import { type Command, flagOption, type Terminal } from "./command.ts";

/** Where a client keeps its servers, and in which form. Paths begin in the project or at home. */
interface Client {
  readonly at: "project" | "home";
  readonly path: readonly string[];
  readonly change: (text: string) => string;
}

/** A package is found by npx from any folder; a checkout is not, so it is named by its own paths. */
const LAUNCHER = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));
const LAUNCH = import.meta.url.endsWith(".ts")
  ? { command: process.execPath, args: [LAUNCHER, "mcp"] }
  : { command: "npx", args: ["-y", "gasoline360", "mcp"] };

const CLIENTS: Readonly<Record<string, Client>> = {
  claude: {
    at: "project",
    path: [".mcp.json"],
    change: (text) => withJsonServer(text, "mcpServers", LAUNCH),
  },
  cursor: {
    at: "project",
    path: [".cursor", "mcp.json"],
    change: (text) => withJsonServer(text, "mcpServers", LAUNCH),
  },
  vscode: {
    at: "project",
    path: [".vscode", "mcp.json"],
    change: (text) => withJsonServer(text, "servers", { type: "stdio", ...LAUNCH }),
  },
  codex: { at: "home", path: [".codex", "config.toml"], change: (text) => withTomlServer(text, LAUNCH) },
  gemini: {
    at: "home",
    path: [".gemini", "settings.json"],
    change: (text) => withJsonServer(text, "mcpServers", LAUNCH),
  },
};

/** `gasoline connect CLIENT`: enters gasoline into an agent's configuration, after showing what changes. */
export const connect: Command = {
  name: "connect",
  summary: `enter gasoline into an agent's configuration: ${Object.keys(CLIENTS).join(", ")} (shows the change and asks first)`,
  usage: "CLIENT",
  options: { yes: { type: "boolean" } },
  run: async (args, terminal) => {
    const [name] = args.positionals;
    const client = clientOf(name);
    const path = join(
      client.at === "home" ? (terminal.env.HOME ?? homedir()) : process.cwd(),
      ...client.path,
    );
    const before = existsSync(path) ? readFileSync(path, "utf8") : "";
    const after = changed(client, before, path);
    if (after === before) {
      terminal.stdout.write(`${path} names gasoline already.\n`);
      return 0;
    }
    terminal.stdout.write(`${path}\n${diffOf(before, after)}`);
    if (flagOption(args, "yes") !== true && !(await agrees(terminal))) {
      terminal.stdout.write("Nothing was written.\n");
      return 1;
    }
    writeWhole(path, before, after);
    terminal.stdout.write(`Written. Restart ${name}, then ask it what gasoline sees.\n`);
    return 0;
  },
};

function clientOf(name: string | undefined): Client {
  if (name !== undefined && Object.hasOwn(CLIENTS, name)) return CLIENTS[name]!;
  const names = Object.keys(CLIENTS);
  const near = name === undefined ? undefined : nearest(name, names, 1)[0];
  throw new GasolineError(
    "bad_parameter",
    name === undefined ? "connect needs the name of a client." : `"${name}" is not a client that is known.`,
    near === undefined ? `Clients: ${names.join(", ")}.` : `Did you mean ${near}?`,
  );
}

function changed(client: Client, before: string, path: string): string {
  try {
    return client.change(before);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GasolineError(
      "bad_parameter",
      `${path} cannot be read: ${error.message}.`,
      "Mend it first; nothing was changed.",
    );
  }
}

/** The lines that go and come, with two lines around them. */
function diffOf(before: string, after: string): string {
  const old = before === "" ? [] : before.trimEnd().split("\n");
  const now = after.trimEnd().split("\n");
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail++;
  const lines = [
    ...now.slice(Math.max(0, head - CONTEXT_LINES), head).map((line) => `  ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+ ${line}`),
    ...now.slice(now.length - tail, now.length - tail + CONTEXT_LINES).map((line) => `  ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}

const CONTEXT_LINES = 2;

/** Asks on a terminal; anything else has to say --yes. */
async function agrees({ stdout, stop }: Terminal): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    stdout.write("Say --yes to write it.\n");
    return false;
  }
  const reader = createInterface({ input: process.stdin, output: stdout });
  try {
    return /^y(?:es)?$/i.test((await reader.question("Write this? [y/N] ", { signal: stop })).trim());
  } finally {
    reader.close();
  }
}

/** Never half a file; what was there stays beside it. */
function writeWhole(path: string, before: string, after: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (before !== "") copyFileSync(path, `${path}.before-gasoline`);
  const whole = `${path}.${process.pid}.tmp`;
  writeFileSync(whole, after);
  renameSync(whole, path);
}
