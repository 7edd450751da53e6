import { commandEnvironment } from "../adapters/command-environment.ts";
import { type CommandSpan, closeCommandSpan, openCommandSpan } from "../adapters/command-span.ts";
import { hrTimeOfMs, type OtlpSource } from "../adapters/otlp-client.ts";
import { exitCodeOf, type RunningCommand, startCommand } from "../adapters/process.ts";
import { withZeroCode } from "../adapters/zero-code.ts";
import { GasolineError } from "../model/errors.ts";
import { systemClock } from "../model/time.ts";
import { type AdapterClient, adapterClient, CLIENT_OPTIONS, closeClient } from "./adapter-client.ts";
import { type Command, flagOption, type Terminal, textOption } from "./command.ts";
import { forwardSignals, type SignalForwarder } from "./forward-signals.ts";
import { readStack, type StackCommand, stackOfArguments } from "./stack.ts";

/** `gasoline run -- CMD`: a command with its output as logs, its telemetry pointed here, and its run as a span. */
export const run: Command = {
  name: "run",
  summary: "run commands with OTEL_* set, their output captured as logs and each run as a span",
  usage: "-- CMD [ARG …] [-- CMD …]",
  options: {
    service: { type: "string" },
    auto: { type: "boolean" },
    "java-agent": { type: "string" },
    ...CLIENT_OPTIONS,
  },
  run: async (args, terminal) => {
    const adapter = await adapterClient(args, terminal);
    const given = stackOfArguments(args.positionals, process.cwd());
    const stack = given.length > 0 ? given : readStack(adapter.place.stateDir);
    if (stack === undefined || stack.length === 0) {
      throw new GasolineError(
        "bad_parameter",
        "run needs a command.",
        "Write `gasoline run -- npm run dev`, several parted by `--`, or list them in .gasoline/stack.json.",
      );
    }
    const results = await runAll(stack, adapter, terminal, {
      service: textOption(args, "service"),
      auto: flagOption(args, "auto"),
      javaAgent: textOption(args, "java-agent"),
    });
    const linesLost = results.reduce((sum, result) => sum + result.linesLost, 0);
    await closeClient(adapter.client, terminal, linesLost);
    return results.find((result) => result.exitCode !== 0)?.exitCode ?? 0;
  },
};

interface RunOptions {
  readonly service: string | undefined;
  readonly auto: boolean | undefined;
  readonly javaAgent: string | undefined;
}

interface RunResult {
  readonly exitCode: number;
  readonly linesLost: number;
}

/** Starts all at once and waits for all. Several are children of one span, so that a stack is one trace. */
async function runAll(
  stack: readonly StackCommand[],
  adapter: AdapterClient,
  terminal: Terminal,
  options: RunOptions,
): Promise<readonly RunResult[]> {
  const start = systemClock.nowMs();
  const signals = forwardSignals();
  const above = stack.length > 1 ? openCommandSpan(terminal.env.TRACEPARENT) : undefined;
  const parent = above?.traceparent ?? terminal.env.TRACEPARENT;
  const several = stack.length > 1;
  try {
    const results = await Promise.all(
      stack.map((each) => runOne(each, { adapter, terminal, options, parent, signals, several })),
    );
    if (above !== undefined) {
      const exitCode = results.find((result) => result.exitCode !== 0)?.exitCode ?? 0;
      const command = ["gasoline", "run", ...stack.map((each) => each.service)];
      const outcome = {
        ...{ command, cwd: process.cwd(), exitCode, stopped: signals.stopped(), lastComplaint: "" },
        ...{ start: hrTimeOfMs(start), end: hrTimeOfMs(systemClock.nowMs()) },
      };
      adapter.client.source({ "service.name": "gasoline run" }).span(closeCommandSpan(above, outcome));
    }
    return results;
  } finally {
    signals.stop();
  }
}

interface RunContext {
  readonly adapter: AdapterClient;
  readonly terminal: Terminal;
  readonly options: RunOptions;
  readonly parent: string | undefined;
  readonly signals: SignalForwarder;
  readonly several: boolean;
}

async function runOne(each: StackCommand, context: RunContext): Promise<RunResult> {
  const { adapter, terminal, options, signals } = context;
  const service = options.service ?? terminal.env.OTEL_SERVICE_NAME ?? each.service;
  const span: CommandSpan = openCommandSpan(context.parent);
  const environment = commandEnvironment(
    { ...terminal.env, ...each.env },
    {
      endpoint: adapter.endpoint,
      apiKey: adapter.place.apiKey,
      service,
      traceparent: span.traceparent,
      colours: process.stdout.isTTY === true,
    },
  );
  const zeroCode = withZeroCode(each.command, environment, { ...options, cwd: each.cwd });
  if (zeroCode.note !== "") terminal.stderr.write(`gasoline: ${service}: ${zeroCode.note}.\n`);

  const start = systemClock.nowMs();
  let source: OtlpSource | undefined;
  const sourceOf = (processId: number): OtlpSource => {
    source = adapter.client.source({
      "service.name": service,
      "process.pid": processId,
      "process.command": each.command[0]!,
    });
    return source;
  };
  let running: RunningCommand;
  try {
    running = await startCommand({
      command: zeroCode.command,
      cwd: each.cwd,
      env: zeroCode.env,
      stdin: context.several ? "ignore" : "inherit",
      stdout: process.stdout,
      stderr: process.stderr,
      source: sourceOf,
      hasRoom: () => adapter.client.hasRoom(),
      clock: systemClock,
    });
  } catch (error) {
    return cannotStart(each, error, terminal);
  }
  signals.add(running);
  const exit = await running.exit;
  signals.remove(running);
  const exitCode = exitCodeOf(exit);
  source?.span(
    closeCommandSpan(span, {
      ...{ command: each.command, cwd: each.cwd, exitCode, lastComplaint: exit.lastComplaint },
      ...{ start: hrTimeOfMs(start), end: hrTimeOfMs(systemClock.nowMs()), stopped: signals.stopped() },
    }),
  );
  return { exitCode, linesLost: exit.linesLost };
}

/** As a shell says it: 127 when there is no such program, 126 when it cannot be run. */
function cannotStart(each: StackCommand, error: unknown, terminal: Terminal): RunResult {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const why = code === "ENOENT" ? "no such program or folder" : String(error);
  terminal.stderr.write(`gasoline: ${each.command[0]} could not be started: ${why}.\n`);
  return { exitCode: code === "ENOENT" ? 127 : 126, linesLost: 0 };
}
