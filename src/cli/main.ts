import { GasolineError } from "../model/errors.ts";
import { type Command, parseArguments, type Terminal } from "./command.ts";
import { commandHelp, overview } from "./help.ts";

/** Commands by name, loaded only when called, so that none pays for the others at start. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  mcp: async () => (await import("./mcp.ts")).mcp,
  show: async () => (await import("./show.ts")).show,
  observe: async () => (await import("./observe.ts")).observe,
  connect: async () => (await import("./connect.ts")).connect,
  watch: async () => (await import("./watch.ts")).watch,
  analyze: async () => (await import("./analyze.ts")).analyze,
  configure: async () => (await import("./configure.ts")).configure,
  generate: async () => (await import("./generate.ts")).generate,
  export: async () => (await import("./export.ts")).exportRecords,
  import: async () => (await import("./import.ts")).importFile,
  doctor: async () => (await import("./doctor.ts")).doctor,
  demo: async () => (await import("./demo.ts")).demo,
  run: async () => (await import("./run.ts")).run,
  tail: async () => (await import("./tail.ts")).tail,
  interact: async () => (await import("./interact.ts")).interact,
  extension: async () => (await import("./extension.ts")).extension,
  test: async () => (await import("./test.ts")).test,
  docker: async () => (await import("./docker.ts")).docker,
  syslog: async () => (await import("./syslog.ts")).syslog,
  git: async () => (await import("./git.ts")).git,
};

process.exitCode = await main(process.argv.slice(2), processTerminal());

/** Runs one command; returns its exit code. Errors go to stderr in one sentence with the remedy. */
async function main(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = argv;
  try {
    if (first === "--version" || first === "-v") {
      terminal.stdout.write(`${(await import("../version.ts")).VERSION}\n`);
      return 0;
    }
    if (first === "--help" || first === "-h" || first === "help") {
      terminal.stdout.write(await helpOn(rest[0]));
      return 0;
    }
    const isFlag = first === undefined || first.startsWith("-");
    const load = isFlag ? COMMANDS.serve : Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
    if (load === undefined) {
      throw new GasolineError(
        "bad_parameter",
        `"${first}" is not a command of gasoline.`,
        `Commands: ${Object.keys(COMMANDS).join(", ")}.`,
      );
    }
    const command = await load();
    // Past a `--` it is another program's flag.
    const own = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
    if (own.includes("--help") || own.includes("-h")) {
      terminal.stdout.write(commandHelp(command));
      return 0;
    }
    return await command.run(parseArguments(command, isFlag ? argv : rest), terminal);
  } catch (error) {
    terminal.stderr.write(
      `gasoline: ${error instanceof GasolineError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
    );
    return 2;
  }
}

async function helpOn(name: string | undefined): Promise<string> {
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) return commandHelp(await COMMANDS[name]!());
  const commands = Object.entries(COMMANDS).map(async ([each, load]) => [each, await load()] as const);
  return overview(new Map(await Promise.all(commands)));
}

function processTerminal(): Terminal {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  // `gasoline observe … | head`: whoever read us has seen enough.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  return { stdout: process.stdout, stderr: process.stderr, env: process.env, stop: stop.signal };
}
