import { type Command, usageLine, valueName } from "./command.ts";

/** Commands as the overview groups them: by what one wants. */
export const COMMAND_GROUPS: Readonly<Record<string, readonly string[]>> = {
  Start: ["serve", "demo", "doctor", "connect", "mcp"],
  Send: ["run", "tail", "docker", "syslog", "git", "test"],
  Ask: ["observe", "show", "analyze", "watch", "generate", "configure"],
  Browse: ["extension", "interact"],
  Carry: ["export", "import"],
};

/** What each option says, by its name, or by `command.name` where a command means something of its own. */
export const OPTION_TEXTS: Readonly<Record<string, string>> = {
  aliases: "leave the ports 4317 and 4318 alone",
  "allow-edits": "let agents apply patches to the workspace (interact apply_changes)",
  "allow-host": "a further name in Host headers to answer to, e.g. of a compose service",
  auto: "load OpenTelemetry into Node programs that do not have it",
  baseline: "what normal looked like: files of OTLP/JSON, or a folder; may be repeated",
  docker: "also send the logs of containers; all of them without a name",
  endpoint: "the daemon's URL (GASOLINE_ENDPOINT); otherwise the one of the state folder, or port 7890",
  fault: "break something in the shop; may be repeated",
  "from-start": "send what is there already, not only what comes",
  git: "also send commits, checkouts and changed files",
  host: "the address to listen on (GASOLINE_HOST); another than loopback needs GASOLINE_API_KEY",
  hunks: "send the changed lines as well, not only their number",
  "idle-exit": "stop after so many minutes without a request or record",
  "java-agent": "the OpenTelemetry agent's jar, for Java programs",
  json: "print JSON, for scripts",
  keep: "leave the shop open until Ctrl-C",
  "keep-going": "go on after a step that failed",
  limit: "how many rows",
  memory: "how much is kept in all, e.g. 800M",
  once: "send what is new and end; what the hooks call",
  out: "where to put the extension",
  output: "write the whole document into this file",
  patch: "a file with the patch to apply; - reads stdin",
  port: "the port to listen on (GASOLINE_PORT); 0 takes any that is free",
  "syslog.port": "the port to listen on, 5514 by default",
  "syslog.host": "the address to listen on, loopback by default",
  service: "service.name of what is sent; otherwise found out",
  session: "records of this session.id",
  "state-dir": "where .gasoline is (GASOLINE_STATE_DIR)",
  stop: "end the recording and save it",
  symptom: "what to explain, e.g. status=error",
  syslog: "also receive syslog, on 5514 without a port",
  tail: "also follow these files; may be repeated",
  trace: "one trace, by 8 or more digits of its id",
  window: "files of OTLP/JSON or a folder, instead of a running daemon",
  "export.window": "a time window SINCE/UNTIL, e.g. -15m/-5m",
  workspace: "where the sources are (GASOLINE_WORKSPACE); otherwise the repository around this folder",
  yes: "write without asking",
  zip: "say where the zip of the extension is",
};

/** The overview: every command in one line. */
export function overview(commands: ReadonlyMap<string, Command>): string {
  const width = Math.max(...[...commands.keys()].map((name) => name.length));
  const groups = Object.entries(COMMAND_GROUPS).map(([title, names]) => {
    const lines = names.map((name) => `  ${name.padEnd(width)}  ${inShort(commands.get(name)!.summary)}`);
    return [title, ...lines].join("\n");
  });
  return `Gasoline 360: an OpenTelemetry collector and trace correlator for you and your agent.

  gasoline [COMMAND] [ARGUMENTS] [OPTIONS]      without a command: serve

${groups.join("\n\n")}

gasoline COMMAND --help says what it takes; --version which version this is.
`;
}

/** A command, its arguments and its options. */
export function commandHelp(command: Command): string {
  const options = Object.keys(command.options).map((name) => [
    valueName(command, name),
    OPTION_TEXTS[`${command.name}.${name}`] ?? OPTION_TEXTS[name] ?? "",
  ]);
  const width = Math.max(0, ...options.map(([flag]) => flag!.length));
  const lines = options.map(([flag, text]) => `  ${flag!.padEnd(width)}  ${text}`);
  return `${usageLine(command)}\n\n${command.summary}\n${lines.length === 0 ? "" : `\n${lines.join("\n")}\n`}`;
}

/** A summary up to its list or aside. */
function inShort(summary: string): string {
  return summary.split(/: | \((?!the default)/, 1)[0]!;
}
